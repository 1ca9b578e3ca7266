/** A study as `site-agent study show` tells it: who asks, what is computed here, what leaves, how often. */
import { fields, formatBytes, formatTime, printable } from '@consilium/protos/plain-text.ts'
import { parameterCount, type StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import type { Breach } from '../breaches.ts'
import type { Preview } from '../preview.ts'
import type { Risk } from '../risk.ts'
import type { DataCheck } from '../store/records.ts'
import type { StandOut } from '../store/stand-outs.ts'
import type { KnownStudy } from '../store/studies.ts'
import type { SumsHere } from '../sums-here.ts'
import { table } from './output.ts'
import { describeSums } from './sums-text.ts'

/** What this site knows of a study, and says to it. */
export type StudyHere = {
  readonly leaves: Preview
  readonly risk: Risk
  readonly breaches: readonly JudgedBreach[]
  readonly sums: SumsHere
  readonly decision: string
  readonly dataCheck: DataCheck | undefined
}

type JudgedBreach = Breach & { readonly accepted: boolean }

export function describeStudy(
  known: KnownStudy,
  manifest: StudyManifest,
  { leaves, risk, breaches, sums, decision, dataCheck }: StudyHere,
): string {
  const { study } = manifest
  return [
    fields([
      ['study', `${study.name}: ${study.title}`],
      ['description', study.description],
      ['hash', known.hash],
      ['lead', known.lead],
      ['decision', decision],
      ['data', describeDataCheck(dataCheck)],
    ]),
    '\nWhat it computes at this site\n',
    fields([
      ['model', `${describeModel(study)}, ${parameterCount(manifest.layout)} parameters`],
      ['features', study.features.map(({ name, type }) => `${name} (${type})`).join(', ')],
      ['label', `${study.label.name} (${study.label.type})`],
      ['training', describeTraining(study)],
      ['standardisation', study.standardisation],
      ['split', describeSplit(study)],
      ['aggregation', describeAggregation(study)],
      ['rounds', `${study.rounds}, each with at least ${study.cohort.min} sites`],
    ]),
    describeLeaving(leaves),
    describeRisk(risk),
    describeBreaches(breaches),
    describeSums([sums], { isWhole: true }),
  ].join('')
}

function describeLeaving({ mode, items, runBytesMax, keyMessages, remarks }: Preview): string {
  const isSecure = mode === 'secure'
  return [
    `\nWhat leaves this site in one run, ${isSecure ? 'masked (secure aggregation)' : 'SEALED, NOT MASKED'}\n`,
    table(
      ['for', 'times', 'values', isSecure ? 'bytes' : 'at most', 'what'],
      items.map(({ purpose, times, values, bytesMax, content, header }) => [
        purpose,
        String(times),
        String(values),
        isSecure ? String(bytesMax) : formatBytes(bytesMax),
        isSecure ? content : `${content}; ${header.join(', ')}`,
      ]),
    ),
    isSecure ? `Each with a header of 16 slots, masked too: ${items[0]?.header.join(', ')}.\n` : '',
    `${formatBytes(runBytesMax)} at most in one run.\n`,
    keyMessages
      ? `Besides, ${keyMessages.times} times at most ${keyMessages.bytesMax} bytes and ${keyMessages.bytesMaxPerSite} for each site of the round: public keys, sealed shares, signatures.\n`
      : '',
    ...remarks.map((remark) => `${remark}\n`),
  ].join('')
}

/** For the person who answers for the patients; also before an approval at a terminal. */
export function describeRisk({ asked, learned }: Risk): string {
  const lines = (points: Risk['asked']) => fields(points.map(({ about, text }) => [about, text] as const))
  return [
    '\nThe risk: what this asks of patients here\n',
    lines(asked),
    '\nThe risk: what an author who means ill could learn\n',
    lines(learned),
    'None of this is a guarantee: only noise for each patient would be, and this version adds none.\n',
  ].join('')
}

function describeBreaches(breaches: readonly JudgedBreach[]): string {
  const title = '\nWhat the policy of this site says (policy.yaml, or its defaults)\n'
  if (breaches.length === 0) return `${title}It breaks no rule that can be judged yet.\n`
  const lines = breaches.map(({ rule, text, accepted }): [string, string] => [
    rule,
    accepted ? `${text} (accepted here)` : text,
  ])
  return `${title}${fields(lines)}A person may accept each by its name: site-agent study approve <study> --accept <rules>\n`
}

function describeDataCheck(check: DataCheck | undefined): string | undefined {
  if (!check) return 'not checked yet'
  if (!check.summary) return `${formatTime(check.at)}: ${check.failure?.message}`
  const { trainRows, testRows, droppedRows, remarks } = check.summary
  const counts = `${trainRows} training rows, ${testRows} test rows, ${droppedRows} left out`
  return `${formatTime(check.at)}: ${[counts, ...remarks].map(printable).join('; ')}`
}

function describeModel({ model }: Study): string {
  if (model.from === 'onnx') return 'an ONNX graph of the study'
  return model.name === 'logistic-regression'
    ? model.name
    : `${model.name} (${model.hidden.join(', ')} ${model.activation})`
}

function describeTraining({ localTraining, optimizer, loss }: Study): string {
  const amount = 'steps' in localTraining ? `${localTraining.steps} steps` : `${localTraining.epochs} epochs`
  return `${amount} a round, batch ${localTraining.batchSize}, ${optimizer.name} at learning rate ${optimizer.learningRate}, ${loss}`
}

function describeAggregation({ aggregation }: Study): string {
  return aggregation.mode === 'secure'
    ? `secure: the coordinator learns sums over the sites only; weights ${aggregation.weights}`
    : 'SEALED: the coordinator can open the update of each site'
}

function describeSplit({ split }: Study): string {
  return split.by === 'hash'
    ? `${Math.round(split.testFraction * 100)} % of the rows for tests, chosen by a hash of ${split.key}`
    : `by the column ${split.column}`
}

/** What this site takes no part in until a person has looked, one line each; `name` where several studies are shown. */
export function describeStandOuts(stood: readonly (StandOut & { readonly name?: string })[]): string {
  return stood
    .map(({ name, purpose, code, reason, at }) => {
      const what = purpose === 'all' ? 'every round' : purpose
      return fields([[`${formatTime(at)}  ${[name, what].filter(Boolean).join(' ')}`, `${reason} (${code})`]])
    })
    .join('')
}
