/**
 * Starts a site's agent: the one place that knows store, link, trainers, consent and phases, and wires them. The agent
 * only dials out; it listens on nothing.
 */
import { availableParallelism } from 'node:os'
import { type Clock, systemClock } from '@consilium/protos/clock.ts'
import { openMaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import type { Logger } from 'pino'
import { Agent } from './agent.ts'
import { resolveFolders } from './config.ts'
import { connect, openMembership } from './connect.ts'
import { openConsent } from './consent.ts'
import { openPinnedCoordinator } from './coordinator-key.ts'
import { checkRows } from './judge.ts'
import { writeCoordinatorKey } from './link/identity-files.ts'
import { silentLogger } from './log.ts'
import { policyInForce, readPolicy } from './policy.ts'
import { openRosterKeeper } from './roster.ts'
import type { AgentEvent } from './round/events.ts'
import { objectFetcher } from './round/fetch-object.ts'
import type { Site } from './round/site.ts'
import { openSiteTrainers } from './round/trainers.ts'
import { lockState } from './store/lock.ts'
import { openSiteStore } from './store/site-store.ts'
import { trainerStarter } from './train/start-trainer.ts'
import type { StartTrainer } from './train/trainer.ts'

export type AgentOptions = {
  /** Folder with `site.yaml` and perhaps `policy.yaml`. */
  readonly site: string
  /** Default: `state` in the site folder. */
  readonly state?: string
  readonly onEvent?: (event: AgentEvent) => void
  readonly startTrainer?: StartTrainer
  readonly clock?: Clock
  /** Of the link and the training processes; the agent itself speaks through `onEvent`. */
  readonly log?: Logger
}

/** Masks are bound by the disk soon after. */
const maskThreadsMax = 4

export type RunningAgent = {
  readonly name: string
  /** Resolves once stopped; rejects where the agent cannot go on (`certificate-revoked`, `unauthenticated`). */
  readonly ended: Promise<void>
  /** Ends training processes and connections; what was unfinished is worked again by the next agent. */
  stop(): Promise<void>
}

/**
 * Resolves once the agent dials. Rejects with `unauthenticated` where this site has not joined, `already-exists` where
 * another agent runs on the state folder, `invalid-site-config` for a policy that cannot be read.
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { onEvent: emit = () => undefined, clock = systemClock, log = silentLogger() } = options
  const folders = resolveFolders(options)
  readPolicy(folders)
  openMembership(folders.state)
  const lock = lockState(folders.state)
  const store = openSiteStore(folders.state, clock.now)
  try {
    const connection = connect({ state: folders.state, ledger: store.egress, clock, log })
    const { link, identity, secret, coordinatorPublicKey } = connection
    const coordinator = openPinnedCoordinator({
      publicKey: coordinatorPublicKey,
      keep: (publicKey) => writeCoordinatorKey(folders.state, publicKey),
      emit,
    })
    const fetchObject = objectFetcher({ store, link })
    const policyNow = policyInForce(folders)
    const trainers = openSiteTrainers({
      secret,
      siteConfigPath: folders.siteConfigPath,
      startTrainer:
        options.startTrainer ?? trainerStarter({ onOutput: (line) => log.debug({ line }, 'training process'), clock }),
      store,
      checkRows: (study, data) => checkRows(study, data, { store, policy: policyNow() }),
      fetchObject,
      emit,
    })
    const maskThreads = openMaskThreads(Math.min(maskThreadsMax, availableParallelism()))
    const site: Site = {
      name: link.site,
      identity,
      secret,
      get coordinatorPublicKey() {
        return coordinator.publicKey
      },
      store,
      link,
      fetchObject,
      trainers,
      maskThreads,
      readPolicy: policyNow,
      now: clock.now,
      emit,
    }
    const agent = new Agent(site, openConsent({ site, identity, readPolicy: policyNow }), {
      roster: openRosterKeeper({ site, publicKey: identity.publicKey, readPolicy: policyNow }),
      coordinator,
    })
    const ended = agent.attend()
    // Whoever waits sees the rejection; the process does not end because nobody has looked yet.
    ended.catch(() => undefined)
    const stop = async () => {
      await agent.stop()
      await maskThreads.close()
      await ended.catch(() => undefined)
      await link.close()
      store.close()
      lock.release()
    }
    let stopped: Promise<void> | undefined
    return {
      name: link.site,
      ended,
      stop: () => {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    store.close()
    lock.release()
    throw error
  }
}
