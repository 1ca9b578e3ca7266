/** What the sites' evaluations say together: loss and accuracy over all test rows, AUROC from the added histograms. */
import type { Contribution } from '@consilium/protos/plan/contribution.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundResult, SiteResult } from '../round/events.ts'
import { aurocOf } from './auroc.ts'

export type Evaluation = {
  readonly site: SiteName
  readonly header: Extract<Contribution['header'], { purpose: 'evaluate' }>
  /** float64 [2 x bins] for a binary label, else empty. */
  readonly histogram: Float64Array
}

/** `classes`: whether the label has classes, so that accuracy means something. */
export function evaluationResult(
  evaluations: readonly Evaluation[],
  classes: boolean,
): Extract<RoundResult, { purpose: 'evaluate' }> {
  const perSite = evaluations.map(
    (evaluation): SiteResult => ({ site: evaluation.site, ...measure([evaluation], classes) }),
  )
  return { purpose: 'evaluate', ...measure(evaluations, classes), perSite }
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
