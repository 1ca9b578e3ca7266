/** Federated averaging (McMahan et al. 2017): the mean of the sites' updates, added to the global parameters. */
import type { Strategy } from './strategy.ts'

/** Elements that a loop over plain subarrays takes at once; such loops run several times faster than over closures. */
export const chunkElements = 16_384

export const fedAvg: Strategy = {
  nextParameters(parameters, meanUpdate) {
    const next = new Float32Array(parameters.length)
    for (let from = 0; from < parameters.length; from += chunkElements) {
      const to = Math.min(from + chunkElements, parameters.length)
      addInto(next.subarray(from, to), parameters.subarray(from, to), meanUpdate.subarray(from, to))
    }
    return next
  },
}

/** The sum is rounded to float32 once. */
function addInto(next: Float32Array, parameters: Float32Array, meanUpdate: Float64Array): void {
  for (let i = 0; i < next.length; i++) next[i] = parameters[i]! + meanUpdate[i]!
}
