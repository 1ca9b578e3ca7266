/**
 * What would leave the site for a study, before anybody approves it: derived from the signed study with the very sizes
 * that `round/collect-updates.ts` holds every contribution to. In secure mode masked vectors, of which the coordinator
 * learns the sum over the sites; in sealed mode contributions that it can open one by one.
 */
import {
  type Contribution,
  contributionLength,
  encodeContribution,
  vectorSizes,
} from '@consilium/protos/plan/contribution.ts'
import type { Purpose } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { sealedLength } from '@consilium/protos/sealing/sealed-update.ts'
import { headerName, headerTagsAt, headerWords } from '@consilium/protos/secagg/header.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { secureUploadBytes, secureVectors } from '@consilium/protos/secagg/vectors.ts'
import type { WeightMode } from '@consilium/protos/secagg/weights.ts'

export type PreviewItem = {
  readonly purpose: Purpose
  /** What the vector holds, in words. */
  readonly content: string
  /** What travels beside it: masked too in secure mode, in clear inside the sealed contribution else. */
  readonly header: readonly string[]
  /** Numbers in the vector, without the header. */
  readonly values: number
  /** Secure mode: the size of one upload, exactly. Sealed mode: the largest size of one sealed contribution. */
  readonly bytesMax: number
  /** How often it leaves in one run at most. */
  readonly times: number
}

export type Preview = {
  /** How updates are added: under masks, or each sealed to a key that the coordinator holds. */
  readonly mode: 'secure' | 'sealed'
  readonly items: readonly PreviewItem[]
  /** Largest total of these in one run. */
  readonly runBytesMax: number
  /** Secure mode: public keys, sealed shares and signatures, besides each of the items. */
  readonly keyMessages?: {
    readonly times: number
    /** Largest size: so much, and so much more for each site of the round. */
    readonly bytesMax: number
    readonly bytesMaxPerSite: number
  }
  /** Sealed mode: what the person who approves has to know first. */
  readonly warning?: string
  /** What else the coordinator learns, one sentence each. */
  readonly remarks: readonly string[]
}

export function preview(manifest: StudyManifest): Preview {
  const { study } = manifest
  const items = purposesOf(study).map(([purpose, times]) =>
    study.aggregation.mode === 'secure' ? secureItem(purpose, times, manifest) : sealedItem(purpose, times, manifest),
  )
  const runBytesMax = items.reduce((sum, { bytesMax, times }) => sum + bytesMax * times, 0)
  if (study.aggregation.mode === 'sealed')
    return { mode: 'sealed', items, runBytesMax, warning: sealedWarning, remarks: [...sealedRemarks, ...alwaysRemarks] }
  const times = items.reduce((sum, item) => sum + item.times, 0)
  const remarks = [...secureRemarks(study, study.aggregation), ...alwaysRemarks]
  return { mode: 'secure', items, runBytesMax, keyMessages: { times, ...keyMessageSizes }, remarks }
}

/** What leaves for, and how often in one run. */
function purposesOf({ standardisation, rounds, evaluation }: Study): (readonly [Purpose, number])[] {
  return [
    ...(standardisation === 'federated' ? [['statistics', 1] as const] : []),
    ['train', rounds],
    ['evaluate', Math.ceil(rounds / evaluation.everyRounds)],
  ]
}

function secureItem(purpose: Purpose, times: number, manifest: StudyManifest): PreviewItem {
  const vectors = secureVectors(purpose, vectorSizes(manifest))
  const values = vectors.filter(({ name }) => name !== headerName).reduce((sum, { words }) => sum + words, 0)
  const content = secureContent(purpose, manifest)
  return { purpose, content, header: secureHeader, values, bytesMax: secureUploadBytes(vectors), times }
}

/** The slots of the header vector (`protos/secagg/header.ts`). */
const secureHeader = [
  'four ones',
  'the weight',
  'whether the update was clipped',
  'clamped coordinates',
  'the loss (four slots)',
  'whether this site contributes',
  `the tags by which sites check the sum (${headerWords - headerTagsAt} slots; zeros in an evaluation)`,
]

/**
 * With tags and lengths: advertised keys, the share message's fixed part and own row, masked header, confirmation, shares
 * revealed; then a row of sealed shares and one share revealed for each site.
 */
const keyMessageSizes = { bytesMax: 1140, bytesMaxPerSite: 262 }

function secureContent(purpose: Purpose, manifest: StudyManifest): string {
  if (purpose === 'evaluate') return secureEvaluation(manifest)
  const content = contentOf(purpose, manifest)
  return purpose === 'statistics' ? `${content}, as far as they were never summed in any study` : content
}

function sealedItem(purpose: Purpose, times: number, manifest: StudyManifest): PreviewItem {
  const values = contributionLength(purpose, vectorSizes(manifest))
  const { header } = widest[purpose]
  const bytesMax = sealedLength(encodeContribution(widest[purpose]).length + values * (purpose === 'train' ? 4 : 8))
  const content = contentOf(purpose, manifest)
  return { purpose, content, header: Object.keys(header).filter((key) => key !== 'purpose'), values, bytesMax, times }
}

function contentOf(purpose: Purpose, manifest: StudyManifest): string {
  const { columns, bins, binary } = vectorSizes(manifest)
  if (purpose === 'statistics') return `count, sum and sum of squares of ${columns} columns over the training rows`
  if (purpose === 'train')
    return `the update: change of each model parameter, L2 norm at most ${manifest.study.updateNormMax}`
  return binary ? `two histograms of ${bins} bins: the scores of the negative and of the positive test rows` : 'nothing'
}

function secureEvaluation(manifest: StudyManifest): string {
  const counts = 'test rows, rows classified right, the accuracy, whether there was a row'
  return vectorSizes(manifest).binary ? `${counts}, ${contentOf('evaluate', manifest)}` : counts
}

type Secure = Extract<Study['aggregation'], { readonly mode: 'secure' }>

function secureRemarks({ cohort }: Study, aggregation: Secure): string[] {
  const { weights, weightMax } = aggregation
  const { survivorsMin: fewest, colluders: colluding } = studyThresholds({ cohort, aggregation }, cohort.min)
  return [
    `Each upload is masked: to the coordinator it is noise. It learns the sum over the sites of a round, at least ${fewest} of them, or nothing.`,
    'One sum shows no update, loss, count, histogram or accuracy of a single site. Several sums, over other sites or of a model made for it, can show more: see What this does not protect against in protos/README.md.',
    weightMeaning(weights, weightMax),
    'Sums whose sites differ by this one alone tell what it added, such as how many test rows it has: evaluations are among one set of sites, each column is summed once, and of one training from one model this site helps to no two such sums. Training rounds lose and gain sites; how often this one may come and go is counted (status).',
    `This holds as long as ${colluding === 0 ? 'no site works' : colluding === 1 ? 'no more than 1 site works' : `no more than ${colluding} sites work`} with the coordinator in a round of ${cohort.min} sites; all the other sites together could always subtract theirs from the sum.`,
  ]
}

function weightMeaning(weights: WeightMode, weightMax: number): string {
  if (weights === 'uniform') return 'Every site counts the same: no number of training rows goes into its weight.'
  const rows = weights === 'exact' ? 'training rows' : 'training rows, rounded down to a power of two'
  return `The weight is the number of ${rows}, at most ${weightMax}; only the sum of all weights becomes known.`
}

const sealedWarning =
  'SEALED MODE, NO SECURE AGGREGATION: the coordinator holds the key of the run and can open every single update of this site.'

const sealedRemarks = [
  'Each contribution is encrypted to the key of the run; the coordinator can open each one by itself.',
]

const alwaysRemarks = [
  "Besides, the coordinator sees when this site attends, which of the other sites' keys it has pinned, its progress in quarters, in which phase it drops out, its decisions on studies, and one code where it refuses.",
  'No row of the data, no value of a patient and no file leaves.',
]

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
