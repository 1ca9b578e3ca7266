/**
 * The header vector that rides masked beside the content (fedsum, sections A.5 and E.3): four ones that prove the masks
 * are gone, the weight, the clipping flags, the loss, whether the site contributes, and the tags by which sites check the
 * sum. The coordinator learns only their sums.
 */
import { FederationError } from '../errors.ts'
import { encodeStatistics, readStatistics, wordsPerValue } from './statistics.ts'
import { assertWeightsFit } from './weights.ts'

export const headerName = 'hdr'
export const headerWords = 16
/** The first word that the tags cover; the ones before it are known. */
export const headerTaggedFrom = 4
/** Where the tags stand, one word each; zeros in an evaluation, which makes no model. */
export const headerTagsAt = 12
export const tagCount = 4

export type HeaderPlan = {
  /** n: the most sites whose headers are added. */
  readonly cohort: number
  readonly weightMax: number
}

export type SiteHeader = {
  readonly weight: number
  readonly clipped: boolean
  readonly clampedCoordinates: number
  /** In training the mean loss times the weight; in an evaluation the sum over the site's test rows. */
  readonly lossSum: number
  /** Whether there is anything of this site in the sum: one that has nothing to give sends zeros. */
  readonly contributes: boolean
}

export type HeaderSum = {
  readonly survivors: number
  readonly weight: number
  /** Sites whose update was clipped. */
  readonly clipped: number
  /** Capped at each site so that the sum fits 32 bits. */
  readonly clampedCoordinates: number
  readonly lossSum: number
  /** Survivors that gave more than zeros; which, nobody knows but they. */
  readonly contributors: number
}

/**
 * 16 words: 1, 1, 1, 1, weight, 1 if not clipped, clamped coordinates, four words of the loss, 1 if it contributes, and
 * zeros where the tags will stand.
 */
export function encodeHeader(header: SiteHeader, plan: HeaderPlan): Int32Array {
  const { weight, clipped, clampedCoordinates, lossSum, contributes } = header
  assertWeightsFit(plan.cohort, plan.weightMax)
  if (!Number.isInteger(weight) || weight < 0 || weight > plan.weightMax)
    throw new FederationError('invalid-argument', `a weight is a whole number up to ${plan.weightMax}`)
  if (!Number.isFinite(lossSum)) throw new FederationError('update-invalid', 'the loss is not finite')
  const words = new Int32Array(headerWords)
  words.set([
    ...ones,
    weight,
    clipped ? 0 : 1,
    Math.min(clampedCoordinates, Math.floor((2 ** 32 - 1) / plan.cohort)),
    ...encodeStatistics(Float64Array.of(Math.max(-lossSumMax, Math.min(lossSumMax, lossSum)))),
    contributes ? 1 : 0,
  ])
  return words
}

/** Reads the unmasked sum; throws `update-invalid` where the ones do not count the survivors: the masks are not gone. */
export function readHeaderSum(words: Int32Array, survivors: number, plan: HeaderPlan): HeaderSum {
  if (words.length !== headerWords)
    throw new FederationError('update-invalid', `a header has ${headerWords} words, not ${words.length}`)
  const [weight, unclipped, clampedCoordinates] = [words[4]! >>> 0, words[5]! >>> 0, words[6]! >>> 0]
  const [contributors, ...tags] = Array.from(words.subarray(contributorAt), (word) => word >>> 0)
  if (!ones.every((_, i) => words[i] === survivors) || tags.some((tag) => tag > survivors * tagMax))
    throw new FederationError('update-invalid', 'masks are left in the sum: the round fails')
  if (weight > survivors * plan.weightMax || unclipped > survivors || contributors! > survivors)
    throw new FederationError('update-invalid', 'the sum of the headers is beyond what these survivors can add up to')
  const lossSum = readStatistics(words.subarray(lossAt, contributorAt))[0]!
  return {
    survivors,
    weight,
    clipped: survivors - unclipped,
    clampedCoordinates,
    lossSum,
    contributors: contributors!,
  }
}

const ones = [1, 1, 1, 1]
const lossAt = 7
const contributorAt = lossAt + wordsPerValue
const tagMax = 2 ** 24
/** A loss sum beyond is cut off at it: training that diverged. */
const lossSumMax = 2 ** 53
