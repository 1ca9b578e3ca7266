/**
 * Recruit: waits until every site that is expected attends, or until the deadline, and then fixes the cohort and with it
 * the plan; in secure mode, a cohort of sites that pinned one another. Where the study requires sites, it waits for them
 * without a deadline. From that event on the plan is the same after any restart.
 */
import { cohortMax } from '@consilium/protos/limits.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan, roundPlanFormat, type SecureRound } from '@consilium/protos/plan/round-plan.ts'
import { cohortMin as secureCohortMin, sitesOfSession, studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { cohortApart, whyNoneApart } from './apart.ts'
import { type ColumnState, type ColumnStates, noColumns } from './columns.ts'
import type { RoundCommand } from './commands.ts'
import { failure } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { failedRound, type RoundOver } from './over.ts'
import { isAmongPartners, whyMissing, withheld } from './partners.ts'
import { leftOutOf, mutuallyPinned, toldSites } from './pins.ts'
import { type Attendance, exclusion, exclusionReasons, presentSites, standsOutOf } from './presence.ts'
import { fittingCohort, requiredMissing, requiredNow } from './required.ts'
import type { RoundSetting } from './setting.ts'
import type { Working } from './work.ts'

export type Recruiting = {
  readonly phase: 'recruit'
  readonly setting: RoundSetting
  readonly expected: readonly SiteName[]
  readonly sinceMs: number
}

export function decide(round: Recruiting, command: RoundCommand, now: Date): RoundEvent[] {
  if (command.type !== 'look') return []
  const { setting } = round
  const { attendance, logHead } = command
  if (isAmongPartners(setting)) return decidePartners(round, command, now)
  const barred = requiredNow(setting, attendance).filter((site) => exclusion(attendance, site))
  if (barred.length > 0) return [failure(setting, 'cohort-too-small', barredText(barred, attendance), now)]
  const missing = missingSites(round, attendance)
  const candidates = candidatesOf(round, attendance)
  if (requiredMissing(setting, candidates, attendance).length > 0) return []
  const overdue = now.getTime() >= dueMs(round)
  if (missing.length > 0 && !overdue) return []
  if (candidates.length < fewestSites(setting, candidates.length))
    return overdue ? [failure(setting, 'cohort-too-small', shortage(round, attendance, missing), now)] : []
  const cohort = cohortApart(fittingCohort(candidates, requiredNow(setting, attendance)), setting)
  if (cohort) return select(setting, cohort, attendance, logHead, now)
  return overdue ? [failure(setting, 'cohort-differencing', whyNoneApart(candidates, setting).reason, now)] : []
}

export function evolve(round: Recruiting, event: RoundEvent): Recruiting | Working | RoundOver {
  const { setting } = round
  if (event.type === 'cohort-selected') {
    const { planHash, plan } = event
    const planned = { setting, plan, planHash, cohort: plan.cohort, dropouts: [] }
    return { phase: 'work', ...planned, sinceMs: Date.parse(event.at), done: new Set() }
  }
  return event.type === 'round-failed' ? failedRound(round, event) : round
}

function select(
  setting: RoundSetting,
  cohort: readonly SiteName[],
  attendance: Attendance,
  logHead: LogHead,
  now: Date,
): RoundEvent[] {
  // The head that the plan names must prove where its model comes from: the next look has one that does.
  if (setting.modelEntry !== undefined && logHead.size <= setting.modelEntry) return []
  const { round, purpose } = setting
  const plan = planOf(setting, cohort, attendance, logHead)
  return [{ type: 'cohort-selected', at: now.toISOString(), round, purpose, plan, planHash: planHash(plan) }]
}

/** The whole of the partners or nobody. Statistics wait for all, as nothing goes on without them. */
function decidePartners(
  round: Recruiting,
  { attendance, logHead, columns = noColumns }: Extract<RoundCommand, { type: 'look' }>,
  now: Date,
): RoundEvent[] {
  const { setting } = round
  const elsewhere = columnsElsewhere(setting, columns)
  const summed = elsewhere.find(({ state }) => state.state === 'summed')
  if (summed) return [failure(setting, 'column-summed', `run ${summed.state.run} gave the mean of ${summed.name}`, now)]
  if (elsewhere.some(({ state }) => state.state === 'under-way')) return []
  const { here, missing } = partnersNow(round, attendance)
  const isFew = here.length < fewestSites(setting, here.length)
  const settled = elsewhere.find(({ state }) => state.state !== 'summed' && `${state.sites}` !== `${here}`)
  if (settled && missing.length === 0) return [failure(setting, 'withheld', settledText(settled), now)]
  if (missing.length === 0 && !isFew) return select(setting, here, attendance, logHead, now)
  if (missing.length === 0 && now.getTime() >= dueMs(round))
    return [failure(setting, 'cohort-too-small', shortage(round, attendance, missing), now)]
  if (missing.length === 0 || now.getTime() < partnersDueMs(round, attendance)) return []
  return [
    withheld(
      setting,
      missing.map((site) => ({ site, why: whyMissing(site, attendance, setting.purpose) })),
      now,
    ),
  ]
}

type Elsewhere = { readonly name: string; readonly state: ColumnState }

/** What other runs made of the columns of these statistics; nothing where they are not summed under masks. */
function columnsElsewhere({ purpose, columns = [] }: RoundSetting, states: ColumnStates): Elsewhere[] {
  if (purpose !== 'statistics') return []
  return columns.flatMap(({ name }) => {
    const state = states.get(name)
    return state ? [{ name, state }] : []
  })
}

function settledText({ name, state }: Elsewhere): string {
  const sites = state.state === 'summed' ? '' : state.sites.join(', ')
  return `${sites} masked for a sum of ${name} in run ${state.run}, which never came out, and take part in no other one of it: the statistics are among these sites, or the study goes without ${name}`
}

/** The partners that can be in the round now, and those that are missing; until they are settled, whoever is expected. */
function partnersNow(
  round: Recruiting,
  attendance: Attendance,
): { readonly here: readonly SiteName[]; readonly missing: readonly SiteName[] } {
  const { partners } = round.setting
  const candidates = candidatesOf(round, attendance)
  if (!partners)
    return {
      here: candidates.filter((site) => !round.setting.without?.includes(site)),
      missing: missingSites(round, attendance),
    }
  const here = mutuallyPinned(toldSites(attendance, round.setting.purpose), attendance, partners)
  return { here: partners, missing: partners.filter((site) => !here.includes(site)) }
}

/** When a round is withheld: an evaluation as soon as a partner is away for long; the last one is worth a longer wait. */
function partnersDueMs(round: Recruiting, attendance: Attendance): number {
  const { setting, sinceMs } = round
  const { purpose, partners, deadlines, isLast, attempt } = setting
  const { missing } = partnersNow(round, attendance)
  if (partners && missing.some((site) => exclusion(attendance, site))) return sinceMs
  if (missing.length === 0) return dueMs(round)
  if (purpose === 'statistics') return Number.POSITIVE_INFINITY
  if (isLast) return (attempt?.firstAtMs ?? sinceMs) + deadlines.makeUpMs
  // It says that it would refuse: there is nothing to wait for.
  if (missing.some((site) => standsOutOf(attendance.get(site), purpose))) return sinceMs
  // Whoever was lost in the attempt before was waited for in it, and has the time once more.
  const fromMs = attempt ? sinceMs : 0
  const away = missing.map(
    (site) => Math.max(fromMs, attendance.get(site)?.absentSinceMs ?? Number.POSITIVE_INFINITY) + deadlines.absentMs,
  )
  return Math.min(dueMs(round), ...away)
}

/** Infinite while a required site is awaited. */
export function deadline(round: Recruiting, attendance: Attendance): number {
  if (isAmongPartners(round.setting)) return partnersDueMs(round, attendance)
  return awaitedRequired(round, attendance).length > 0 ? Number.POSITIVE_INFINITY : dueMs(round)
}

/** The required sites that recruiting waits for: they are away, or not approved by the others, or have not approved them. */
export function awaitedRequired(round: Recruiting, attendance: Attendance): readonly SiteName[] {
  if (isAmongPartners(round.setting)) return partnersNow(round, attendance).missing
  return requiredMissing(round.setting, candidatesOf(round, attendance), attendance)
}

/** Whom recruiting waits for, why, and until when where it does not wait for ever. */
export type MissingInRecruit = {
  readonly answers: number
  readonly sites: readonly SiteName[]
  readonly because: 'required' | 'partners'
  readonly until?: string
}

export function missingInRecruit(round: Recruiting, attendance: Attendance): MissingInRecruit | undefined {
  const sites = awaitedRequired(round, attendance)
  if (sites.length === 0) return undefined
  const untilMs = deadline(round, attendance)
  return {
    answers: sites.length,
    sites,
    because: isAmongPartners(round.setting) ? 'partners' : 'required',
    ...(Number.isFinite(untilMs) && { until: new Date(untilMs).toISOString() }),
  }
}

function dueMs(round: Recruiting): number {
  return round.sinceMs + round.setting.deadlines.recruitMs
}

function barredText(barred: readonly SiteName[], attendance: Attendance): string {
  const why = (site: SiteName) => {
    const excluded = attendance.get(site)?.excluded
    return excluded ? exclusionReasons[excluded] : 'it has not approved the study'
  }
  return barred.map((site) => `the study requires ${site}: ${why(site)}`).join('; ')
}

function planOf(
  setting: RoundSetting,
  cohort: readonly SiteName[],
  attendance: Attendance,
  logHead: LogHead,
): RoundPlan {
  const { run, study, round, purpose, model, modelEntry, standardisation, proven, runPublicKey, vectors, columns } =
    setting
  if (setting.attempt) {
    const { number, after, before } = setting.attempt
    return { ...before, logHead, attempt: { number, after } }
  }
  const thresholds = thresholdsOf(setting, cohort.length)
  return {
    format: roundPlanFormat,
    run,
    study,
    round,
    purpose,
    cohort: [...cohort],
    model,
    ...(standardisation && { standardisation }),
    ...(thresholds && columns && { columns: [...columns] }),
    logHead,
    ...(modelEntry !== undefined && { modelEntry }),
    ...(thresholds
      ? {
          ...(proven && { proven }),
          secure: {
            roster: cohort.map((site) => attendance.get(site)!.identityPublicKey),
            ...thresholds,
            vectors: [...vectors],
          },
        }
      : { runPublicKey }),
  }
}

/** c and m as the study fixes them; undefined in sealed mode. */
function thresholdsOf(
  { aggregation, cohort }: RoundSetting,
  sites: number,
): Pick<SecureRound, 'colluders' | 'survivorsMin'> | undefined {
  return aggregation.mode === 'sealed' ? undefined : studyThresholds({ cohort, aggregation }, sites)
}

/** Who could be in a round just now, who is missing from it and why, and how many it needs at least. */
export type Prospects = {
  readonly here: readonly SiteName[]
  readonly missing: readonly { readonly site: SiteName; readonly why: string }[]
  readonly fewest: number
}

export function prospectsOf(round: Recruiting, attendance: Attendance): Prospects {
  const { setting } = round
  const explained = (sites: readonly SiteName[]) =>
    sites.map((site) => ({ site, why: whyMissing(site, attendance, setting.purpose) }))
  if (isAmongPartners(setting)) {
    const { here, missing } = partnersNow(round, attendance)
    return { here, missing: explained(missing), fewest: fewestSites(setting, here.length) }
  }
  const candidates = candidatesOf(round, attendance)
  const required = requiredNow(setting, attendance)
  const away = [...round.expected, ...required].filter((site) => !candidates.includes(site))
  return {
    here: fittingCohort(candidates, required),
    missing: explained([...new Set(away)].sort()),
    fewest: fewestSites(setting, candidates.length),
  }
}

/** How many sites of these candidates make a cohort at least. */
function fewestSites(setting: RoundSetting, candidates: number): number {
  const min = setting.aggregation.mode === 'secure' ? Math.max(setting.cohort.min, secureCohortMin) : setting.cohort.min
  if (candidates < min) return min
  const thresholds = thresholdsOf(setting, Math.min(candidates, cohortMax))
  return thresholds ? Math.max(min, sitesOfSession(thresholds)) : min
}

/** Who can be in the cohort as things stand. */
function candidatesOf({ setting, expected }: Recruiting, attendance: Attendance): SiteName[] {
  const preferred = [...requiredNow(setting, attendance), ...expected]
  if (setting.aggregation.mode === 'secure')
    return mutuallyPinned(toldSites(attendance, setting.purpose), attendance, preferred)
  return presentSites(attendance).filter((site) => !standsOutOf(attendance.get(site), setting.purpose))
}

/** The expected sites that may still come; in secure mode, those that could be in a cohort with the sites that are here. */
function missingSites({ setting, expected }: Recruiting, attendance: Attendance): SiteName[] {
  const isSecure = setting.aggregation.mode === 'secure'
  const away = expected.filter((site) => {
    const presence = attendance.get(site)
    if (!presence || presence.excluded) return false
    if (isAmongPartners(setting) && standsOutOf(presence, setting.purpose)) return true
    return presence.absentSinceMs !== undefined || (isSecure && !presence.pins)
  })
  if (!isSecure || away.length === 0) return away
  const possible = mutuallyPinned([...toldSites(attendance), ...away], attendance, expected)
  return away.filter((site) => possible.includes(site))
}

function shortage(round: Recruiting, attendance: Attendance, missing: readonly SiteName[]): string {
  const candidates = candidatesOf(round, attendance)
  const isSecure = round.setting.aggregation.mode === 'secure'
  const left = isSecure ? leftOutOf(candidates, toldSites(attendance), attendance) : []
  return [
    `${candidates.length} of at least ${fewestSites(round.setting, candidates.length)} sites attend`,
    ...(left.length > 0 ? [' and have approved the identities of one another'] : []),
    ...(missing.length > 0 ? [`; missing: ${missing.join(', ')}`] : []),
    ...left.map(({ site, reason }) => `; ${site} is left out: ${reason}`),
  ].join('')
}
