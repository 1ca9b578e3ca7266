/**
 * Means and standard deviations of columns over all sites, from the sites' counts, sums and squares; the coordinator and
 * every site compute them alike, in float64 and in this order. A study's standardisation is put together from them.
 */
import { FederationError } from '../errors.ts'
import { type Column, columnName, columnStarts, type SummedColumn, summedValues } from '../plan/columns.ts'
import type { Standardisation } from '../plan/round-plan.ts'
import type { Feature } from '../plan/study.ts'
import { statisticRoundingMax } from '../secagg/statistics.ts'

export type PooledStatistics = {
  readonly purpose: 'statistics'
  readonly examples: number
  readonly columns: SummedColumn[]
}

/**
 * The result of statistics that came as one sum over the survivors, float64 [3 x values] as `standardisationOf` has them,
 * each site's values rounded to fixed point; undefined where no site has a row. A row counts in the columns it has a
 * value for, so the largest count stands for the number of rows. Throws `update-invalid` for what is no sum of counts.
 */
export function pooledStatistics(
  sums: Float64Array,
  columns: readonly Column[],
  survivors: number,
): PooledStatistics | undefined {
  if (sums.length !== 3 * summedValues(columns))
    throw new FederationError('update-invalid', 'the sum of the statistics is of other columns than were asked for')
  const counts = sums.subarray(0, sums.length / 3)
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0))
    throw new FederationError('update-invalid', 'the sum of the statistics has an impossible count of rows')
  const examples = counts.reduce((most, count) => Math.max(most, count), 0)
  if (examples === 0) return undefined
  return { purpose: 'statistics', examples, columns: summedColumns(columns, sums, survivors * statisticRoundingMax) }
}

/** These columns with their means and deviations; see {@link standardisationOf}. */
export function summedColumns(columns: readonly Column[], sums: Float64Array, roundingMax = 0): SummedColumn[] {
  const { means, standardDeviations } = standardisationOf(sums, roundingMax)
  const starts = columnStarts(columns)
  return columns.map((column, i) => {
    const [from, to] = [starts[i]!, starts[i]! + summedValues([column])]
    return { ...column, means: means.slice(from, to), standardDeviations: standardDeviations.slice(from, to) }
  })
}

/**
 * The standardisation of a study's design columns from its view columns, by name; undefined where one of them has no mean,
 * or was summed as a number where the study has a category, or the other way round. A level that was none when the column
 * was summed had no row then: it stays as it is, as a constant does.
 */
export function standardisationFrom(
  features: readonly Feature[],
  summed: ReadonlyMap<string, SummedColumn>,
): Standardisation | undefined {
  const means: number[] = []
  const standardDeviations: number[] = []
  for (const feature of features) {
    const column = summed.get(columnName(feature))
    if (!column || (feature.type === 'category') !== (column.levels !== undefined)) return undefined
    for (const at of placesOf(feature, column)) {
      means.push(column.means[at] ?? 0)
      standardDeviations.push(column.standardDeviations[at] ?? 0)
    }
  }
  return { means, standardDeviations }
}

/** Where the values of a feature's design columns stand in its column; -1 for a level that is not in it. */
function placesOf(feature: Feature, { levels = [] }: SummedColumn): number[] {
  if (feature.type !== 'category') return [0]
  const designed = feature.encoding === 'one-hot-drop-first' ? feature.levels.slice(1) : feature.levels
  return designed.map((level) => (levels as readonly (number | string)[]).indexOf(level))
}

/**
 * `sums`: of all sites added up, float64 [3 x values]: the counts of all values, then their sums, then their sums of
 * squares, each off by `roundingMax` at most. The standard deviation is the population's; 0 for a constant column.
 */
export function standardisationOf(sums: Float64Array, roundingMax = 0): Standardisation {
  const columns = sums.length / 3
  const means: number[] = []
  const standardDeviations: number[] = []
  for (let column = 0; column < columns; column++) {
    const count = sums[column]!
    const mean = count > 0 ? sums[columns + column]! / count : 0
    const meanSquare = count > 0 ? sums[2 * columns + column]! / count : 0
    means.push(mean)
    standardDeviations.push(Math.sqrt(variance(mean, meanSquare, count, roundingMax)))
  }
  return { means, standardDeviations }
}

/**
 * Spread below what float32 resolves beside the mean, below what adding that many rows one by one in float64 can lose, or
 * below what rounding the sums can make of none, is rounding, not data: dividing by it would blow noise up, so such a
 * column counts as constant.
 */
function variance(mean: number, meanSquare: number, count: number, roundingMax: number): number {
  const difference = meanSquare - mean * mean
  // Of the mean square, and twice of the mean times it.
  const rounding = (roundingMax * (1 + 2 * Math.abs(mean))) / Math.max(count, 1)
  const resolution = Math.max(float32Resolution ** 2, count * 2 ** -52)
  return difference > Math.max(resolution * meanSquare, rounding) ? difference : 0
}

const float32Resolution = 2 ** -23
