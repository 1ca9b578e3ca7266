/** The work of a run that is the coordinator's own: aggregating a round's updates and exporting the finished model. */
import { errorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { MaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import type { Logger } from 'pino'
import type { Committing } from '../round/commit.ts'
import type { Verifying } from '../round/verify.ts'
import { nextStep } from '../run/next-step.ts'
import type { Run, RunCommand } from '../run/state.ts'
import type { KeyVault } from '../store/key-vault.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { aggregateSealed } from '../summing/aggregate-sealed.ts'
import { aggregateSecure, type SecureRoundOver } from '../summing/aggregate-secure.ts'
import { storeFinishedModel } from '../summing/finished-model.ts'
import { rebuildSecrets } from '../summing/rebuild-secrets.ts'
import type { Replays } from '../summing/replays.ts'
import { openRunKey } from '../summing/run-keys.ts'
import type { StoredMessages } from '../summing/stored-messages.ts'
import type { StoredSums } from '../summing/stored-sums.ts'

export type Tools = {
  readonly objects: ObjectStore
  readonly vault: KeyVault
  readonly threads: MaskThreads
  readonly messages: StoredMessages
  readonly sums: StoredSums
  readonly replays: Replays
  readonly log: Logger
}

type Command = Exclude<RunCommand, { type: 'look' }>

/** A name for the work that is due, so that it is not begun twice; undefined where none is. */
export function workDue({ current: round, ...run }: Run, { replays }: Pick<Tools, 'replays'>): string | undefined {
  if (round?.phase === 'commit') return round.planHash
  if (round?.phase === 'verify')
    return replays.loaded(round.planHash, round.session) === 'missing' ? `replay:${round.planHash}` : undefined
  return nextStep(run).type === 'export' ? 'export' : undefined
}

/** Does the work that is due and gives the commands it leads to; a failure of the coordinator's own ends the run. */
export async function doOwnWork(run: Run, tools: Tools): Promise<Command[]> {
  try {
    if (run.current?.phase === 'commit') return await commitRound(run, run.current, tools)
    if (run.current?.phase === 'verify') return await gatherReplay(run.current, tools)
    return [{ type: 'finish', model: await storeFinishedModel(run, tools.objects) }]
  } catch (error) {
    tools.log.error({ run: run.id, error: errorMessage(error) }, 'the coordinator could not finish its part of a round')
    const reason =
      error instanceof FederationError ? error.message : 'an internal error: see the log of the coordinator'
    return [{ type: 'fail', code: errorCode(error), reason }]
  }
}

async function commitRound(run: Run, round: Committing, tools: Tools): Promise<Command[]> {
  const { session } = round
  return session ? commitSecure(run, { ...round, session }, tools) : commitSealed(run, round, tools)
}

/** After a restart: what the committed sum was made of, for the sites that have not verified it yet. */
async function gatherReplay({ planHash, session }: Verifying, { messages, replays }: Tools): Promise<Command[]> {
  await replays.put(planHash, session, (await rebuildSecrets(session, messages)).removal)
  return []
}

async function commitSecure(run: Run, round: SecureRoundOver, tools: Tools): Promise<Command[]> {
  const { planHash, session } = round
  try {
    const { seeds, removal, culprits } = await rebuildSecrets(session, tools.messages)
    for (const { site, reason } of culprits)
      tools.log.warn({ run: run.id, planHash, site, reason }, 'a wrong share was revealed')
    if (round.setting.purpose !== 'evaluate') await tools.replays.put(planHash, session, removal)
    const result = await aggregateSecure(round, run.manifest, seeds, tools).finally(() => {
      for (const { seed } of seeds) seed.fill(0)
    })
    return [result ? { type: 'commit', planHash, ...result } : nothingCameIn(planHash)]
  } catch (error) {
    const code = errorCode(error)
    if (code !== 'update-invalid' && code !== 'too-few-contributors' && code !== 'shares-invalid') throw error
    tools.log.warn({ run: run.id, planHash, code, error: errorMessage(error) }, 'the sum of a round is of no use')
    return [{ type: 'give-up', planHash, code, reason: errorMessage(error) }]
  }
}

async function commitSealed(run: Run, round: Committing, { objects, vault }: Tools): Promise<Command[]> {
  const keys = await openRunKey(vault, run.id, run)
  const { refused, result } = await aggregateSealed(round, run.manifest, keys, objects).finally(() =>
    keys.secretKey.fill(0),
  )
  const { planHash } = round
  const refusals = refused.map(({ site, reason }) => ({ type: 'refuse-contribution', planHash, site, reason }) as const)
  return [...refusals, result ? { type: 'commit', planHash, result } : nothingCameIn(planHash)]
}

function nothingCameIn(planHash: Sha256): Command {
  return {
    type: 'give-up',
    planHash,
    code: 'update-invalid',
    reason: 'no contribution with an example came in',
  }
}
