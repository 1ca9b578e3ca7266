/**
 * One run of a study as the fold of its events: statistics, then rounds of training and the evaluation of what they
 * yield, until the model is exported; or back to an earlier model and on from there. Pure.
 */
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { type ColumnStates, noColumns } from '../round/columns.ts'
import { failure } from '../round/dropouts.ts'
import { shortReason } from '../round/events.ts'
import type { RoundOver } from '../round/over.ts'
import type { Attendance } from '../round/presence.ts'
import { decideRound, evolveRound, type Round, resumeRound } from '../round/round.ts'
import type { RoundSetting } from '../round/setting.ts'
import { beginRound, expectedSites, settingOf } from './begin-round.ts'
import { changePartners, withChangedPartners } from './change-partners.ts'
import { withColumns, withTaken } from './columns-so-far.ts'
import { endings, type RunEvent } from './events.ts'
import { nextStep } from './next-step.ts'
import { rollBack } from './roll-back.ts'
import { skipEvaluation } from './skip-evaluation.ts'
import type { Run, RunCommand } from './state.ts'

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
    sites: [],
    parameters: manifest.initialParameters.sha256,
    proven: {},
    columns: [],
    taken: [],
    partners: event.partners ?? {},
    without: event.without ?? [],
    rollbacks: 0,
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
    case 'change-partners':
      return changePartners(run, command.partners, at)
    case 'skip-evaluation':
      return skipEvaluation(run, command, now)
    case 'look': {
      if (run.current) return decideRound(run.current, command, now)
      const step = nextStep(run)
      if (step.type === 'fail') return [{ type: 'run-failed', at, code: step.code, reason: shortReason(step.reason) }]
      return step.type === 'round' ? beginRound(run, step, command, at) : []
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
  columns: ColumnStates = noColumns,
): RunEvent[] {
  return decideRun(run, command ?? { type: 'look', attendance, logHead, columns }, now)
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
      const setting = settingOf(run, event, sinceMs)
      return { ...withSites(run, expected), current: { phase: 'recruit', setting, expected, sinceMs } }
    }
    case 'columns-taken':
      return withTaken(run, event)
    case 'run-rolled-back':
      return {
        ...run,
        parameters: event.parameters,
        modelEntry: run.entries,
        rollbacks: run.rollbacks + 1,
        proven: provenAgain(run, event.round),
      }
    case 'run-partners-changed':
      return withChangedPartners(run, event.partners)
    case 'evaluation-skipped':
      return { ...run, isEvaluationSkipped: true }
    case 'round-committed':
      return run.current ? withRound({ ...run, committedEntry: run.entries }, evolveRound(run.current, event)) : run
    case 'run-finished':
      return { ...ended(run, event), model: event.model, parameters: event.parameters }
    case 'run-failed':
    case 'run-cancelled':
      return { ...ended(run, event), reason: event.reason }
    case 'cohort-selected':
      return run.current ? withRound(withSites(run, event.plan.cohort), evolveRound(run.current, event)) : run
    default:
      return run.current ? withRound(run, evolveRound(run.current, event)) : run
  }
}

/** The run as it would be right after a round began; for whoever asks before what would become of it. */
export function runInRound(
  run: Run,
  { round, purpose }: Pick<RoundSetting, 'round' | 'purpose'>,
  look: Extract<RunCommand, { type: 'look' }>,
  now: Date,
): Run {
  const expected = [...expectedSites(run, purpose, look)]
  return evolveRun(run, { type: 'round-started', at: now.toISOString(), round, purpose, expected })
}

/** Once a site has masked for a purpose, the cohort is the partners, for good: no site masks for another set. */
function withPartners(run: Run, { setting, cohort, secure, updates }: RoundOver): Run {
  const { purpose } = setting
  if (purpose === 'train' || run.partners[purpose] || !secure || updates.size === 0) return run
  return { ...run, partners: { ...run.partners, [purpose]: cohort } }
}

function withSites(run: Run, sites: readonly SiteName[]): Run {
  const added = sites.filter((site) => !run.sites.includes(site))
  return added.length === 0 ? run : { ...run, sites: [...run.sites, ...added] }
}

function withRound(run: Run, round: Round): Run {
  if (round.phase !== 'over') return { ...run, current: round }
  const { current: _, ...rest } = withPartners(run, round)
  const past = [...run.past, round]
  if (round.outcome.type === 'failed') return { ...rest, past }
  const { result } = round.outcome
  const { proven: by } = round
  switch (result.purpose) {
    case 'statistics':
      return withColumns({ ...rest, past }, result.columns, by && { run: run.id, ...by, columns: result.columns })
    case 'train':
      return {
        ...rest,
        past,
        parameters: result.parameters,
        ...(run.committedEntry !== undefined && { modelEntry: run.committedEntry }),
        proven: { ...run.proven, ...(by && { model: by }) },
      }
    case 'evaluate':
      return { ...rest, past, siteResults: result.perSite }
  }
}

/** Who verified the model of an earlier train round, for a run that goes back to it. */
function provenAgain({ past, proven }: Run, round: number): Run['proven'] {
  const { model: _, ...others } = proven
  const over = past.find(({ setting }) => setting.purpose === 'train' && setting.round === round)
  return over?.proven ? { ...others, model: over.proven } : others
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
