/** The quantised vectors of a site with a made-up trainer, as its agent would mask them, but for how they are rounded. */
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { evaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import { encodeHeader } from '@consilium/protos/secagg/header.ts'
import { encodeCounts } from '@consilium/protos/secagg/histograms.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { encodeStatistics } from '@consilium/protos/secagg/statistics.ts'
import { siteWeight } from '@consilium/protos/secagg/weights.ts'
import { madeUpEvaluation, madeUpStatistics, madeUpTraining } from '../made-up-trainer.ts'

/** One vector for each of `plan.secure.vectors`. */
export function honestWords(number: number, plan: RoundPlan, manifest: StudyManifest): Int32Array[] {
  const { aggregation } = manifest.study
  if (aggregation.mode !== 'secure') throw new Error('a study under masks is needed')
  const { weights, weightMax } = aggregation
  const cohort = plan.cohort.length
  const headerOf = (examples: number, loss: (weight: number) => number) => {
    const weight = siteWeight(examples, weights, weightMax)
    const header = { weight, clipped: false, clampedCoordinates: 0, lossSum: loss(weight), contributes: true }
    return encodeHeader(header, { cohort, weightMax })
  }
  switch (plan.purpose) {
    case 'train': {
      const { examples, loss } = madeUpTraining(number, plan.model, manifest)
      const exact = exactWords(number, plan, manifest)
      return [headerOf(examples, (weight) => loss * weight), Int32Array.from(exact, Math.round)]
    }
    case 'statistics': {
      const { examples, sums } = madeUpStatistics(number, manifest)
      return [headerOf(examples, () => 0), encodeStatistics(sums)]
    }
    case 'evaluate': {
      const result = madeUpEvaluation(number, manifest)
      return [headerOf(result.examples, () => result.lossSum), encodeCounts(evaluationCounts(result), cohort)]
    }
  }
}

/** A site's update in the levels of the round, before it is rounded: float64 [parameters]. */
export function exactWords(number: number, plan: RoundPlan, manifest: StudyManifest): Float64Array {
  const { aggregation } = manifest.study
  if (aggregation.mode !== 'secure') throw new Error('a study under masks is needed')
  const { weights, weightMax } = aggregation
  const { scale, updateNormMax } = roundQuantisation(plan, manifest.study)
  const { update, examples } = madeUpTraining(number, plan.model, manifest)
  const clip = Math.min(1, updateNormMax / Math.hypot(...update))
  const share = siteWeight(examples, weights, weightMax) / weightMax
  return Float64Array.from(update, (value) => value * clip * share * scale)
}
