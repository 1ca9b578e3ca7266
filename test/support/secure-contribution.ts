/** A contribution as the vectors of a secure round, quantised as an agent does it and not yet masked. */
import type { Contribution } from '@consilium/protos/plan/contribution.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { evaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import { prepareUpdate, quantise, roundingKey } from '@consilium/protos/secagg/fixed-point.ts'
import { encodeHeader } from '@consilium/protos/secagg/header.ts'
import { encodeCounts } from '@consilium/protos/secagg/histograms.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { encodeStatistics } from '@consilium/protos/secagg/statistics.ts'
import { siteWeight } from '@consilium/protos/secagg/weights.ts'

/** One Int32Array for each of `plan.secure.vectors`. */
export function secureWords(
  { header, vector }: Contribution,
  plan: RoundPlan,
  study: Study,
  siteSecret: Uint8Array,
): Int32Array[] {
  if (study.aggregation.mode !== 'secure') throw new Error('this study seals its updates')
  const { weights, weightMax } = study.aggregation
  const quantised = roundQuantisation(plan, study)
  const weight = siteWeight(header.examples, weights, weightMax)
  const head = { weight, clipped: false, clampedCoordinates: 0, lossSum: 0, contributes: true }
  switch (header.purpose) {
    case 'statistics':
      return [encodeHeader(head, quantised), encodeStatistics(Float64Array.from(vector))]
    case 'evaluate': {
      const { examples, correct, lossSum } = header
      const counts = evaluationCounts({ examples, correct, histogram: Float64Array.from(vector) })
      return [encodeHeader({ ...head, lossSum }, quantised), encodeCounts(counts, plan.cohort.length)]
    }
    case 'train': {
      const round = { vector: 'update', round: plan.round, purpose: plan.purpose }
      const key = roundingKey(siteSecret, Buffer.from(plan.study, 'hex'), round)
      const prepared = prepareUpdate(Float32Array.from(vector), weight, quantised, key)
      const words = new Int32Array(vector.length)
      quantise(words, prepared, 0)
      const { clampedCoordinates } = prepared
      const clipped = header.clipped || prepared.clipped
      const fields = { weight, clipped, clampedCoordinates, lossSum: header.loss * weight, contributes: weight > 0 }
      return [encodeHeader(fields, quantised), words]
    }
  }
}
