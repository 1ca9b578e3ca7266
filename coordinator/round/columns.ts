/**
 * A column is summed once (fedsum, section E.4), as the coordinator plans by it: what became of each column in the other
 * runs, whether a mean, a sum that sites masked for and that never came out, or a sum that is under way.
 */
import type { Column } from '@consilium/protos/plan/columns.ts'
import type { RunId, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan, Summed } from '@consilium/protos/plan/round-plan.ts'
import type { RoundOver } from './over.ts'
import type { RoundSetting } from './setting.ts'

export type ColumnState =
  /** `plan`: of the statistics round that summed it. */
  | { readonly state: 'summed'; readonly run: RunId; readonly summed: Summed; readonly plan: RoundPlan }
  /** These sites masked for it, and take part in no other sum of it. */
  | { readonly state: 'settled'; readonly run: RunId; readonly sites: readonly SiteName[] }
  | { readonly state: 'under-way'; readonly run: RunId; readonly sites: readonly SiteName[] }

/** By the column's name. */
export type ColumnStates = ReadonlyMap<string, ColumnState>

export const noColumns: ColumnStates = new Map()

type RunOfColumns = {
  readonly id: RunId
  readonly past: readonly RoundOver[]
  readonly current?: { readonly setting: RoundSetting; readonly plan?: RoundPlan }
}

/** What these runs made of columns; of several the first that has a mean. `planned`: sums that are about to be under way. */
export function columnStates(runs: Iterable<RunOfColumns>, planned: Iterable<RoundPlan> = []): ColumnStates {
  const states = new Map<string, ColumnState>()
  for (const { id: run, past, current } of runs) {
    // What is attempted again is settled while it waits, and under way once it has a plan.
    const isAttempted = current?.plan !== undefined && current.setting.attempt !== undefined
    for (const over of isAttempted ? [] : statisticsOf(past)) note(states, stateOf(run, over), over.statistics?.columns)
    if (!current?.plan || current.setting.purpose !== 'statistics') continue
    noteUnderWay(states, current.plan)
  }
  for (const plan of planned) noteUnderWay(states, plan)
  return states
}

/** What of these columns other runs have summed, by run; each once. */
export function summedElsewhere(columns: readonly Column[], states: ColumnStates) {
  const found = new Map<RunId, Extract<ColumnState, { state: 'summed' }>>()
  for (const { name } of columns) {
    const state = states.get(name)
    if (state?.state === 'summed') found.set(state.run, state)
  }
  return [...found.values()]
}

/** Statistics come before everything else in a run. */
function statisticsOf(past: readonly RoundOver[]): readonly RoundOver[] {
  const end = past.findIndex(({ setting }) => setting.purpose !== 'statistics')
  return end < 0 ? past : past.slice(0, end)
}

function stateOf(
  run: RunId,
  { statistics: plan, cohort, outcome, proven, isMasked }: RoundOver,
): ColumnState | undefined {
  if (!plan?.columns) return undefined
  if (outcome.type === 'committed' && outcome.result.purpose === 'statistics' && proven)
    return { state: 'summed', run, summed: { run, ...proven, columns: outcome.result.columns }, plan }
  return isMasked ? { state: 'settled', run, sites: cohort } : undefined
}

function noteUnderWay(states: Map<string, ColumnState>, { run, cohort, columns }: RoundPlan): void {
  note(states, { state: 'under-way', run, sites: cohort }, columns)
}

const order = { summed: 0, settled: 1, 'under-way': 2 }

function note(states: Map<string, ColumnState>, state: ColumnState | undefined, columns: readonly Column[] = []): void {
  if (!state) return
  for (const { name } of columns) {
    const known = states.get(name)
    if (!known || order[state.state] < order[known.state]) states.set(name, state)
  }
}
