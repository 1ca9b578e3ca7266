/**
 * One run of a study as the fold of its events: statistics, then rounds of training and the evaluation of what they
 * yield, until the model is exported; or back to an earlier model and on from there. Pure.
 */

import type { LogHead } from '@consilium/protos/log/head.ts'
import { vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { isEvaluatedAfter } from '@consilium/protos/plan/study.ts'
import { secureVectors } from '@consilium/protos/secagg/vectors.ts'
import { type Attendance, failure } from '../round/dropouts.ts'
import { type SiteResult, shortReason } from '../round/events.ts'
import {
  decideRound,
  evolveRound,
  type OpenRound,
  type Round,
  type RoundCommand,
  type RoundOver,
  type RoundSetting,
  resumeRound,
} from '../round/round.ts'
import { endings, type RunEvent } from './events.ts'

export type Run = {
  readonly id: RunId
  readonly study: Sha256
  readonly manifest: StudyManifest
  readonly publicKey: string
  /** Base64, by the key vault. */
  readonly sealedSecretKey: string
  readonly state: 'running' | 'finished' | 'failed' | 'cancelled'
  readonly reason: string
  readonly startedAtMs: number
  readonly endedAtMs?: number
  /** Entries of the run's log so far: the position of the next one. */
  readonly entries: number
  /** The present global parameters. */
  readonly parameters: Sha256
  /** Position of the entry that made them; absent for the study's initial parameters. */
  readonly modelEntry?: number
  readonly standardisation?: Standardisation
  readonly current?: OpenRound
  readonly past: readonly RoundOver[]
  /** Of the newest evaluation; sealed mode only. */
  readonly siteResults: readonly SiteResult[]
  readonly model?: Sha256
}

export type RunCommand =
  | RoundCommand
  | { readonly type: 'cancel'; readonly reason: string }
  | { readonly type: 'finish'; readonly model: Sha256 }
  /** Back to the model of a train round; signed over ("rollback", run, u32 round, {@link parametersOf} it), base64. */
  | { readonly type: 'roll-back'; readonly round: number; readonly reason: string; readonly signature: string }
  | { readonly type: 'fail'; readonly code: string; readonly reason: string }

/** The run right after its first event. */
export function startedRun(event: Extract<RunEvent, { type: 'run-started' }>, manifest: StudyManifest): Run {
  return {
    id: event.run,
    study: event.study,
    manifest,
    publicKey: event.publicKey,
    sealedSecretKey: event.sealedSecretKey,
    state: 'running',
    reason: '',
    startedAtMs: Date.parse(event.at),
    entries: 1,
    parameters: manifest.initialParameters.sha256,
    past: [],
    siteResults: [],
  }
}

export function decideRun(run: Run, command: RunCommand, now: Date): RunEvent[] {
  if (run.state !== 'running') return []
  const at = now.toISOString()
  switch (command.type) {
    case 'cancel':
      return [{ type: 'run-cancelled', at, reason: shortReason(command.reason) }]
    case 'fail':
      return [{ type: 'run-failed', at, code: command.code, reason: shortReason(command.reason) }]
    case 'finish':
      if (nextStep(run).type !== 'export') return []
      return [{ type: 'run-finished', at, model: command.model, parameters: run.parameters }]
    case 'roll-back':
      return rollBack(run, command, now)
    case 'look': {
      if (run.current) return decideRound(run.current, command, now)
      const step = nextStep(run)
      if (step.type === 'fail') return [{ type: 'run-failed', at, code: step.code, reason: shortReason(step.reason) }]
      if (step.type !== 'round') return []
      const { round, purpose } = step
      return [{ type: 'round-started', at, round, purpose, expected: expectedSites(run, command) }]
    }
    default:
      return run.current ? decideRound(run.current, command, now) : []
  }
}

/**
 * What a command leads to, or else a look around. Whoever appends the events calls again without a command until nothing
 * comes: a plan and a set of survivors name the head of the log, `logHead`, with all in it that was decided before.
 */
export function decideNext(
  run: Run,
  command: Exclude<RunCommand, { type: 'look' }> | undefined,
  attendance: Attendance,
  logHead: LogHead,
  now: Date,
): RunEvent[] {
  return decideRun(run, command ?? { type: 'look', attendance, logHead }, now)
}

/** The model that a train round of this run committed; undefined where there is none. */
export function parametersOf(run: Run, round: number): Sha256 | undefined {
  const over = run.past.find(({ setting }) => setting.purpose === 'train' && setting.round === round)
  return over?.outcome.type === 'committed' && over.outcome.result.purpose === 'train'
    ? over.outcome.result.parameters
    : undefined
}

export function evolveRun(run: Run, event: RunEvent): Run {
  return { ...evolveBy(run, event), entries: run.entries + 1 }
}

function evolveBy(run: Run, event: RunEvent): Run {
  switch (event.type) {
    case 'run-started':
      return run
    case 'run-resumed':
      return run.current ? { ...run, current: resumeRound(run.current, Date.parse(event.at)) } : run
    case 'round-started': {
      const sinceMs = Date.parse(event.at)
      const { expected } = event
      return { ...run, current: { phase: 'recruit', setting: settingOf(run, event, sinceMs), expected, sinceMs } }
    }
    case 'run-rolled-back':
      return { ...run, parameters: event.parameters, modelEntry: run.entries }
    case 'run-finished':
      return { ...ended(run, event), model: event.model, parameters: event.parameters }
    case 'run-failed':
    case 'run-cancelled':
      return { ...ended(run, event), reason: event.reason }
    default:
      return run.current ? withRound(run, evolveRound(run.current, event)) : run
  }
}

export type NextStep =
  | { readonly type: 'round'; readonly round: number; readonly purpose: Purpose }
  | { readonly type: 'export' }
  | { readonly type: 'fail'; readonly code: string; readonly reason: string }
  | { readonly type: 'none' }

/**
 * What follows the rounds so far. After a failed train round the next one starts from the same model; a failed evaluation
 * leaves a gap in the curve. Failed statistics, a failed last train round, two failed rounds of training in a row or two
 * of evaluation end the run. A round that a roll-back cancelled counts as none: training goes on with the next number.
 */
export function nextStep(run: Run): NextStep {
  if (run.state !== 'running' || run.current) return { type: 'none' }
  const { study } = run.manifest
  const last = run.past.at(-1)
  if (!last) return { type: 'round', ...(needsStatistics(run) ? statistics : { round: 1, purpose: 'train' }) }
  const { round, purpose } = last.setting
  if (last.outcome.type === 'failed' && isEnd(run, last)) {
    const { code, reason } = last.outcome
    return { type: 'fail', code, reason: `${purpose} round ${round} failed: ${reason}` }
  }
  const isTrained = purpose === 'train' && last.outcome.type === 'committed'
  if (isTrained && isEvaluatedAfter(round, study)) return { type: 'round', round, purpose: 'evaluate' }
  return round < study.rounds ? { type: 'round', round: round + 1, purpose: 'train' } : { type: 'export' }
}

/** Whether nothing can follow this failed round. */
function isEnd({ past, manifest }: Run, last: RoundOver): boolean {
  const { round, purpose } = last.setting
  if (!isFailure(last)) return false
  if (purpose === 'statistics' || (purpose === 'train' && round === manifest.study.rounds)) return true
  const before = past.findLast((over) => over.setting.purpose === purpose && over !== last)
  return before !== undefined && isFailure(before)
}

function isFailure({ outcome }: RoundOver): boolean {
  return outcome.type === 'failed' && outcome.code !== 'cancelled'
}

const statistics = { round: 0, purpose: 'statistics' } as const

function needsStatistics(run: Run): boolean {
  return run.manifest.study.standardisation === 'federated'
}

/** First every site that may take part; later the survivors of the newest round that has some. */
function expectedSites(run: Run, { attendance }: Extract<RunCommand, { type: 'look' }>): SiteName[] {
  const eligible = [...attendance].filter(([, presence]) => !presence.excluded).map(([site]) => site)
  const survivors = run.past.findLast((over) => over.survivors.length > 0)?.survivors
  return (survivors ? eligible.filter((site) => survivors.includes(site)) : eligible).sort()
}

function settingOf(run: Run, event: Extract<RunEvent, { type: 'round-started' }>, startedAtMs: number): RoundSetting {
  const { cohort, deadlines, aggregation } = run.manifest.study
  const { id, study, parameters: model, modelEntry, standardisation, publicKey: runPublicKey } = run
  const { round, purpose } = event
  return {
    ...{ run: id, study, round, purpose, model, runPublicKey, aggregation, cohort, deadlines, startedAtMs },
    ...(modelEntry !== undefined && { modelEntry }),
    ...(standardisation && { standardisation }),
    vectors: secureVectors(purpose, vectorSizes(run.manifest)),
  }
}

/**
 * Ends the open round and returns to an earlier model. Nothing where the named round committed none or this is the present
 * one, and where no round is open: then the model is being exported.
 */
function rollBack(run: Run, command: Extract<RunCommand, { type: 'roll-back' }>, now: Date): RunEvent[] {
  const { round, signature } = command
  const parameters = parametersOf(run, round)
  if (!run.current || parameters === undefined || parameters === run.parameters) return []
  const reason = shortReason(command.reason)
  return [
    failure(run.current.setting, 'cancelled', `the run goes back to the model of round ${round}`, now),
    { type: 'run-rolled-back', at: now.toISOString(), round, parameters, reason, signature },
  ]
}

function withRound(run: Run, round: Round): Run {
  if (round.phase !== 'over') return { ...run, current: round }
  const { current: _, ...rest } = run
  const past = [...run.past, round]
  if (round.outcome.type === 'failed') return { ...rest, past }
  const { result } = round.outcome
  switch (result.purpose) {
    case 'statistics':
      return { ...rest, past, standardisation: result.standardisation }
    case 'train':
      return { ...rest, past, parameters: result.parameters, modelEntry: run.entries }
    case 'evaluate':
      return { ...rest, past, siteResults: result.perSite }
  }
}

/** An open round ends with its run. */
function ended(run: Run, event: Extract<RunEvent, { type: keyof typeof endings }>): Run {
  const endedAtMs = Date.parse(event.at)
  const { current, ...rest } = run
  const state = endings[event.type]
  if (!current) return { ...rest, state, endedAtMs }
  const round = evolveRound(current, failure(current.setting, 'cancelled', `the run is ${state}`, new Date(endedAtMs)))
  return { ...rest, state, endedAtMs, past: round.phase === 'over' ? [...run.past, round] : run.past }
}
