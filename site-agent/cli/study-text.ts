/** A study as `site-agent study show` tells it: who asks, what is computed here, what leaves, how often. */
import { parameterCount, type StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import type { Preview } from '../preview.ts'
import type { DataCheck } from '../store/records.ts'
import type { KnownStudy } from '../store/studies.ts'
import { fields, formatBytes, formatTime, printable, table } from './output.ts'

export function describeStudy(
  known: KnownStudy,
  manifest: StudyManifest,
  leaves: Preview,
  decision: string,
  dataCheck: DataCheck | undefined,
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
      ['rounds', `${study.rounds}, each with at least ${study.cohort.min} sites`],
    ]),
    '\nWhat leaves this site in one run\n',
    table(
      ['for', 'times', 'values', 'at most', 'what'],
      leaves.items.map(({ purpose, times, values, bytesMax, content, header }) => [
        purpose,
        String(times),
        String(values),
        formatBytes(bytesMax),
        `${content}; ${header.join(', ')}`,
      ]),
    ),
    `${formatBytes(leaves.runBytesMax)} at most in one run.\n`,
    ...leaves.remarks.map((remark) => `${remark}\n`),
  ].join('')
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

function describeSplit({ split }: Study): string {
  return split.by === 'hash'
    ? `${Math.round(split.testFraction * 100)} % of the rows for tests, chosen by a hash of ${split.key}`
    : `by the column ${split.column}`
}
