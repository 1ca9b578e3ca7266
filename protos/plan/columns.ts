/**
 * Columns of the sites' views as statistics sum them, each once in all studies (fedsum, section E.4). A column is the view's,
 * by its name, whatever a study does with it: what it fills in, encodes or leaves out makes no other column of it.
 */
import { z } from 'zod'
import type { Feature } from './study.ts'

/** As DuckDB compares names: without regard to case. */
const viewColumn = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'a column of the view, in lower case')
const levels = z.union([z.array(z.number()).min(2).max(1000), z.array(z.string().min(1).max(200)).min(2).max(1000)])

/** `levels`: of a category, in ascending order, all of them; of a number or boolean there are none. */
export const columnSchema = z.strictObject({ name: viewColumn, levels: levels.exactOptional() })

/** What the sum of a column made: one mean and deviation of a number or boolean, of a category one for each level. */
export const summedColumnSchema = z.strictObject({
  ...columnSchema.shape,
  means: z.array(z.number()).min(1).max(1000),
  standardDeviations: z.array(z.number().min(0)).min(1).max(1000),
})

export const columnsMax = 4096
export const columnsSchema = z.array(columnSchema).min(1).max(columnsMax)
export const summedColumnsSchema = z.array(summedColumnSchema).min(1).max(columnsMax)

export type Column = z.output<typeof columnSchema>
export type SummedColumn = z.output<typeof summedColumnSchema>

/** The columns that a study's features are, in their order. */
export function columnsOf(features: readonly Feature[]): Column[] {
  return features.map((feature) => {
    const name = columnName(feature)
    return feature.type === 'category' ? { name, levels: inOrder(feature.levels) } : { name }
  })
}

export function columnName({ name }: Pick<Feature, 'name'>): string {
  return name.toLowerCase()
}

/** How many values of these columns are summed, each with its count, sum and sum of squares. */
export function summedValues(columns: readonly Column[]): number {
  return columns.reduce((sum, { levels: of }) => sum + (of?.length ?? 1), 0)
}

/** Where each column's values begin among those of all. */
export function columnStarts(columns: readonly Column[]): number[] {
  let next = 0
  return columns.map((column) => {
    const start = next
    next += summedValues([column])
    return start
  })
}

/** A study reads numbers where others read levels, or the other way round: its mean cannot be taken from their sum. */
export function isOtherForm(one: Column, other: Column): boolean {
  return (one.levels === undefined) !== (other.levels === undefined)
}

/** A feature as the graph that sums its column takes it, with nothing filled in or left out. */
export function asSummed(feature: Feature): Feature {
  if (feature.type !== 'category') return { ...feature, missing: 'drop-row' }
  // The order of the levels is that of the column.
  const sorted = inOrder(feature.levels) as typeof feature.levels
  return { ...feature, levels: sorted, encoding: 'one-hot', missing: 'drop-row' }
}

function inOrder(of: readonly number[] | readonly string[]): number[] | string[] {
  const sorted = [...of].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return sorted as number[] | string[]
}
