/**
 * Which rules of the site's policy a study breaks (fedsum, sections E.2 and E.5). A study that breaks none may be approved
 * in passing, by the policy; each rule broken is a person's to accept, by its name. A pure function of what was signed and
 * of counts: it sees no record.
 */
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import type { Origin } from './origin.ts'
import type { Policy, Rule } from './policy.ts'
import type { DataSummary } from './train/trainer.ts'

export type Breach = {
  readonly rule: Rule
  /** What the study asks, and what the policy has for it. */
  readonly text: string
}

export type Judged = {
  readonly manifest: StudyManifest
  readonly origin: Origin
  readonly policy: Pick<Policy, 'approve' | 'rows'>
  /** What the data of this site are for the study; absent: they were not looked at yet, and no rule about rows is judged. */
  readonly data?: DataSummary
  /** As the study is decided on: sites known here, itself among them, and studies of its lead approved without asking, in 31 days. */
  readonly deciding?: { readonly sites: number; readonly approvedLately: number }
  /** Runs of this study, the one that is to be judged among them, and roll-backs that this site followed. */
  readonly runs?: number
}

/** The rules that a study breaks here, but for those that the policy accepts in passing. */
export function breaches(judged: Judged): readonly Breach[] {
  const found = [...ofStudy(judged), ...ofTraining(judged), ...ofFederation(judged), ...ofData(judged)]
  return found.filter(({ rule }) => !(judged.policy.approve.accept as readonly Rule[]).includes(rule))
}

/** Those that no person accepted. */
export function open(found: readonly Breach[], accepted: readonly string[]): readonly Breach[] {
  return found.filter(({ rule }) => !accepted.includes(rule))
}

/** One sentence each. */
export function breachTexts(found: readonly Breach[]): string {
  return found.map(({ rule, text }) => `${rule}: ${text}`).join('; ')
}

function ofStudy({ manifest: { study }, origin, policy: { approve } }: Judged): Breach[] {
  const { aggregation, evaluation, rounds } = study
  const unlisted = columnsOf(study).filter((name) => !isListed(name, approve.columns))
  return when([
    ['sealed', aggregation.mode === 'sealed' && !approve.sealed, 'the coordinator can open each update of this site'],
    ['columns', unlisted.length > 0, `it reads ${unlisted.join(', ')}, which the policy does not list`],
    ['graph', origin.graph === 'own', 'its model is a graph of its author’s own, not what the zoo builds'],
    [
      'parameters',
      origin.parameters === 'own',
      'its initial parameters are its author’s own: neither drawn by rule from a seed, nor those of a run this site checked',
    ],
    ['bins', evaluation.bins > approve.binsMax, `${evaluation.bins} bins a histogram, at most ${approve.binsMax}`],
    ['rounds', rounds > approve.roundsMax, `${rounds} rounds, at most ${approve.roundsMax}`],
    [
      'weights',
      aggregation.mode === 'secure' && aggregation.weights === 'exact',
      'the sum of weights is one of exact numbers of rows',
    ],
  ])
}

function ofTraining({ manifest: { study }, policy: { approve }, data }: Judged): Breach[] {
  const { learningRate } = study.optimizer
  const [slowest, fastest] = approve.learningRate
  const { batchSize } = study.localTraining
  const rate = learningRate < slowest || learningRate > fastest
  return when([
    ['steps', ...tooShort(study, approve, data)],
    [
      'batch',
      batchSize !== 'full' && batchSize < approve.batchMin,
      `${batchSize} rows a batch, at least ${approve.batchMin}`,
    ],
    ['learning-rate', rate, `a learning rate of ${learningRate}, from ${slowest} to ${fastest}`],
  ])
}

/** Steps and rows that they draw. What hangs on how many rows there are is judged once that is known. */
function tooShort(study: Study, { stepsMin, rowsDrawnMin }: Policy['approve'], data?: DataSummary): [boolean, string] {
  const amount = trainingAmount(study, data?.trainRows)
  if (!amount) return [false, '']
  const { steps, drawn } = amount
  const text = `${steps} local steps a round${drawn === undefined ? '' : ` that draw ${drawn} rows`}, at least ${stepsMin} and ${rowsDrawnMin} rows`
  return [steps < stepsMin || (drawn !== undefined && drawn < rowsDrawnMin), text]
}

/** Local steps in a round and rows they draw; undefined for what follows only from the number of training rows. */
export function trainingAmount(
  { localTraining }: Pick<Study, 'localTraining'>,
  trainRows: number | undefined,
): { readonly steps: number; readonly drawn?: number } | undefined {
  const batch = localTraining.batchSize === 'full' ? trainRows : localTraining.batchSize
  if ('steps' in localTraining) {
    const { steps } = localTraining
    return { steps, ...(batch !== undefined && { drawn: steps * batch }) }
  }
  const { epochs } = localTraining
  if (trainRows === undefined) return localTraining.batchSize === 'full' ? { steps: epochs } : undefined
  return { steps: epochs * Math.ceil(trainRows / batch!), drawn: epochs * trainRows }
}

function ofFederation({ manifest: { study }, policy: { approve }, deciding, runs }: Judged): Breach[] {
  const { aggregation, cohort } = study
  const planned = cohort.planned ?? cohort.min
  const forFew = deciding !== undefined && aggregation.mode === 'secure' && 2 * planned < deciding.sites
  const lately = deciding?.approvedLately ?? 0
  return when([
    ['planned', forFew, `it is planned for ${planned} sites, fewer than half of the ${deciding?.sites} known here`],
    [
      'studies',
      lately >= approve.studiesMax,
      `${lately} studies of its lead were approved without asking in 31 days, at most ${approve.studiesMax}`,
    ],
    ['runs', runs !== undefined && runs > approve.runsMax, `run ${runs} of this study, at most ${approve.runsMax}`],
  ])
}

/** The rules about rows, which hang on the records: what leaves of them is one code for all. */
export const rulesOfRows: readonly Rule[] = ['rows', 'patients', 'test-rows', 'split-key', 'steps']

function ofData({ manifest: { study }, policy: { rows }, data }: Judged): Breach[] {
  if (!data) return []
  const { rowsMin, testRowsMin, patientsMin = rowsMin } = rows
  const { trainRows, testRows, patients = trainRows, patientColumn, zeroShare = 0 } = data
  const otherKey =
    study.split.by === 'hash' && patientColumn !== undefined && !isListed(study.split.key, [patientColumn])
  const key = study.split.by === 'hash' ? study.split.key : ''
  return when([
    ['rows', trainRows < rowsMin, `${trainRows} training rows here, at least ${rowsMin}`],
    ['patients', patients < patientsMin, `${patients} patients among the training rows here, at least ${patientsMin}`],
    [
      'test-rows',
      study.split.by === 'hash' && study.split.testFraction === 0 ? false : testRows < testRowsMin,
      `${testRows} test rows here, at least ${testRowsMin}: too few to be in a sum over test rows`,
    ],
    ['zeros', zeroShare > zeroShareMax, zeroText(zeroShare)],
    ['split-key', otherKey, `it splits by ${key}, patients are told apart by ${patientColumn}`],
  ])
}

/** An update of which a larger share is exactly zero is not sent. */
export const zeroShareMax = 0.5

function zeroText(share: number): string {
  return `${Math.round(100 * share)} % of a trial update here is exactly zero: such an update is not sent, zeros with weight 0 leave in its place`
}

/** Of the site's view: features, label and the split's. */
export function columnsOf({ features, label, split }: Study): readonly string[] {
  const ofSplit = split.by === 'hash' ? split.key : split.column
  return [...new Set([...features.map(({ name }) => name), label.name, ofSplit])]
}

/** Columns of a view differ in more than the case of their letters. */
function isListed(name: string, list: readonly string[] | undefined): boolean {
  return list === undefined || list.some((each) => each.toLowerCase() === name.toLowerCase())
}

function when(each: readonly (readonly [Rule, boolean, string])[]): Breach[] {
  return each.flatMap(([rule, isBroken, text]) => (isBroken ? [{ rule, text }] : []))
}
