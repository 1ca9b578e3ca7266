/**
 * The end of the work phase: the trainer's result becomes what may leave, on disk, before the coordinator hears that the
 * work is done. In a secure round it is quantised to words that wait for their masks; in sealed mode it is sealed to the
 * run's key. The site's own evaluation is noted for its people and goes nowhere.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { contributionLength, encodeContribution, vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { sealUpdate } from '@consilium/protos/sealing/sealed-update.ts'
import { evaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import { prepareUpdate, quantise, roundingKey } from '@consilium/protos/secagg/fixed-point.ts'
import { encodeHeader, headerName, type SiteHeader } from '@consilium/protos/secagg/header.ts'
import { encodeCounts } from '@consilium/protos/secagg/histograms.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { encodeStatistics } from '@consilium/protos/secagg/statistics.ts'
import { secureUploadBytes, updateName } from '@consilium/protos/secagg/vectors.ts'
import { siteWeight } from '@consilium/protos/secagg/weights.ts'
import type { Assignment } from './assignment.ts'
import { ownShare } from './columns.ts'
import { contributionOf } from './contribution.ts'
import { inRound } from './events.ts'
import type { Site } from './site.ts'
import { writeWords } from './words-file.ts'
import type { WorkResult } from './work.ts'

/** Puts the contribution in the outbox, enters it in the journal; only then says that the work is done. */
export async function finishWork(assignment: Assignment, result: WorkResult, site: Site): Promise<void> {
  const { planHash, plan } = assignment
  const bytes = plan.secure ? await quantiseToOutbox(assignment, result, site) : sealToOutbox(assignment, result, site)
  site.store.outbox.removeCheckpoint(planHash)
  if (result.purpose === 'evaluate') noteEvaluation(assignment, result, site)
  sayWorkDone(assignment, bytes, site)
}

/** Once what leaves, or the words for it, is on the disk. */
export function sayWorkDone({ planHash, plan, study }: Assignment, bytes: number, site: Site): void {
  site.store.journal.done(planHash, bytes)
  site.emit({ type: 'work-done', ...inRound(planHash, plan), bytes })
  site.link.send({ type: 'work-done', planHash }, study.hash)
}

function sealToOutbox(assignment: Assignment, result: WorkResult, site: Site): number {
  const { planHash, plan, study } = assignment
  if (!plan.runPublicKey) throw new FederationError('message-invalid', 'this plan names no key to seal updates to')
  const plain = encodeContribution(contributionOf(result, study.manifest))
  const context = Buffer.from(`${planHash}:${site.name}`, 'utf8')
  const sealed = sealUpdate(plain, Buffer.from(plan.runPublicKey, 'base64'), context)
  site.store.outbox.put(planHash, sealed)
  return sealed.length
}

async function quantiseToOutbox(
  assignment: Assignment,
  worked: WorkResult,
  site: Pick<Site, 'store' | 'identity' | 'secret'>,
): Promise<number> {
  const { planHash, plan, study } = assignment
  const { store, identity, secret } = site
  const vectors = plan.secure!.vectors
  checkLength(worked, study.manifest)
  const result = worked.purpose === 'statistics' ? { ...worked, sums: ownShare(assignment, worked.sums, site) } : worked
  const { header, content } = quantised(assignment, result, secret)
  const path = store.outbox.wordsPath(planHash)
  await writeWords({ path, planHash, identity, vectors }, ({ vector, wordOffset, length }) =>
    vector === headerName ? header : content(wordOffset, length),
  )
  return secureUploadBytes(vectors)
}

type Quantised = {
  readonly header: Int32Array
  /** Words of the second vector. */
  readonly content: (wordOffset: number, length: number) => Int32Array
}

/** The same words however often they are asked for: a repeat of the round has the same bits. */
function quantised({ plan, study }: Assignment, result: WorkResult, secret: Uint8Array): Quantised {
  const numbers = roundQuantisation(plan, study.manifest.study)
  const weight = weightOf(result.examples, study.manifest)
  const header = (fields: Omit<SiteHeader, 'weight'>) => encodeHeader({ weight, ...fields }, numbers)
  const plain = { clipped: false, clampedCoordinates: 0, lossSum: 0, contributes: true }
  if (result.purpose === 'statistics') return { header: header(plain), content: slices(encodeStatistics(result.sums)) }
  if (result.purpose === 'evaluate') {
    const words = encodeCounts(evaluationCounts(result), plan.cohort.length)
    return { header: header({ ...plain, lossSum: result.lossSum }), content: slices(words) }
  }
  const { round, purpose } = plan
  const key = roundingKey(secret, Buffer.from(study.hash, 'hex'), { vector: updateName, round, purpose })
  const prepared = prepareUpdate(result.update, weight, numbers, key)
  const { clipped, clampedCoordinates } = prepared
  return {
    header: header({
      clipped,
      clampedCoordinates,
      lossSum: weight === 0 ? 0 : result.loss * weight,
      contributes: weight > 0,
    }),
    content(wordOffset, length) {
      const words = new Int32Array(length)
      quantise(words, prepared, wordOffset)
      return words
    },
  }
}

function slices(words: Int32Array): Quantised['content'] {
  return (wordOffset, length) => words.subarray(wordOffset, wordOffset + length)
}

function weightOf(examples: number, { study: { aggregation } }: StudyManifest): number {
  if (aggregation.mode !== 'secure')
    throw new FederationError('message-invalid', 'this study seals its updates: they have no masked weight')
  return siteWeight(examples, aggregation.weights, aggregation.weightMax)
}

/** Other lengths would shift what one vector says into another's place. */
function checkLength(result: WorkResult, manifest: StudyManifest): void {
  const vector =
    result.purpose === 'train' ? result.update : result.purpose === 'statistics' ? result.sums : result.histogram
  const due = contributionLength(result.purpose, vectorSizes(manifest))
  if (vector.length !== due)
    throw new FederationError(
      'update-invalid',
      `the ${result.purpose} result has ${vector.length} values, ${due} are due`,
    )
}

function noteEvaluation(
  { planHash, plan, study }: Assignment,
  { examples, lossSum, correct }: Extract<WorkResult, { purpose: 'evaluate' }>,
  { store, emit }: Pick<Site, 'store' | 'emit'>,
): void {
  const hasClasses = study.manifest.study.label.type !== 'number'
  const found = {
    examples,
    ...(examples > 0 && { loss: lossSum / examples }),
    ...(examples > 0 && hasClasses && { accuracy: correct / examples }),
  }
  store.records.evaluated({ planHash, run: plan.run, round: plan.round, study: study.hash, ...found })
  emit({ type: 'evaluated', ...inRound(planHash, plan), ...found })
}
