/** A trainer whose results follow from a site's number and the global parameters alone, of the lengths the study asks for. */
import { sha256Hex } from '@consilium/protos/hash.ts'
import { contributionLength, vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type {
  EvaluateResult,
  StartTrainer,
  StatisticsResult,
  Trainer,
  TrainResult,
} from '../../site-agent/train/trainer.ts'

export type MadeUpTrainer = {
  readonly start: StartTrainer
  /** Tasks in the order they were asked for: `train 1`, `evaluate`, ... */
  readonly calls: string[]
}

export function madeUpTrainer(number: number): MadeUpTrainer {
  const calls: string[] = []
  return {
    calls,
    async start({ manifest }): Promise<Trainer> {
      return {
        data: { trainRows: examplesOf(number), testRows: 4 * (number + 1), droppedRows: 0, remarks: [] },
        testMarks: new Uint8Array(8 * 4 * (number + 1)).fill(number),
        async statistics() {
          calls.push('statistics')
          return madeUpStatistics(number, manifest)
        },
        async train({ round, parameters }) {
          calls.push(`train ${round}`)
          const { buffer, byteOffset, byteLength } = parameters
          return madeUpTraining(number, sha256Hex(new Uint8Array(buffer, byteOffset, byteLength)), manifest)
        },
        async evaluate() {
          calls.push('evaluate')
          return madeUpEvaluation(number, manifest)
        },
        async stop() {},
      }
    },
  }
}

/** The same for the same global parameters, so that the sums of two rounds on them can be compared. */
export function madeUpTraining(number: number, model: Sha256, manifest: StudyManifest): TrainResult {
  const length = contributionLength('train', vectorSizes(manifest))
  const phase = Number.parseInt(model.slice(0, 4), 16)
  const update = Float32Array.from({ length }, (_, i) => Math.sin(i * (1 + number / 7) + phase))
  return { update, examples: examplesOf(number), steps: 1, loss: 0.5, zeroShare: 0 }
}

export function madeUpStatistics(number: number, manifest: StudyManifest): StatisticsResult {
  const { columns } = vectorSizes(manifest)
  const examples = examplesOf(number)
  const sums = Float64Array.from({ length: 3 * columns }, (_, i) => {
    const column = i % columns
    return [examples, examples * column, examples * (column ** 2 + 1)][Math.floor(i / columns)]!
  })
  return { examples, sums }
}

export function madeUpEvaluation(number: number, manifest: StudyManifest): EvaluateResult {
  const { bins, binary } = vectorSizes(manifest)
  const examples = 4 * (number + 1)
  const histogram = new Float64Array(binary ? 2 * bins : 0)
  if (binary) {
    histogram[number] = examples / 2
    histogram[2 * bins - 1 - number] = examples / 2
  }
  return { examples, lossSum: examples / 2, correct: examples / 2 + number, histogram }
}

function examplesOf(number: number): number {
  return 10 * (number + 1)
}
