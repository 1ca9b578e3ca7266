/** What a run goes on from, audited: the model and the means that its rounds made, those it took, and a model it goes back to. */
import { type Column, columnsOf, type SummedColumn } from '@consilium/protos/plan/columns.ts'
import type { Summed } from '@consilium/protos/plan/round-plan.ts'
import { verifyRollback } from '@consilium/protos/rollback.ts'
import { standardisationFrom } from '@consilium/protos/strategy/standardisation.ts'
import type { RunEvent } from '../run/events.ts'
import { closeRound, type StartedRun } from './audited-run.ts'
import { auditSummed } from './columns-audit.ts'
import { fromBase64, require, short } from './refuse.ts'
import type { MadeResult } from './verify-audit.ts'

/** The run goes on from what a round made. */
export function adopt(run: StartedRun, { result, seq, round, proven, parameters }: MadeResult): void {
  if (result.purpose === 'statistics') {
    const { columns } = result
    addColumns(run, columns, proven && { run: run.id, ...proven, columns: [...columns] })
  } else {
    run.model = { parameters: result.parameters, entry: seq }
    run.parameters = parameters
    if (parameters) keepMade(run.remade, round, parameters)
    run.made.set(round, result.parameters)
    if (proven) run.provenOf.set(round, proven)
  }
  if (result.purpose === 'train' && proven) run.proven = { ...run.proven, model: proven }
  closeRound(run, 'committed')
}

/** Means that another run's statistics gave, by the word of sites that the roster names and, where it is here, by the sum. */
export function takeColumns(
  run: StartedRun,
  { summed, plan }: Extract<RunEvent, { type: 'columns-taken' }>,
  sum: Uint8Array | undefined,
): void {
  require(run.open === undefined && run.next === undefined, 'it takes means within a round')
  const missing = missingColumns(run).map(({ name }) => name)
  const taken = summed.columns.filter(({ name }) => missing.includes(name))
  require(taken.length > 0, 'it takes no mean that was missing')
  const vouchers = auditSummed(summed, plan, run.study.manifest.study, run.federation, sum)
  const columns = taken.map(({ name }) => name)
  run.taken.push({ run: summed.run, columns, vouchers, remade: sum !== undefined })
  addColumns(run, taken, summed)
}

/** Those of its study that have no mean yet. */
export function missingColumns({ study, columns }: StartedRun): Column[] {
  return columnsOf(study.manifest.study.features).filter(({ name }) => !columns.has(name))
}

function addColumns(run: StartedRun, more: readonly SummedColumn[], summed: Summed | undefined): void {
  for (const column of more) run.columns.set(column.name, column)
  const standardisation = standardisationFrom(run.study.manifest.study.features, run.columns)
  if (standardisation) run.standardisation = standardisation
  if (summed) run.proven = { ...run.proven, columns: [...(run.proven.columns ?? []), summed] }
}

export function rollBack(run: StartedRun, event: Extract<RunEvent, { type: 'run-rolled-back' }>, seq: number): void {
  const { round, parameters, signature } = event
  require(run.made.get(round) === parameters, `training round ${round} did not make ${short(parameters)}`)
  const to = { run: run.id, round, parameters }
  const isSigned = run.federation.coordinatorKeys.some((key) => verifyRollback(key, fromBase64(signature), to))
  require(isSigned, 'it is not signed by the coordinator')
  closeRound(run, 'failed')
  run.model = { parameters, entry: seq }
  run.parameters = run.remade.get(round)
  const { model: _, ...others } = run.proven
  const proven = run.provenOf.get(round)
  run.proven = proven ? { ...others, model: proven } : others
}

/** How much of models that a run may go back to is kept, bytes. */
const keptBytesMax = 2 ** 30

function keepMade(remade: Map<number, Float32Array>, round: number, parameters: Float32Array): void {
  remade.set(round, parameters)
  for (const oldest of remade.keys())
    if (remade.size > 1 && remade.size * parameters.byteLength > keptBytesMax) remade.delete(oldest)
}
