/** A run as it begins: with the means that earlier runs' statistics gave, and among the sites that masked for the others. */
import { columnsOf } from '@consilium/protos/plan/columns.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { columnStates, summedElsewhere } from '../round/columns.ts'
import { evolveRun } from './run.ts'
import type { Run } from './state.ts'

/** `runs`: all others. */
export function withColumnsOfBefore(run: Run, runs: readonly Run[], now: Date): Run {
  const { study } = run.manifest
  if (!isSummedUp(study)) return run
  const [columns, states] = [columnsOf(study.features), columnStates(runs)]
  const next = summedElsewhere(columns, states).reduce<Run>(
    (before, { summed, plan }) => evolveRun(before, { type: 'columns-taken', at: now.toISOString(), summed, plan }),
    run,
  )
  const settled = columns.flatMap(({ name }) => states.get(name) ?? []).find(({ state }) => state === 'settled')
  if (settled?.state !== 'settled') return next
  return { ...next, partners: { ...next.partners, statistics: settled.sites } }
}

/** Whether sites sum columns for a study under masks. */
export function isSummedUp({ aggregation, standardisation }: Pick<Study, 'aggregation' | 'standardisation'>): boolean {
  return aggregation.mode === 'secure' && standardisation === 'federated'
}
