/** A trial update of this site's own rows, made by `site-agent check` and thrown away: what share of it is exactly zero. */
import { columnsOf } from '@consilium/protos/plan/columns.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { standardisationFrom, summedColumns } from '@consilium/protos/strategy/standardisation.ts'
import type { Trainer } from '../train/trainer.ts'

/** A few steps show it: what no row touches in them stays zero in many. */
const stepsMax = 10
/** Above, no trial is made only for that. */
export const trialBytesMax = 64 * 2 ** 20

/** The study with no more steps than a trial makes. */
export function trialOf(manifest: StudyManifest): StudyManifest {
  const { localTraining } = manifest.study
  const steps = 'steps' in localTraining ? localTraining.steps : localTraining.epochs
  const fewer = { steps: Math.min(stepsMax, steps), batchSize: localTraining.batchSize }
  return { ...manifest, study: { ...manifest.study, localTraining: fewer } satisfies Study }
}

/** Standardised by this site's own means where the study's are not known yet. `start`: the initial parameters' bytes. */
export async function trialZeroShare(
  trainer: Trainer,
  { study }: StudyManifest,
  start: Uint8Array,
  signal: AbortSignal,
): Promise<number> {
  const watch = { onProgress: () => undefined, signal }
  const parameters = new Float32Array(start.slice().buffer)
  const federated = study.standardisation === 'federated'
  const standardisation = federated ? ownMeans(study, (await trainer.statistics(watch)).sums) : undefined
  const request = { ...watch, round: 1, parameters, ...(standardisation && { standardisation }) }
  return (await trainer.train(request)).zeroShare
}

function ownMeans({ features }: Study, sums: Float64Array) {
  const summed = summedColumns(columnsOf(features), sums)
  return standardisationFrom(features, new Map(summed.map((column) => [column.name, column])))
}
