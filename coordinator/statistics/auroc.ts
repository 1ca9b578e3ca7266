/**
 * The area under the receiver operating characteristic from score histograms, as the Mann-Whitney statistic (Hanley and
 * McNeil 1982): how often a positive row scores above a negative one, rows in the same bin counting half.
 */

/**
 * `histogram`: float64 [2 x bins], the negative rows by ascending score, then the positive ones. Undefined where one
 * class is missing.
 */
export function aurocOf(histogram: Float64Array): number | undefined {
  const bins = histogram.length / 2
  let negatives = 0
  let positives = 0
  let won = 0
  for (let bin = 0; bin < bins; bin++) {
    const [negative, positive] = [histogram[bin]!, histogram[bins + bin]!]
    won += positive * (negatives + negative / 2)
    negatives += negative
    positives += positive
  }
  // Counts whose product no double holds exactly could round the share to just above 1.
  return negatives > 0 && positives > 0 ? Math.min(won / (positives * negatives), 1) : undefined
}
