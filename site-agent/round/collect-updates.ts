/**
 * Collect updates, at the site: THE list of what leaves a hospital for a study. Every contribution is built here from
 * the trainer's result, clipped, checked, sealed to the run's key and put in the outbox before the coordinator hears of
 * it; `preview.ts` shows the same list to the person who approves.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import {
  type Contribution,
  contributionHeaderSchema,
  contributionLength,
  encodeContribution,
  vectorSizes,
} from '@consilium/protos/plan/contribution.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { sealUpdate } from '@consilium/protos/sealing/sealed-update.ts'
import { type Assignment, inRound, type Site } from './site.ts'
import type { WorkResult } from './work.ts'

/** What leaves for one result: counts, a loss, and one vector. Throws `update-invalid` for what must not leave. */
export function contributionOf(result: WorkResult, manifest: StudyManifest): Contribution {
  const contribution = assemble(result, manifest.study.updateNormMax)
  const due = contributionLength(result.purpose, vectorSizes(manifest))
  if (contribution.vector.length !== due)
    throw new FederationError(
      'update-invalid',
      `the ${result.purpose} result has ${contribution.vector.length} values, ${due} are due`,
    )
  const header = contributionHeaderSchema.safeParse(contribution.header)
  if (!header.success || !allFinite(contribution.vector))
    throw new FederationError(
      'update-invalid',
      `the ${result.purpose} result holds a value that is not finite: a smaller learning rate, or a look at the data, may help`,
    )
  return { header: header.data, vector: contribution.vector }
}

/** Seals the contribution, puts it in the outbox, enters it in the journal; only then says that the work is done. */
export function finishWork(assignment: Assignment, result: WorkResult, site: Site): void {
  const { planHash, plan, study } = assignment
  const plain = encodeContribution(contributionOf(result, study.manifest))
  const context = Buffer.from(`${planHash}:${site.name}`, 'utf8')
  const sealed = sealUpdate(plain, Buffer.from(plan.runPublicKey, 'base64'), context)
  site.store.outbox.put(planHash, sealed)
  site.store.journal.done(planHash, sealed.length)
  site.emit({ type: 'work-done', ...inRound(planHash, plan), bytes: sealed.length })
  site.link.send({ type: 'work-done', planHash }, study.hash)
}

/** Uploads the sealed contribution of finished work; after a cut it goes on from what the coordinator has. */
export async function upload(planHash: string, site: Site, signal: AbortSignal): Promise<void> {
  const finished = site.store.journal.find(planHash)
  if (finished?.state !== 'done' && finished?.state !== 'uploaded') return
  await site.link.upload({
    planHash,
    path: site.store.outbox.path(planHash),
    study: finished.study,
    onProgress: (sentBytes, totalBytes) =>
      site.emit({ type: 'uploading', ...inRound(planHash, finished), sentBytes, totalBytes }),
    signal,
  })
  site.store.journal.uploaded(planHash)
  site.emit({ type: 'uploaded', ...inRound(planHash, finished), bytes: finished.bytes })
}

function assemble(result: WorkResult, updateNormMax: number): Contribution {
  switch (result.purpose) {
    case 'statistics':
      return { header: { purpose: 'statistics', examples: result.examples }, vector: result.sums }
    case 'train': {
      const { examples, steps, loss } = result
      const { vector, clipped } = clip(result.update, updateNormMax)
      return { header: { purpose: 'train', examples, steps, loss, clipped }, vector }
    }
    case 'evaluate': {
      const { examples, lossSum, correct } = result
      return { header: { purpose: 'evaluate', examples, lossSum, correct }, vector: result.histogram }
    }
  }
}

/** Scales an update whose L2 norm exceeds `normMax` down to it; the last factor keeps rounding from exceeding it again. */
export function clip(
  update: Float32Array,
  normMax: number,
): { readonly vector: Float32Array; readonly clipped: boolean } {
  const norm = l2Norm(update)
  if (!(norm > normMax)) return { vector: update, clipped: false }
  const scale = (normMax / norm) * (1 - 2 ** -22)
  return { vector: update.map((value) => value * scale), clipped: true }
}

/** In double precision; a Float32Array's own arithmetic would lose small values beside large ones. */
function l2Norm(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!
  return Math.sqrt(sum)
}

function allFinite(values: Float32Array | Float64Array): boolean {
  return values.every(Number.isFinite)
}
