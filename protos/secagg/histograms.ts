/**
 * Counts as one 32-bit word each: score histograms, subgroup counts. They are exact in the sum as long as no site counts
 * more than its part of 2^32, which is checked before masking.
 */
import { FederationError } from '../errors.ts'

export const histogramsName = 'histograms'

/** Largest count that a site of this cohort may report. */
export function countMax(cohort: number): number {
  return Math.floor((2 ** 32 - 1) / cohort)
}

export function encodeCounts(counts: ArrayLike<number>, cohort: number): Int32Array {
  const max = countMax(cohort)
  return Int32Array.from(counts, (count, i) => {
    if (!Number.isInteger(count) || count < 0 || count > max)
      throw new FederationError('limit-exceeded', `bin ${i} does not hold a count from 0 to ${max}`)
    return count | 0
  })
}

/** The unmasked sum as counts. */
export function readCounts(words: Int32Array): Float64Array {
  return Float64Array.from(words, (word) => word >>> 0)
}
