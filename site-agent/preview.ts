/**
 * What would leave the site for a study, before anybody approves it: derived from the signed study with the very sizes
 * that `round/collect-updates.ts` holds every contribution to.
 */
import {
  type Contribution,
  contributionLength,
  encodeContribution,
  vectorSizes,
} from '@consilium/protos/plan/contribution.ts'
import type { Purpose } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { sealedLength } from '@consilium/protos/sealing/sealed-update.ts'

export type PreviewItem = {
  readonly purpose: Purpose
  /** What the vector holds, in words. */
  readonly content: string
  /** Counts that travel in clear inside the sealed contribution. */
  readonly header: readonly string[]
  readonly values: number
  /** Largest size of one sealed contribution on the wire. */
  readonly bytesMax: number
  /** How often it leaves in one run. */
  readonly times: number
}

export type Preview = {
  readonly items: readonly PreviewItem[]
  /** Largest total of one run. */
  readonly runBytesMax: number
  /** What else the coordinator learns, one sentence each. */
  readonly remarks: readonly string[]
}

export function preview(manifest: StudyManifest): Preview {
  const { study } = manifest
  const sizes = vectorSizes(manifest)
  const item = (purpose: Purpose, content: string, times: number): PreviewItem => {
    const values = contributionLength(purpose, sizes)
    const { header } = widest[purpose]
    const bytesMax = sealedLength(encodeContribution(widest[purpose]).length + values * (purpose === 'train' ? 4 : 8))
    return { purpose, content, header: Object.keys(header).filter((key) => key !== 'purpose'), values, bytesMax, times }
  }
  const items = [
    ...(study.standardisation === 'federated'
      ? [item('statistics', `count, sum and sum of squares of ${sizes.columns} columns over the training rows`, 1)]
      : []),
    item('train', `the update: change of each model parameter, L2 norm at most ${study.updateNormMax}`, study.rounds),
    item('evaluate', evaluationContent(sizes), Math.ceil(study.rounds / study.evaluation.everyRounds)),
  ]
  return { items, runBytesMax: items.reduce((sum, { bytesMax, times }) => sum + bytesMax * times, 0), remarks }
}

const remarks = [
  'Each contribution is encrypted to the key of the run; the coordinator can open each one by itself.',
  'Besides, the coordinator sees when this site attends, its progress in steps, its decisions on studies, and the code and reason of a refusal.',
  'No row of the data, no value of a patient and no file leaves.',
]

function evaluationContent({ bins, binary }: ReturnType<typeof vectorSizes>): string {
  return binary ? `two histograms of ${bins} bins: the scores of the negative and of the positive test rows` : 'nothing'
}

const countMax = 2 ** 40
const numberWidest = -1.7976931348623157e308

/** The longest header of each purpose, with no vector. */
const widest: { readonly [P in Purpose]: Contribution } = {
  statistics: { header: { purpose: 'statistics', examples: countMax }, vector: new Float64Array(0) },
  train: {
    header: { purpose: 'train', examples: countMax, steps: countMax, loss: numberWidest, clipped: false },
    vector: new Float32Array(0),
  },
  evaluate: {
    header: { purpose: 'evaluate', examples: countMax, lossSum: -numberWidest, correct: countMax },
    vector: new Float64Array(0),
  },
}
