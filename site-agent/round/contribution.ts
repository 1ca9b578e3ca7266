/**
 * What one site contributes to a round in sealed mode: counts, a loss and one vector, built from the trainer's result,
 * clipped and checked. `preview.ts` shows the same list to the person who approves.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import {
  type Contribution,
  contributionHeaderSchema,
  contributionLength,
  vectorSizes,
} from '@consilium/protos/plan/contribution.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
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
