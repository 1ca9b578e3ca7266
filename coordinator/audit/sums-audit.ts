/**
 * A committed round made again from its sum (fedsum, section E.3): the model from the model before it, the standardisation,
 * the figures of an evaluation. Nothing of what the coordinator says of a sum has to be believed.
 */
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { assertEnoughContribute } from '@consilium/protos/strategy/contributors.ts'
import { nextModel } from '@consilium/protos/strategy/next-model.ts'
import { splitSum } from '@consilium/protos/strategy/split-sum.ts'
import type { EventOf } from '../round/events.ts'
import { contentResult, trainResult } from '../statistics/sum-result.ts'
import { require, sameJson } from './refuse.ts'

/** The next parameters of a train round; throws where the sum makes another result than the entry names. */
export function remake(
  { result, sums }: EventOf<'round-committed'>,
  plan: RoundPlan & { readonly secure: NonNullable<RoundPlan['secure']> },
  study: Study,
  survivors: number,
  given: { readonly sum: Uint8Array; readonly parameters: Float32Array },
): Float32Array | undefined {
  require(sha256Hex(given.sum) === sums, 'the sum before it is not the one that it names')
  const [header, content] = splitSum(given.sum, plan.secure.vectors)
  const quantised = roundQuantisation(plan, study)
  const read = readHeaderSum(header, survivors, quantised)
  if (plan.purpose !== 'train') {
    const made = contentResult(plan.purpose, read, content, study, plan.columns)
    require(sameJson(made, result), 'its result is not what its sum comes to')
    return undefined
  }
  assertEnoughContribute(read, plan.secure)
  require(read.weight > 0 && content.length === given.parameters.length, 'its sum makes no model of this study')
  const making = nextModel({ survivors, weight: read.weight, quantised })
  const next = making.next(given.parameters, content)
  making.end()
  const made = trainResult(read, sha256Hex(new Uint8Array(next.buffer)))
  require(sameJson(made, result), 'its model is not the one that its sum makes of the model before')
  return next
}
