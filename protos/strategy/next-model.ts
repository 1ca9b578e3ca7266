/**
 * The next global parameters from the sum of a train round's updates, stretch by stretch; the coordinator and every site
 * compute them alike, in float64 and in this order, rounded to float32 once (fedsum, section E.3). An update that is longer
 * than the survivors' clipped ones can add up to is refused (A.10: overflow by a malicious site).
 */
import { FederationError } from '../errors.ts'
import { dequantise, type Quantisation } from '../secagg/fixed-point.ts'
import { fedAvg } from './fedavg.ts'
import type { Strategy } from './strategy.ts'

export type UpdateSum = {
  readonly survivors: number
  /** Sum of the survivors' weights, positive. */
  readonly weight: number
  readonly quantised: Quantisation
}

export type NextModel = {
  /** The next stretch: from the global parameters, float32 [n], and the unmasked words of the sum, int32 [n]. */
  next(parameters: Float32Array, words: Int32Array): Float32Array
  /** Throws `update-invalid` where the whole sum is longer than it can be. */
  end(): void
}

export function nextModel(sum: UpdateSum, strategy: Strategy = fedAvg): NextModel {
  let squares = 0
  let count = 0
  return {
    next(parameters, words) {
      squares += sumOfSquares(words)
      count += words.length
      const mean = new Float64Array(words.length)
      dequantise(mean, words, sum.quantised, sum.weight)
      return strategy.nextParameters(parameters, mean)
    },
    end: () => checkNorm(Math.sqrt(squares), count, sum),
  }
}

/** What adding many squares in float64 can be off by. */
const normTolerance = 1e-6

/** Each survivor's norm is at most `normLevels`, and its rounding moves every coordinate by less than one level. */
function checkNorm(norm: number, coordinates: number, { survivors, quantised }: UpdateSum): void {
  const normMax = survivors * (quantised.normLevels + Math.sqrt(coordinates))
  if (norm <= normMax * (1 + normTolerance)) return
  const times = (norm / normMax).toPrecision(3)
  throw new FederationError('update-invalid', `the sum of the updates is ${times} times as long as it can be`)
}

function sumOfSquares(words: Int32Array): number {
  let sum = 0
  for (let i = 0; i < words.length; i++) sum += words[i]! * words[i]!
  return sum
}
