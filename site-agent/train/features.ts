/**
 * From raw columns to what the model takes, by the very graphs that the exported model holds: the design matrix once,
 * the standardised matrix whenever the standardisation changes.
 */
import { designGraph, standardisationGraph } from '@consilium/models/preprocess.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { asSummed } from '@consilium/protos/plan/columns.ts'
import type { Standardisation } from '@consilium/protos/plan/round-plan.ts'
import { designColumns, type Feature, type Study } from '@consilium/protos/plan/study.ts'
import type { StudyData } from '../data/study-data.ts'
import { float32, float32Output, onCpu, openSession, text } from './session.ts'

/** Row-major float32 [rows x columns]. */
export type Matrix = { readonly rows: number; readonly columns: number; readonly values: Float32Array }

/** Rows of one run, so that no run holds the process for long. */
const rowsPerRun = 65_536

/** Raw features to the design matrix; NaN only where the mean stands in later. */
async function designMatrix(features: readonly Feature[], data: StudyData): Promise<Matrix> {
  const session = await openSession(designGraph(features), onCpu)
  const rows = data.labels.length
  const columns = designColumns(features).length
  const values = new Float32Array(rows * columns)
  for (let from = 0; from < rows; from += rowsPerRun) {
    const count = Math.min(rowsPerRun, rows - from)
    const inputs = data.columns.map(({ name, values: raw }) => {
      const part = raw.slice(from, from + count)
      return [name, part instanceof Float32Array ? float32(part, [count, 1]) : text(part, [count, 1])] as const
    })
    values.set(float32Output(await session.run(Object.fromEntries(inputs)), 'design'), from * columns)
  }
  await session.close()
  return { rows, columns, values }
}

/** float64 [3 x columns]: counts of all columns, then sums, then sums of squares, over `rows`; NaN does not count. */
export function sumsOf({ columns, values }: Matrix, rows: Int32Array): Float64Array {
  const sums = new Float64Array(3 * columns)
  for (const row of rows) {
    for (let column = 0; column < columns; column++) {
      const value = values[row * columns + column]!
      if (Number.isNaN(value)) continue
      sums[column]! += 1
      sums[columns + column]! += value
      sums[2 * columns + column]! += value * value
    }
  }
  return sums
}

/** Spread that float32 does not resolve beside the mean is rounding, not data: such a column counts as constant. */
const resolution = 2 ** -23

/** The site's own means and population standard deviations over `rows`; 0 and 0 for a column without a value. */
function ownStandardisation(matrix: Matrix, rows: Int32Array): Standardisation {
  const { columns, values } = matrix
  const sums = sumsOf(matrix, rows)
  const counts = Array.from({ length: columns }, (_, column) => Math.max(1, sums[column]!))
  const means = counts.map((count, column) => sums[columns + column]! / count)
  const squares = new Float64Array(columns)
  for (const row of rows) {
    for (let column = 0; column < columns; column++) {
      const deviation = values[row * columns + column]! - means[column]!
      if (!Number.isNaN(deviation)) squares[column]! += deviation * deviation
    }
  }
  const deviations = counts.map((count, column) => Math.sqrt(squares[column]! / count))
  return {
    means,
    standardDeviations: deviations.map((deviation, column) =>
      deviation > resolution * Math.abs(means[column]!) ? deviation : 0,
    ),
  }
}

export type Features = {
  readonly columns: number
  /** The matrix the model takes, under the standardisation of the plan, the site's own, or none, as the study says. */
  under(standardisation: Standardisation | undefined): Promise<Matrix>
  /** float64 [3 x values]: what is summed of the study's columns over its training rows, as they are in the view. */
  sums(): Promise<Float64Array>
}

export async function openFeatures(study: Study, data: StudyData): Promise<Features> {
  const design = await designMatrix(study.features, data)
  const own = study.standardisation === 'per-site' ? ownStandardisation(design, data.trainRows) : undefined
  let last: { readonly key: string; readonly matrix: Matrix } | undefined
  return {
    columns: design.columns,
    sums: async () => sumsOf(await designMatrix(study.features.map(asSummed), data), data.trainRows),
    async under(given) {
      checkGiven(study, given)
      const standardisation = own ?? given
      if (!standardisation) return design
      const key = JSON.stringify(standardisation)
      if (last?.key !== key) last = { key, matrix: await standardised(study, design, standardisation) }
      return last.matrix
    },
  }
}

function checkGiven(study: Study, given: Standardisation | undefined): void {
  const due = study.standardisation === 'federated'
  if (due === (given !== undefined)) return
  throw new FederationError(
    'message-invalid',
    due
      ? 'the plan lacks the means and deviations that this study standardises with'
      : `the plan brings means and deviations, and the study's standardisation is ${study.standardisation}`,
  )
}

async function standardised(study: Study, design: Matrix, standardisation: Standardisation): Promise<Matrix> {
  const { rows, columns } = design
  const session = await openSession(standardisationGraph(study.features, standardisation), onCpu)
  const values = new Float32Array(rows * columns)
  for (let from = 0; from < rows; from += rowsPerRun) {
    const count = Math.min(rowsPerRun, rows - from)
    const part = float32(design.values.slice(from * columns, (from + count) * columns), [count, columns])
    values.set(float32Output(await session.run({ design: part }), 'standardised'), from * columns)
  }
  await session.close()
  return { rows, columns, values }
}
