/**
 * The study's rules for one value: its range, its levels. A value that breaks a rule is named by column and row and never
 * printed.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Feature, Label } from '@consilium/protos/plan/study.ts'
import type { Cells } from './view-rows.ts'

const float32Max = 3.4028234663852886e38

/** True where row `i` has no value. */
export function isMissing(cells: Cells, i: number): boolean {
  const cell = cells[i]
  return cell === null || cell === undefined || Number.isNaN(cell)
}

/** The raw values of a feature at `rows`; NaN, or an empty text, where one is missing: what stands in is the graph's matter. */
export function readFeature(
  feature: Feature,
  cells: Cells,
  rows: Int32Array,
  nameOf: (i: number) => string,
): Float32Array | readonly string[] {
  const values = Array.from(rows, (row) => {
    if (isMissing(cells, row)) return cells instanceof Float64Array ? Number.NaN : ''
    const value = cells[row] as number | string
    const broken = brokenRule(feature, value)
    if (broken) throw new FederationError(broken.code, `column ${feature.name}, ${nameOf(row)}: ${broken.reason}`)
    return value
  })
  return cells instanceof Float64Array ? Float32Array.from(values as number[]) : (values as string[])
}

/** Labels at `rows`: 0 or 1, the number, or the class index (as a whole number, for the caller to widen). */
export function readLabel(label: Label, cells: Cells, rows: Int32Array, nameOf: (i: number) => string): Float64Array {
  const levels: readonly (number | string)[] = label.type === 'category' ? label.levels : []
  return Float64Array.from(rows, (row) => {
    const value = cells[row] as number | string
    const broken = brokenRule(label, value)
    if (broken) throw new FederationError(broken.code, `label ${label.name}, ${nameOf(row)}: ${broken.reason}`)
    return label.type === 'category' ? levels.indexOf(value) : (value as number)
  })
}

type BrokenRule = { readonly code: 'data-wrong-type' | 'data-out-of-range'; readonly reason: string }

function brokenRule(column: Feature | Label, value: number | string): BrokenRule | undefined {
  if (column.type === 'category') {
    const levels: readonly (number | string)[] = column.levels
    if (levels.includes(value)) return undefined
    return { code: 'data-out-of-range', reason: `not one of the study's ${levels.length} levels` }
  }
  if (column.type !== 'number') {
    if (value === 0 || value === 1) return undefined
    return { code: 'data-wrong-type', reason: 'neither true nor false, neither 1 nor 0' }
  }
  const number = value as number
  if (!(Math.abs(number) <= float32Max)) return { code: 'data-out-of-range', reason: 'beyond what a float32 holds' }
  if (!column.range || (number >= column.range[0] && number <= column.range[1])) return undefined
  return { code: 'data-out-of-range', reason: `outside the study's range ${column.range[0]} to ${column.range[1]}` }
}
