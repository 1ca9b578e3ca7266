/** Means and standard deviations of every design column over all sites, from the sites' counts, sums and squares. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { RoundResult } from '../round/events.ts'

/**
 * The result of statistics that came as one sum, float64 [3 x columns] as `standardisationOf` has them; undefined where no
 * site has a row. A row counts in the columns it has a value for, so the largest count stands for the number of rows. Throws
 * `update-invalid` for what is no sum of counts.
 */
export function pooledStatistics(sums: Float64Array): RoundResult | undefined {
  const counts = sums.subarray(0, sums.length / 3)
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0))
    throw new FederationError('update-invalid', 'the sum of the statistics has an impossible count of rows')
  const examples = counts.reduce((most, count) => Math.max(most, count), 0)
  return examples > 0 ? { purpose: 'statistics', examples, standardisation: standardisationOf(sums) } : undefined
}

/**
 * `sums`: of all sites added up, float64 [3 x columns]: the counts of all columns, then their sums, then their sums of
 * squares. The standard deviation is the population's; 0 for a constant column.
 */
export function standardisationOf(sums: Float64Array): Standardisation {
  const columns = sums.length / 3
  const means: number[] = []
  const standardDeviations: number[] = []
  for (let column = 0; column < columns; column++) {
    const count = sums[column]!
    const mean = count > 0 ? sums[columns + column]! / count : 0
    const meanSquare = count > 0 ? sums[2 * columns + column]! / count : 0
    means.push(mean)
    standardDeviations.push(Math.sqrt(variance(mean, meanSquare, count)))
  }
  return { means, standardDeviations }
}

/**
 * Spread below what float32 resolves beside the mean, or below what adding that many rows one by one in float64 can lose,
 * is rounding, not data: dividing by it would blow noise up, so such a column counts as constant.
 */
function variance(mean: number, meanSquare: number, count: number): number {
  const difference = meanSquare - mean * mean
  const resolution = Math.max(float32Resolution ** 2, count * 2 ** -52)
  return difference > resolution * meanSquare ? difference : 0
}

const float32Resolution = 2 ** -23
