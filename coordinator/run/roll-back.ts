/** A run goes back to the model of an earlier round: the round under way ends, and training goes on with the next number. */
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { failure } from '../round/dropouts.ts'
import { shortReason } from '../round/events.ts'
import type { RunEvent } from './events.ts'
import type { Run, RunCommand } from './state.ts'

/**
 * Ends the open round and returns to an earlier model. Nothing where the named round committed none or this is the present
 * one, and where no round is open: then the model is being exported.
 */
export function rollBack(run: Run, command: Extract<RunCommand, { type: 'roll-back' }>, now: Date): RunEvent[] {
  const { round, signature } = command
  const parameters = parametersOf(run, round)
  if (!run.current || parameters === undefined || parameters === run.parameters) return []
  const reason = shortReason(command.reason)
  return [
    failure(run.current.setting, 'cancelled', `the run goes back to the model of round ${round}`, now),
    { type: 'run-rolled-back', at: now.toISOString(), round, parameters, reason, signature },
  ]
}

/** The model that a train round of this run committed; undefined where there is none. */
export function parametersOf(run: Run, round: number): Sha256 | undefined {
  const over = run.past.find(({ setting }) => setting.purpose === 'train' && setting.round === round)
  return over?.outcome.type === 'committed' && over.outcome.result.purpose === 'train'
    ? over.outcome.result.parameters
    : undefined
}
