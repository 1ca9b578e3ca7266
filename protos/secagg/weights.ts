/**
 * A site's weight in the average (fedsum, section A.5): its number of examples as it is, rounded down to a power of two
 * so that two rounds whose survivors differ by one site do not reveal that site's count, or the same for all.
 */
import { FederationError } from '../errors.ts'

export const weightModes = ['uniform', 'bucket', 'exact'] as const
export type WeightMode = (typeof weightModes)[number]

/** A whole number, 0 to `weightMax`: 0 only for a site without examples. */
export function siteWeight(examples: number, mode: WeightMode, weightMax: number): number {
  if (!Number.isSafeInteger(examples) || examples < 0)
    throw new FederationError('invalid-argument', 'a number of examples is a whole number, 0 or more')
  if (examples === 0) return 0
  if (mode === 'uniform') return weightMax
  return Math.min(mode === 'exact' ? examples : 2 ** Math.floor(Math.log2(examples)), weightMax)
}

/** The sum of the weights must be exact: throws `limit-exceeded` where so many sites of `weightMax` reach 2^32. */
export function assertWeightsFit(cohort: number, weightMax: number): void {
  if (!Number.isInteger(weightMax) || weightMax < 1)
    throw new FederationError('invalid-argument', `the largest weight is a whole number from 1 on, not ${weightMax}`)
  if (cohort * weightMax >= 2 ** 32)
    throw new FederationError(
      'limit-exceeded',
      `the weights of ${cohort} sites could overflow: lower the largest weight below ${Math.floor(2 ** 32 / cohort)}`,
    )
}
