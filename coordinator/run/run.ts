/**
 * One run of a study as the fold of its events: statistics, then rounds of training and the evaluation of what they
 * yield, until the model is exported; or back to an earlier model and on from there. Pure.
 */
import { cohortMax } from '@consilium/protos/limits.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import { type Column, columnsOf, type SummedColumn } from '@consilium/protos/plan/columns.ts'
import { vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { Purpose, SiteName } from '@consilium/protos/plan/names.ts'
import type { Summed } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { secureVectors, statisticsVectors } from '@consilium/protos/secagg/vectors.ts'
import { standardisationFrom } from '@consilium/protos/strategy/standardisation.ts'
import { trainedAmong } from '../round/apart.ts'
import { type ColumnStates, noColumns, summedElsewhere } from '../round/columns.ts'
import { failure } from '../round/dropouts.ts'
import { shortReason } from '../round/events.ts'
import type { RoundOver } from '../round/over.ts'
import { isAmongPartners } from '../round/partners.ts'
import { mutuallyPinned } from '../round/pins.ts'
import { type Attendance, type Presence, standsOutOf } from '../round/presence.ts'
import { requiredNow } from '../round/required.ts'
import { decideRound, evolveRound, type Round, resumeRound } from '../round/round.ts'
import type { RoundSetting } from '../round/setting.ts'
import { changePartners, withChangedPartners } from './change-partners.ts'
import { endings, type RunEvent } from './events.ts'
import { nextStep } from './next-step.ts'
import { rollBack } from './roll-back.ts'
import { skipEvaluation } from './skip-evaluation.ts'
import type { Partners, Run, RunCommand } from './state.ts'

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
      if (step.type !== 'round') return []
      if (step.attempt) return [attemptStarted(run, step, at)]
      return step.purpose === 'statistics' ? beginStatistics(run, command, at) : [roundStarted(run, step, command, at)]
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

type Look = Extract<RunCommand, { type: 'look' }>

/** Takes what other runs summed, and sums the rest; a column that another run is summing is waited for. */
function beginStatistics(run: Run, look: Look, at: string): RunEvent[] {
  if (run.manifest.study.aggregation.mode !== 'secure') return [roundStarted(run, statisticsStep, look, at)]
  const [missing, states] = [missingColumns(run), look.columns ?? noColumns]
  const taken = summedElsewhere(missing, states)
  if (taken.length > 0) return taken.map(({ summed, plan }) => ({ type: 'columns-taken', at, summed, plan }))
  if (missing.length === 0) return [{ type: 'run-failed', at, code: 'column-summed', reason: otherFormText }]
  if (run.past.some(({ plan }) => plan))
    return [{ type: 'run-failed', at, code: 'column-summed', reason: overtakenText }]
  const others = missing.flatMap(({ name }) => states.get(name) ?? [])
  if (others.some(({ state }) => state === 'under-way')) return []
  const settled = others.find((state) => state.state === 'settled')
  return [roundStarted(run, statisticsStep, look, at, settled?.sites)]
}

const overtakenText =
  'another run summed a part of its columns while its statistics waited for a site to be attempted again: a new run of the study takes these means and sums the rest'
const otherFormText =
  'a column of this study was summed in another form in an earlier run, as a number or as a category: it has no mean as this one'
const statisticsStep = { round: 0, purpose: 'statistics' } as const

function roundStarted(
  run: Run,
  { round, purpose }: { readonly round: number; readonly purpose: Purpose },
  look: Look,
  at: string,
  partners?: readonly SiteName[],
): RunEvent {
  const expected = partners ?? expectedSites(run, purpose, look)
  return {
    ...{ type: 'round-started', at, round, purpose, expected: [...expected] },
    ...(partners && { partners: [...partners] }),
  }
}

/** All of the attempt before are expected, and nobody else. */
function attemptStarted(
  { past }: Run,
  { round, purpose, attempt }: { readonly round: number; readonly purpose: Purpose; readonly attempt?: number },
  at: string,
): RunEvent {
  const expected = [...(past.at(-1)?.cohort ?? [])]
  return { type: 'round-started', at, round, purpose, expected, ...(attempt && { attempt }) }
}

/** Columns of the study that have no mean in this run yet. */
function missingColumns({ manifest, columns }: Run): Column[] {
  return columnsOf(manifest.study.features).filter(({ name }) => !columns.some((known) => known.name === name))
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

/**
 * First every site that may take part; later the survivors of the newest round that has some, and those that the study
 * requires. Under masks, none that could not be in a cohort with the others; statistics and evaluations expect their
 * partners, at first every site that may take part.
 */
function expectedSites(run: Run, purpose: Purpose, { attendance }: Look): readonly SiteName[] {
  const { mode } = run.manifest.study.aggregation
  const eligible = [...attendance]
    .filter(([site, presence]) => !presence.excluded && isReady(run, purpose, site, presence))
    .map(([site]) => site)
  if (isAmongPartners({ aggregation: run.manifest.study.aggregation, purpose })) {
    const known = run.partners[purpose as keyof Partners]
    const among = eligible.filter((site) => !run.without.includes(site)).sort()
    return known ?? mutuallyPinned(among, attendance, among).slice(0, cohortMax)
  }
  const survivors = run.past.findLast((over) => over.survivors.length > 0)?.survivors
  const required = requiredNow(run.manifest.study, attendance)
  const isExpected = (site: SiteName) => !survivors || survivors.includes(site) || required.includes(site)
  const sites = eligible.filter(isExpected).sort()
  return mode === 'secure' ? mutuallyPinned(sites, attendance, sites) : sites
}

/**
 * Not one that says it takes no part, unless the run had begun with it: then whoever runs it decides whether to go on without
 * it for good, and until then such rounds are withheld.
 */
function isReady({ past }: Run, purpose: Purpose, site: SiteName, presence: Presence): boolean {
  if (standsOutOf(presence, purpose) === undefined) return true
  return purpose !== 'train' && past.some(({ setting, cohort }) => setting.purpose === purpose && cohort.includes(site))
}

/** Once a site has masked for a purpose, the cohort is the partners, for good: no site masks for another set. */
function withPartners(run: Run, { setting, cohort, secure, updates }: RoundOver): Run {
  const { purpose } = setting
  if (purpose === 'train' || run.partners[purpose] || !secure || updates.size === 0) return run
  return { ...run, partners: { ...run.partners, [purpose]: cohort } }
}

function settingOf(run: Run, event: Extract<RunEvent, { type: 'round-started' }>, startedAtMs: number): RoundSetting {
  const { cohort, deadlines, aggregation } = run.manifest.study
  const { id, study, parameters: model, modelEntry, standardisation, proven, publicKey: runPublicKey } = run
  const { round, purpose } = event
  const partners = event.partners ?? (purpose === 'train' ? undefined : run.partners[purpose])
  const columns = missingColumns(run)
  return {
    ...{ run: id, study, round, purpose, model, runPublicKey, aggregation, cohort, deadlines, startedAtMs },
    ...(modelEntry !== undefined && { modelEntry }),
    ...(partners && { partners }),
    ...attemptOf(run, event),
    ...(purpose === 'train' && trainedAmong(run.past, model)),
    ...(run.without.length > 0 && { without: run.without }),
    ...(round === run.manifest.study.rounds && purpose === 'evaluate' && { isLast: true }),
    ...(standardisation && { standardisation }),
    ...((proven.model || proven.columns) && { proven }),
    ...(purpose === 'statistics' && { columns }),
    vectors: purpose === 'statistics' ? statisticsVectors(columns) : secureVectors(purpose, vectorSizes(run.manifest)),
  }
}

/** All of the attempt before, once more. */
function attemptOf(
  { past }: Run,
  { attempt: number }: Extract<RunEvent, { type: 'round-started' }>,
): Pick<RoundSetting, 'attempt' | 'partners'> {
  const last = past.at(-1)
  if (!number || !last?.plan || !last.planHash) return {}
  const { plan: before, planHash: after, cohort: partners, setting } = last
  return { partners, attempt: { number, after, before, firstAtMs: setting.attempt?.firstAtMs ?? setting.startedAtMs } }
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

/** The means of columns of the study that another run summed. */
function withTaken(run: Run, { summed }: Extract<RunEvent, { type: 'columns-taken' }>): Run {
  const missing = missingColumns(run).map(({ name }) => name)
  const taken = summed.columns.filter(({ name }) => missing.includes(name))
  const source = { run: summed.run, columns: taken.map(({ name }) => name) }
  return withColumns({ ...run, taken: [...run.taken, source] }, taken, summed)
}

function withColumns(run: Run, more: readonly SummedColumn[], summed: Summed | undefined): Run {
  const columns = [...run.columns, ...more]
  const known = new Map(columns.map((column) => [column.name, column]))
  const standardisation = standardisationFrom(run.manifest.study.features, known)
  const by = summed && { columns: [...(run.proven.columns ?? []), summed] }
  return { ...run, columns, proven: { ...run.proven, ...by }, ...(standardisation && { standardisation }) }
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
