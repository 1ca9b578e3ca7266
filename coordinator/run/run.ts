/**
 * One run of a study as the fold of its events: statistics, then rounds of training and the evaluation of what they
 * yield, until the model is exported. Pure.
 */
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { isEvaluatedAfter } from '@consilium/protos/plan/study.ts'
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
  /** The newest global parameters. */
  readonly parameters: Sha256
  readonly standardisation?: Standardisation
  readonly current?: OpenRound
  readonly past: readonly RoundOver[]
  /** Of the newest evaluation. */
  readonly siteResults: readonly SiteResult[]
  readonly model?: Sha256
}

export type RunCommand =
  | RoundCommand
  | { readonly type: 'cancel'; readonly reason: string }
  | { readonly type: 'finish'; readonly model: Sha256 }
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

/** Every event that a command (or a look around) leads to, and those that follow because of them, up to where the run waits again. */
export function decideFully(
  run: Run,
  command: Exclude<RunCommand, { type: 'look' }> | undefined,
  attendance: Attendance,
  now: Date,
): RunEvent[] {
  const all: RunEvent[] = []
  const take = (events: readonly RunEvent[]) => {
    all.push(...events)
    run = events.reduce(evolveRun, run)
    return events.length > 0
  }
  if (command) take(decideRun(run, command, now))
  while (take(decideRun(run, { type: 'look', attendance }, now)));
  return all
}

export function evolveRun(run: Run, event: RunEvent): Run {
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
 * What follows the rounds so far. A failed evaluation leaves a gap in the curve and the run goes on; a second one in a
 * row, or failed statistics or training, ends it.
 */
export function nextStep(run: Run): NextStep {
  if (run.state !== 'running' || run.current) return { type: 'none' }
  const { study } = run.manifest
  const last = run.past.at(-1)
  if (!last) return { type: 'round', ...(needsStatistics(run) ? statistics : { round: 1, purpose: 'train' }) }
  const { round, purpose } = last.setting
  if (last.outcome.type === 'failed') {
    const { code, reason } = last.outcome
    const before = run.past.findLast((over) => over.setting.purpose === 'evaluate' && over !== last)
    if (purpose !== 'evaluate' || before?.outcome.type === 'failed')
      return { type: 'fail', code, reason: `${purpose} round ${round} failed: ${reason}` }
  }
  if (purpose === 'train' && isEvaluatedAfter(round, study)) return { type: 'round', round, purpose: 'evaluate' }
  return round < study.rounds ? { type: 'round', round: round + 1, purpose: 'train' } : { type: 'export' }
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
  const { cohort, deadlines } = run.manifest.study
  const { id, study, parameters: model, standardisation, publicKey: runPublicKey } = run
  const { round, purpose } = event
  const setting = { run: id, study, round, purpose, model, runPublicKey, cohort, deadlines, startedAtMs }
  return standardisation ? { ...setting, standardisation } : setting
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
      return { ...rest, past, parameters: result.parameters }
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
