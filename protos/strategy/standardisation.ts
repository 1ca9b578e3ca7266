/**
 * Means and standard deviations of every design column over all sites, from the sites' counts, sums and squares; the
 * coordinator and every site compute them alike, in float64 and in this order.
 */
import { FederationError } from '../errors.ts'
import type { Standardisation } from '../plan/round-plan.ts'
import { statisticRoundingMax } from '../secagg/statistics.ts'

export type PooledStatistics = {
  readonly purpose: 'statistics'
  readonly examples: number
  readonly standardisation: Standardisation
}

/**
 * The result of statistics that came as one sum over the survivors, float64 [3 x columns] as `standardisationOf` has them,
 * each site's values rounded to fixed point; undefined where no site has a row. A row counts in the columns it has a
 * value for, so the largest count stands for the number of rows. Throws `update-invalid` for what is no sum of counts.
 */
export function pooledStatistics(sums: Float64Array, survivors: number): PooledStatistics | undefined {
  const counts = sums.subarray(0, sums.length / 3)
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0))
    throw new FederationError('update-invalid', 'the sum of the statistics has an impossible count of rows')
  const examples = counts.reduce((most, count) => Math.max(most, count), 0)
  if (examples === 0) return undefined
  const standardisation = standardisationOf(sums, survivors * statisticRoundingMax)
  return { purpose: 'statistics', examples, standardisation }
}

/**
 * `sums`: of all sites added up, float64 [3 x columns]: the counts of all columns, then their sums, then their sums of
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
