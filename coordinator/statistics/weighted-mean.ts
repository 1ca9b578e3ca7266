/**
 * The mean of updates weighted by examples, taken one site at a time: memory holds one sum in float64, however many sites
 * there are. Sites added in the same order give the same bits.
 */
import { chunkElements } from '@consilium/protos/strategy/fedavg.ts'

export type WeightedMean = {
  /** `update`: float32 [length]; `examples`: the site's weight, positive. */
  add(update: Float32Array, examples: number): void
  /** float64 [length]; zeros where nothing was added. */
  mean(): Float64Array
  readonly examples: number
}

export function weightedMean(length: number): WeightedMean {
  const sum = new Float64Array(length)
  let total = 0
  return {
    add(update, examples) {
      for (let from = 0; from < length; from += chunkElements)
        addScaled(sum.subarray(from, from + chunkElements), update.subarray(from, from + chunkElements), examples)
      total += examples
    },
    mean() {
      const mean = new Float64Array(length)
      if (total > 0)
        for (let from = 0; from < length; from += chunkElements)
          divide(mean.subarray(from, from + chunkElements), sum.subarray(from, from + chunkElements), total)
      return mean
    },
    get examples() {
      return total
    },
  }
}

function addScaled(sum: Float64Array, update: Float32Array, weight: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + weight * update[i]!
}

function divide(quotient: Float64Array, sum: Float64Array, divisor: number): void {
  for (let i = 0; i < quotient.length; i++) quotient[i] = sum[i]! / divisor
}
