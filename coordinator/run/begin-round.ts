/** How a round of a run begins: whom it expects, and all that it has to know of the run. */
import { cohortMax } from '@consilium/protos/limits.ts'
import { vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { Purpose, SiteName } from '@consilium/protos/plan/names.ts'
import { secureVectors, statisticsVectors } from '@consilium/protos/secagg/vectors.ts'
import { trainedAmong } from '../round/apart.ts'
import { noColumns, summedElsewhere } from '../round/columns.ts'
import { isAmongPartners } from '../round/partners.ts'
import { mutuallyPinned } from '../round/pins.ts'
import { type Presence, standsOutOf } from '../round/presence.ts'
import { requiredNow } from '../round/required.ts'
import type { RoundSetting } from '../round/setting.ts'
import { missingColumns } from './columns-so-far.ts'
import type { RunEvent } from './events.ts'
import type { Partners, Run, RunCommand } from './state.ts'

type Look = Extract<RunCommand, { type: 'look' }>
type Step = Pick<RoundSetting, 'round' | 'purpose'> & { readonly attempt?: number }

/** The events with which the next round begins; none while another run sums a column of its statistics. */
export function beginRound(run: Run, step: Step, look: Look, at: string): RunEvent[] {
  if (step.attempt) return [attemptStarted(run, step, at)]
  return step.purpose === 'statistics' ? beginStatistics(run, look, at) : [roundStarted(run, step, look, at)]
}

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
  { round, purpose }: Step,
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
function attemptStarted({ past }: Run, { round, purpose, attempt }: Step, at: string): RunEvent {
  const expected = [...(past.at(-1)?.cohort ?? [])]
  return { type: 'round-started', at, round, purpose, expected, ...(attempt && { attempt }) }
}

/**
 * First every site that may take part but those that the run goes without; later the survivors of the newest round that has
 * some; always those that the study requires. Whoever else attends takes part in a training all the same. Under masks, none that could not be in a cohort with the others; statistics and evaluations expect their
 * partners, at first every site that may take part.
 */
export function expectedSites(run: Run, purpose: Purpose, { attendance }: Look): readonly SiteName[] {
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
  const isExpected = (site: SiteName) =>
    required.includes(site) || (survivors ? survivors.includes(site) : !run.without.includes(site))
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

export function settingOf(
  run: Run,
  event: Extract<RunEvent, { type: 'round-started' }>,
  startedAtMs: number,
): RoundSetting {
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
