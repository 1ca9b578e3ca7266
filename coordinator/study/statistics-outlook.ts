/** Which statistics a run would begin with: none, where every column has its mean from other runs; else a round for the rest. */
import type { RunId } from '@consilium/protos/plan/names.ts'
import { columnStates } from '../round/columns.ts'
import { decideNext, evolveRun } from '../run/run.ts'
import type { Run } from '../run/state.ts'
import { runToCome, type Situation } from './situation.ts'

export type StatisticsToCome =
  /** The study has no sums of that kind. */
  | { readonly type: 'none' }
  | { readonly type: 'taken'; readonly from: readonly RunId[] }
  /** Another run sums one of the columns just now. */
  | { readonly type: 'under-way' }
  | { readonly type: 'fails'; readonly reason: string }
  /** `isSettled`: among the sites that masked for one of the columns before. `from`: whose means it takes for the others. */
  | { readonly type: 'round'; readonly run: Run; readonly isSettled: boolean; readonly from: readonly RunId[] }

/** Decided by the very function that decides in a run. */
export function statisticsToCome(situation: Situation): StatisticsToCome {
  const { manifest, attendance, runs, now } = situation
  if (manifest.study.standardisation !== 'federated') return { type: 'none' }
  const logHead = { size: 1, root: '0'.repeat(64) }
  const columns = columnStates(runs)
  const decide = (run: Run) => decideNext(run, undefined, attendance, logHead, now, columns)
  let run = runToCome(situation)
  let events = decide(run)
  while (events[0]?.type === 'columns-taken') {
    run = events.reduce(evolveRun, run)
    events = decide(run)
  }
  const [event] = events
  const from = [...new Set(run.taken.map((taken) => taken.run))]
  if (!event) return { type: 'under-way' }
  if (event.type === 'run-failed') return { type: 'fails', reason: event.reason }
  if (event.type !== 'round-started' || event.purpose !== 'statistics') return { type: 'taken', from }
  return {
    ...{ type: 'round', run: evolveRun(run, event), from },
    isSettled: event.partners !== undefined || run.partners.statistics !== undefined,
  }
}
