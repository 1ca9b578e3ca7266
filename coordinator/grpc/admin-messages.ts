/** The messages of admin.proto from the domain's own types, and the checks of what the operator sends. */

import type { RoundView as WireRoundView } from '@consilium/protos/gen/consilium/v1/RoundView.ts'
import type { RunView as WireRunView } from '@consilium/protos/gen/consilium/v1/RunView.ts'
import type { StudyView as WireStudyView } from '@consilium/protos/gen/consilium/v1/StudyView.ts'
import { type RunId, runIdSchema, type Sha256 } from '@consilium/protos/plan/names.ts'
import type { RoundView, RunView, StudyView } from '../services.ts'
import { countField, invalid, textField } from './fields.ts'

const validMinutesDefault = 24 * 60
const validMinutesMax = 30 * 24 * 60

export function validMinutes(minutes: number): number {
  return countField(minutes, 'valid_minutes', validMinutesMax) || validMinutesDefault
}

export function runField(run: string): RunId {
  const parsed = runIdSchema.safeParse(run)
  if (!parsed.success) throw invalid('run', 'the name of a run, as `consilium run list` shows it')
  return parsed.data
}

/** A study's hash, a prefix of it, or its name. */
export function studyField(reference: string): string {
  if (reference === '') throw invalid('study', 'a name or a hash')
  return textField(reference, 'study', 200)
}

/** `withStudy` adds the signed study itself. */
export function studyView(view: StudyView, withStudy: boolean): WireStudyView {
  const { signedStudy, decisions, ...rest } = view
  return {
    ...rest,
    decisions: [...decisions],
    ...(withStudy ? { signedStudy: Buffer.from(JSON.stringify(signedStudy)) } : {}),
  }
}

export function runView(view: RunView): WireRunView {
  const { rounds, current, modelSha256, parametersSha256, final, ...rest } = view
  return {
    ...rest,
    rounds: rounds.map(roundView),
    ...(current ? { current: { ...current, sites: [...current.sites] } } : {}),
    modelSha256: hashBytes(modelSha256),
    parametersSha256: hashBytes(parametersSha256),
    final: [...final],
  }
}

function roundView(view: RoundView): WireRoundView {
  const { cohort, survivors, dropouts, parametersSha256, ...rest } = view
  return {
    ...rest,
    cohort: [...cohort],
    survivors: [...survivors],
    dropouts: [...dropouts],
    parametersSha256: hashBytes(parametersSha256),
  }
}

function hashBytes(sha256: Sha256 | undefined): Buffer {
  return Buffer.from(sha256 ?? '', 'hex')
}
