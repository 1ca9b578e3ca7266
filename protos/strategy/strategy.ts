/** What turns the aggregate of a train round into the next global parameters; one file per strategy. */
export interface Strategy {
  /**
   * `parameters`: the global ones, float32 [parameters], or any stretch of them; `meanUpdate`: the mean of the updates
   * weighted by examples, float64 of the same stretch. The same inputs give the same bits, in stretches or whole.
   */
  nextParameters(parameters: Float32Array, meanUpdate: Float64Array): Float32Array
}
