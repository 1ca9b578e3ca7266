/** A run that has trained all its rounds ends without the evaluation of its last model, because somebody asks for it. */
import { failure } from '../round/dropouts.ts'
import { shortReason } from '../round/events.ts'
import type { RunEvent } from './events.ts'
import type { Run, RunCommand } from './state.ts'

/**
 * Ends the evaluation of the last model, whatever phase it is in: it is a gap then, as one that was withheld. Nothing where no
 * such evaluation is open, and where its sum is being made.
 */
export function skipEvaluation(
  { current }: Run,
  { reason, missing }: Extract<RunCommand, { type: 'skip-evaluation' }>,
  now: Date,
): RunEvent[] {
  if (!current || !isSkippable(current)) return []
  const { round } = current.setting
  const waited = missing.length > 0 ? `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing; ` : ''
  return [
    { type: 'evaluation-skipped', at: now.toISOString(), round, reason: shortReason(reason) },
    failure(
      current.setting,
      'withheld',
      shortReason(`${waited}not waited for any longer (run finish): ${reason}`),
      now,
    ),
  ]
}

/** Whether the run has trained all its rounds and has the evaluation of its last model still before it. */
export function isSkippable(current: Run['current']): boolean {
  return current?.setting.isLast === true && current.phase !== 'commit'
}
