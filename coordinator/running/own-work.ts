/** The work of a run that is the coordinator's own: aggregating a round's updates and exporting the finished model. */
import { errorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { Logger } from 'pino'
import type { Committing } from '../round/commit.ts'
import { nextStep, type Run, type RunCommand } from '../run/run.ts'
import type { KeyVault } from '../store/key-vault.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { aggregate } from './aggregate.ts'
import { storeFinishedModel } from './finished-model.ts'
import { openRunKey } from './run-keys.ts'

export type Tools = { readonly objects: ObjectStore; readonly vault: KeyVault; readonly log: Logger }

type Command = Exclude<RunCommand, { type: 'look' }>

/** A name for the work that is due, so that it is not begun twice; undefined where none is. */
export function workDue(run: Run): string | undefined {
  if (run.current?.phase === 'commit') return run.current.planHash
  return nextStep(run).type === 'export' ? 'export' : undefined
}

/** Does the work that is due and gives the commands it leads to; a failure of the coordinator's own ends the run. */
export async function doOwnWork(run: Run, tools: Tools): Promise<Command[]> {
  try {
    if (run.current?.phase === 'commit') return await commitRound(run, run.current, tools)
    return [{ type: 'finish', model: await storeFinishedModel(run, tools.objects) }]
  } catch (error) {
    tools.log.error({ run: run.id, error: errorMessage(error) }, 'the coordinator could not finish its part of a round')
    const reason =
      error instanceof FederationError ? error.message : 'an internal error: see the log of the coordinator'
    return [{ type: 'fail', code: errorCode(error), reason }]
  }
}

async function commitRound(run: Run, round: Committing, { objects, vault }: Tools): Promise<Command[]> {
  const keys = await openRunKey(vault, run.id, run)
  const { refused, result } = await aggregate(round, run.manifest, keys, objects).finally(() => keys.secretKey.fill(0))
  const { planHash } = round
  const refusals = refused.map(({ site, reason }) => ({ type: 'refuse-contribution', planHash, site, reason }) as const)
  return [
    ...refusals,
    result
      ? { type: 'commit', planHash, result }
      : { type: 'give-up', planHash, reason: 'no contribution with an example came in' },
  ]
}
