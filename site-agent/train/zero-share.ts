/**
 * What share of an update is exactly zero (fedsum, section E.5). A graph that opens one gate a row leaves most of an update
 * untouched and writes single records into the rest; ordinary training moves nearly every parameter.
 */
import type { TensorLayout } from '@consilium/models/parameters.ts'
import { designColumns, type Study } from '@consilium/protos/plan/study.ts'
import type { Matrix } from './features.ts'

/** Share of the coordinates that count, 0 to 1; `idle` are design columns that are a category level of no row here. */
export function zeroShare(
  update: Float32Array,
  layout: TensorLayout,
  idle: ReadonlySet<number>,
  columns: number,
): number {
  let zeros = 0
  let counted = 0
  let from = 0
  for (const { dims } of layout) {
    const length = dims.reduce((product, dim) => product * dim, 1)
    const columnOf = columnReader(dims, columns)
    for (let i = 0; i < length; i++) {
      const value = update[from + i]!
      if (value === 0 && idle.size > 0 && idle.has(columnOf(i))) continue
      counted += 1
      if (value === 0) zeros += 1
    }
    from += length
  }
  return counted === 0 ? 0 : zeros / counted
}

/** Design columns of category levels that are 0 in each of these rows, as the model takes them. */
export function idleLevels(
  { features }: Pick<Study, 'features'>,
  matrix: Matrix,
  rows: Int32Array,
): ReadonlySet<number> {
  const levels = features.flatMap((feature) => designColumns([feature]).map(() => feature.type === 'category'))
  const { columns, values } = matrix
  const isIdle = (column: number) => rows.every((row) => values[row * columns + column] === 0)
  return new Set(levels.flatMap((isLevel, column) => (isLevel && isIdle(column) ? [column] : [])))
}

/** Which design column a parameter of a matrix belongs to: the axis as long as there are columns, -1 for none. */
function columnReader(dims: readonly number[], columns: number): (i: number) => number {
  const [first, second] = dims
  if (dims.length !== 2) return () => -1
  if (first === columns) return (i) => Math.floor(i / second!)
  return second === columns ? (i) => i % columns : () => -1
}
