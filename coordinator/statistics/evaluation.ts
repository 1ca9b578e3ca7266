/** What the sites' evaluations say together: loss and accuracy over all test rows, AUROC from the added histograms. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Contribution } from '@consilium/protos/plan/contribution.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { EvaluationSum } from '@consilium/protos/secagg/evaluation-counts.ts'
import type { RoundResult, SiteResult } from '../round/events.ts'
import { aurocOf } from './auroc.ts'

type EvaluationResult = Extract<RoundResult, { purpose: 'evaluate' }>

export type Evaluation = {
  readonly site: SiteName
  readonly header: Extract<Contribution['header'], { purpose: 'evaluate' }>
  /** float64 [2 x bins] for a binary label, else empty. */
  readonly histogram: Float64Array
}

/**
 * The result of an evaluation that came as sums over the survivors. Throws `update-invalid` where the rows of the
 * histogram are not those counted.
 */
export function pooledEvaluation(
  { examples, correct, histogram, meanSiteAccuracy }: EvaluationSum,
  lossSum: number,
  classes: boolean,
): EvaluationResult {
  const rows = histogram.reduce((sum, count) => sum + count, 0)
  if (histogram.length > 0 && rows !== examples)
    throw new FederationError(
      'update-invalid',
      `the score histograms hold ${rows} rows, the sites evaluated ${examples}`,
    )
  if (examples === 0) return { purpose: 'evaluate', examples, perSite: [] }
  const auroc = aurocOf(histogram)
  return {
    purpose: 'evaluate',
    examples,
    loss: lossSum / examples,
    ...(classes && { accuracy: correct / examples }),
    ...(classes && meanSiteAccuracy !== undefined && { meanSiteAccuracy }),
    ...(auroc !== undefined && { auroc }),
    perSite: [],
  }
}

/** `classes`: whether the label has classes, so that accuracy means something. */
export function evaluationResult(evaluations: readonly Evaluation[], classes: boolean): EvaluationResult {
  const perSite = evaluations.map(
    (evaluation): SiteResult => ({ site: evaluation.site, ...measure([evaluation], classes) }),
  )
  const meanSiteAccuracy = meanOf(perSite.flatMap(({ accuracy }) => accuracy ?? []))
  return {
    purpose: 'evaluate',
    ...measure(evaluations, classes),
    ...(meanSiteAccuracy !== undefined && { meanSiteAccuracy }),
    perSite,
  }
}

function meanOf(values: readonly number[]): number | undefined {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined
}

function measure(evaluations: readonly Evaluation[], classes: boolean): Omit<SiteResult, 'site'> {
  const total = (of: (evaluation: Evaluation) => number) => evaluations.reduce((sum, each) => sum + of(each), 0)
  const examples = total(({ header }) => header.examples)
  if (examples === 0) return { examples }
  const auroc = aurocOf(addedHistograms(evaluations))
  return {
    examples,
    loss: total(({ header }) => header.lossSum) / examples,
    ...(classes && { accuracy: total(({ header }) => header.correct) / examples }),
    ...(auroc !== undefined && { auroc }),
  }
}

function addedHistograms(evaluations: readonly Evaluation[]): Float64Array {
  const sum = new Float64Array(evaluations[0]?.histogram.length ?? 0)
  for (const { histogram } of evaluations) for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + histogram[i]!
  return sum
}
