/** The columns of a run's study that have a mean in it already, and those that have none yet. */
import { type Column, columnsOf, type SummedColumn } from '@consilium/protos/plan/columns.ts'
import type { Summed } from '@consilium/protos/plan/round-plan.ts'
import { standardisationFrom } from '@consilium/protos/strategy/standardisation.ts'
import type { RunEvent } from './events.ts'
import type { Run } from './state.ts'

/** Columns of the study that have no mean in this run yet. */
export function missingColumns({ manifest, columns }: Run): Column[] {
  return columnsOf(manifest.study.features).filter(({ name }) => !columns.some((known) => known.name === name))
}

/** The means of columns of the study that another run summed. */
export function withTaken(run: Run, { summed }: Extract<RunEvent, { type: 'columns-taken' }>): Run {
  const missing = missingColumns(run).map(({ name }) => name)
  const taken = summed.columns.filter(({ name }) => missing.includes(name))
  const source = { run: summed.run, columns: taken.map(({ name }) => name) }
  return withColumns({ ...run, taken: [...run.taken, source] }, taken, summed)
}

/** `summed`: who verified them, where anybody did. */
export function withColumns(run: Run, more: readonly SummedColumn[], summed: Summed | undefined): Run {
  const columns = [...run.columns, ...more]
  const known = new Map(columns.map((column) => [column.name, column]))
  const standardisation = standardisationFrom(run.manifest.study.features, known)
  const by = summed && { columns: [...(run.proven.columns ?? []), summed] }
  return { ...run, columns, proven: { ...run.proven, ...by }, ...(standardisation && { standardisation }) }
}
