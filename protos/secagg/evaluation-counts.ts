/**
 * One site's evaluation as counts that add up over sites: test rows, rows classified right, the site's own accuracy (so
 * that its mean over sites is known and no single one), whether it had a row, and its score histograms.
 */
import { FederationError } from '../errors.ts'

export type EvaluationCounts = {
  /** Test rows. */
  readonly examples: number
  readonly correct: number
  /** Score histograms [2 x bins], the negative rows first; empty where the label is not binary. */
  readonly histogram: Float64Array
}

export type EvaluationSum = EvaluationCounts & {
  /** Sites with a test row. */
  readonly sites: number
  /** Mean of these sites' accuracies, 0 to 1; undefined where no site has a row. */
  readonly meanSiteAccuracy: number | undefined
}

const scalars = 4
/** Levels of an accuracy: 255 sites of 1 still fit a word. */
const accuracyLevels = 2 ** 20

export function evaluationCountsLength(bins: number): number {
  return scalars + 2 * bins
}

/** Whole numbers, to be masked as `encodeCounts` makes words of them. */
export function evaluationCounts({ examples, correct, histogram }: EvaluationCounts): Float64Array {
  const accuracy = examples > 0 ? Math.round((accuracyLevels * correct) / examples) : 0
  return Float64Array.of(examples, correct, accuracy, examples > 0 ? 1 : 0, ...histogram)
}

/** Reads the sum over the survivors; throws `update-invalid` where it is the sum of no such counts. */
export function readEvaluationCounts(sum: Float64Array, survivors: number): EvaluationSum {
  const [examples, correct, accuracies, sites] = [sum[0]!, sum[1]!, sum[2]!, sum[3]!]
  if (correct > examples || sites > survivors || accuracies > sites * accuracyLevels)
    throw new FederationError('update-invalid', 'the sum of the evaluations contradicts itself: a site sent no counts')
  const meanSiteAccuracy = sites > 0 ? accuracies / (sites * accuracyLevels) : undefined
  return { examples, correct, histogram: sum.slice(scalars), sites, meanSiteAccuracy }
}
