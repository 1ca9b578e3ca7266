/** What follows the rounds that a run has had: another round, the export of its model, or its failure. */
import type { Purpose } from '@consilium/protos/plan/names.ts'
import { isEvaluatedAfter } from '@consilium/protos/plan/study.ts'
import type { RoundOver } from '../round/over.ts'
import type { Run } from './state.ts'

export type NextStep =
  | { readonly type: 'round'; readonly round: number; readonly purpose: Purpose; readonly attempt?: number }
  | { readonly type: 'export' }
  | { readonly type: 'fail'; readonly code: string; readonly reason: string }
  | { readonly type: 'none' }

/**
 * What follows the rounds so far. After a failed train round the next one starts from the same model; an evaluation that
 * failed or was withheld leaves a gap in the curve. A sum with too few contributors, statistics that were not made, a failed
 * last train round, two failed rounds of training in a row or two of evaluation end the run. A round that a roll-back
 * cancelled counts as none: training goes on with the next number. So does one that ended, before any upload, because a
 * peer had been restored. One that lost a partner after its plan is attempted again.
 */
export function nextStep(run: Run): NextStep {
  if (run.state !== 'running' || run.current) return { type: 'none' }
  const { study } = run.manifest
  const last = run.past.at(-1)
  if (!last || isOvertaken(last)) return { type: 'round', ...(needsStatistics(run) ? statistics : firstTraining) }
  if (run.isEvaluationSkipped) return { type: 'export' }
  const { round, purpose } = last.setting
  if (isInterrupted(last)) return { type: 'round', round, purpose, attempt: (last.setting.attempt?.number ?? 1) + 1 }
  if (last.outcome.type === 'failed' && isEnd(run, last)) {
    const { code, reason } = last.outcome
    return { type: 'fail', code, reason: `${purpose} round ${round} failed: ${reason}` }
  }
  const isTrained = purpose === 'train' && last.outcome.type === 'committed'
  if (isTrained && isEvaluatedAfter(round, study)) return { type: 'round', round, purpose: 'evaluate' }
  return round < study.rounds ? { type: 'round', round: round + 1, purpose: 'train' } : { type: 'export' }
}

/** Whether nothing can follow this failed round. */
function isEnd({ past, manifest }: Run, last: RoundOver): boolean {
  const { round, purpose } = last.setting
  if (!isFailure(last)) return false
  // Every site that was in that sum stays away from the study now.
  if (last.outcome.type === 'failed' && last.outcome.code === 'too-few-contributors') return true
  if (purpose === 'statistics' || (purpose === 'train' && round === manifest.study.rounds)) return true
  const before = past.findLast((over) => over.setting.purpose === purpose && over !== last)
  return before !== undefined && isFailure(before)
}

function isInterrupted({ outcome }: RoundOver): boolean {
  return outcome.type === 'failed' && outcome.code === 'interrupted'
}

/** Without statistics nothing can follow, whatever they failed for. */
function isFailure(over: RoundOver): boolean {
  const { outcome, setting } = over
  if (isInterrupted(over)) return false
  if (outcome.type !== 'failed' || outcome.code === 'cancelled') return false
  return setting.purpose === 'statistics' || (outcome.code !== 'peer-restored' && outcome.code !== 'withheld')
}

const statistics = { round: 0, purpose: 'statistics' } as const
const firstTraining = { round: 1, purpose: 'train' } as const

/** Statistics whose columns another run summed meanwhile: nothing was asked of a site. */
function isOvertaken({ setting, outcome }: RoundOver): boolean {
  return setting.purpose === 'statistics' && outcome.type === 'failed' && outcome.code === 'column-summed'
}

/** Left out where every column of the study has its mean from other runs. */
function needsStatistics({ manifest, standardisation }: Run): boolean {
  return manifest.study.standardisation === 'federated' && standardisation === undefined
}
