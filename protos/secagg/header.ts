/**
 * The header vector that rides masked beside the update (fedsum, section A.5): four ones that prove the masks are gone,
 * the weight, the clipping flags, the loss. The coordinator learns only their sums.
 */
import { FederationError } from '../errors.ts'
import { assertWeightsFit } from './weights.ts'

export const headerName = 'hdr'
export const headerWords = 16

export type HeaderPlan = {
  /** n: the most sites whose headers are added. */
  readonly cohort: number
  readonly weightMax: number
  /** Losses beyond are cut off at it. */
  readonly lossMax: number
}

export type SiteHeader = {
  readonly weight: number
  readonly clipped: boolean
  readonly clampedCoordinates: number
  /** Mean loss over the site's examples. */
  readonly loss: number
}

export type HeaderSum = {
  readonly survivors: number
  readonly weight: number
  /** Sites whose update was clipped. */
  readonly clipped: number
  /** Capped at each site so that the sum fits 32 bits. */
  readonly clampedCoordinates: number
  /** Mean loss weighted as the update is; undefined where no survivor has weight. */
  readonly loss: number | undefined
}

/** 16 words: 1, 1, 1, 1, weight, 1 if not clipped, clamped coordinates, weighted loss, zeros. */
export function encodeHeader(header: SiteHeader, plan: HeaderPlan): Int32Array {
  const { weight, clipped, clampedCoordinates, loss } = header
  assertWeightsFit(plan.cohort, plan.weightMax)
  if (!Number.isInteger(weight) || weight < 0 || weight > plan.weightMax)
    throw new FederationError('invalid-argument', `a weight is a whole number up to ${plan.weightMax}`)
  if (!Number.isFinite(loss)) throw new FederationError('update-invalid', 'the loss is not finite')
  const bounded = Math.max(-plan.lossMax, Math.min(plan.lossMax, loss))
  const words = new Int32Array(headerWords)
  words.set([
    ...ones,
    weight,
    clipped ? 0 : 1,
    Math.min(clampedCoordinates, Math.floor((2 ** 32 - 1) / plan.cohort)),
    Math.round(bounded * (weight / plan.weightMax) * lossScale(plan)),
  ])
  return words
}

/** Reads the unmasked sum; throws `update-invalid` where the ones do not count the survivors: the masks are not gone. */
export function readHeaderSum(words: Int32Array, survivors: number, plan: HeaderPlan): HeaderSum {
  if (words.length !== headerWords)
    throw new FederationError('update-invalid', `a header has ${headerWords} words, not ${words.length}`)
  if (!ones.every((_, i) => words[i] === survivors) || words.subarray(headerUsed).some((word) => word !== 0))
    throw new FederationError('update-invalid', 'masks are left in the sum: the round fails')
  const [weight, unclipped, clampedCoordinates] = [words[4]! >>> 0, words[5]! >>> 0, words[6]! >>> 0]
  if (weight > survivors * plan.weightMax || unclipped > survivors)
    throw new FederationError('update-invalid', 'the sum of the headers is beyond what these survivors can add up to')
  const loss = weight > 0 ? ((words[7]! / lossScale(plan)) * plan.weightMax) / weight : undefined
  return { survivors, weight, clipped: survivors - unclipped, clampedCoordinates, loss }
}

const ones = [1, 1, 1, 1]
const headerUsed = 8

function lossScale({ cohort, lossMax }: HeaderPlan): number {
  if (!(lossMax > 0)) throw new FederationError('invalid-argument', 'the largest loss is a positive number')
  return Math.floor((2 ** 31 - 1) / cohort) / lossMax
}
