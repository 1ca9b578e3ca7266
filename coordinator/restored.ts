/**
 * What follows once a site proves that this coordinator runs from an old copy of its log: it is written down, said in the
 * log, and nothing goes on until its operator recovers it (fedsum, section E.6).
 */
import type { KnownHeads } from '@consilium/protos/control-messages.ts'
import { errorMessage } from '@consilium/protos/errors.ts'
import { runOf } from '@consilium/protos/log/model-entry.ts'
import { federationStream } from '@consilium/protos/log/signed-head.ts'
import type { RunId, SiteName } from '@consilium/protos/plan/names.ts'
import type { FederationEvent } from './federation/events.ts'
import { describeLoss, isProvenRevoked, judgeKnown, type OwnLog, unknownCertificate } from './federation/losses.ts'
import { checkRecoverable, recover, recoveryView } from './federation/recover.ts'
import type { Parts } from './parts.ts'
import type { Caller, RecoveryView } from './services.ts'

/** Takes what a site holds of this coordinator's own signatures; rejects with `signature-invalid` for another's. */
export async function takeKnownHeads(parts: Parts, by: SiteName, told: KnownHeads): Promise<void> {
  const { stream, clock } = parts
  const events = await stream.change((state) => judgeKnown(state, ownLog(parts), by, told, clock.now()))
  afterwards(parts, events)
}

/** A site showed a certificate that the log does not know: written down in the background, where that is a proof. */
export function certificateShown(parts: Parts, caller: Caller): void {
  const { stream, clock, log } = parts
  // A site dials again and again, and only the first time tells something.
  if (!unknownCertificate(stream.state, caller, clock.now())) return
  stream
    .change((state) => {
      const event = unknownCertificate(state, caller, clock.now())
      return event ? [event] : []
    })
    .then((events) => afterwards(parts, events))
    .catch((error) => log.error({ error: errorMessage(error) }, 'what a site proved was not written down'))
}

/** With all that sites proved so far. */
export async function showRecovery({ stream, runs }: Parts): Promise<RecoveryView> {
  await stream.settled()
  return recoveryView(stream.state, openRuns({ runs }))
}

/** Ends what was open, then begins the next epoch of the log. Killed in between, it is asked for again. */
export async function recoverCoordinator(parts: Parts, readmit: readonly SiteName[]): Promise<RecoveryView> {
  const { stream, clock, identity, runs } = parts
  await stream.settled()
  checkRecoverable(stream.state)
  const ended = openRuns(parts)
  const reason = 'the coordinator was restored from an old copy, and what this run did since is lost'
  for (const run of ended) await runs.get(run)!.command({ type: 'cancel', reason })
  await stream.change((state) => recover(state, stream.logHead(), identity, readmit, clock.now()))
  endRevoked(parts)
  parts.federationChanged()
  return { ...(await showRecovery(parts)), openRuns: ended }
}

function afterwards(parts: Parts, events: readonly FederationEvent[]): void {
  for (const event of events) {
    if (event.type === 'loss-proven')
      parts.log.error(
        { by: event.by },
        `THIS COORDINATOR WAS RESTORED FROM AN OLD COPY: ${describeLoss(event)}. It runs nothing until consilium recover, see coordinator/RECOVER.md`,
      )
  }
  if (events.length === 0) return
  endRevoked(parts)
  parts.federationChanged()
}

/** Who is proven to have been sent away leaves at once. */
function endRevoked({ stream, attending }: Parts): void {
  for (const name of attending.sites)
    if (stream.state.sites.get(name)?.state !== 'enrolled' || isProvenRevoked(stream.state, name))
      attending.end(name, 'certificate-revoked', `site ${name} was revoked before this coordinator was restored`)
}

function openRuns({ runs }: Pick<Parts, 'runs'>): RunId[] {
  return [...runs.values()].flatMap(({ run }) => (run.state === 'running' ? [run.id] : []))
}

function ownLog({ stream, runs }: Parts): OwnLog {
  const find = (name: string) => {
    const run = runOf(name)
    return name === federationStream ? stream : run === undefined ? undefined : runs.get(run)
  }
  return {
    length: (name) => find(name)?.logHead().size ?? 0,
    rootAt: (name, size) => find(name)?.rootAt(size),
  }
}
