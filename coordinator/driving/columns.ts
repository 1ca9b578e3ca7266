/**
 * Columns over all runs (fedsum, section E.4): what one run sums no other one does, also while the event that plans it is on
 * its way to the log.
 */
import type { RunId } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { type ColumnStates, columnStates } from '../round/columns.ts'
import type { Run } from '../run/state.ts'

export type Columns = {
  /** What the runs but this one made of columns. */
  of(run: RunId): ColumnStates
  /** This run is about to sum the columns of this plan. */
  planned(run: RunId, plan: RoundPlan): void
  /** Whether something became of columns since this run was asked about last. */
  changed(run: Run): boolean
}

export function openColumns(runs: ReadonlyMap<RunId, { readonly run: Run }>): Columns {
  const planned = new Map<RunId, RoundPlan>()
  const ended = new Map<RunId, number>()
  return {
    of(run) {
      const others = [...runs.values()].map((process) => process.run).filter(({ id }) => id !== run)
      const soon = [...planned].filter(([id]) => id !== run).map(([, plan]) => plan)
      return columnStates(others, soon)
    },
    planned: (run, plan) => void planned.set(run, plan),
    changed({ id, current, past }) {
      if (current?.phase !== 'recruit') planned.delete(id)
      const before = ended.get(id) ?? 0
      const now = past.filter(({ setting }) => setting.purpose === 'statistics').length
      ended.set(id, now)
      return now > before
    },
  }
}
