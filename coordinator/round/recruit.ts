/**
 * Recruit: waits until every site that is expected attends, or until the deadline, and then fixes the cohort and with it
 * the plan; in secure mode, a cohort of sites that pinned one another. Where the study requires sites, it waits for them
 * without a deadline. From that event on the plan is the same after any restart.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { cohortApart, whyNoneApart } from './apart.ts'
import { candidatesOf, dueMs, type Expecting, fewestSites, missingSites, shortage } from './candidates.ts'
import type { RoundCommand } from './commands.ts'
import { failure } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { failedRound, type RoundOver } from './over.ts'
import { isAmongPartners, whyMissing } from './partners.ts'
import { type Attendance, exclusion, exclusionReasons } from './presence.ts'
import { decidePartners, partnersDueMs, partnersNow } from './recruit-partners.ts'
import { fittingCohort, requiredMissing, requiredNow } from './required.ts'
import { selectCohort } from './select-cohort.ts'
import type { Working } from './work.ts'

export type Recruiting = Expecting & { readonly phase: 'recruit' }

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
  if (cohort) return selectCohort(setting, cohort, attendance, logHead, now)
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

/** Infinite while a required site is awaited. */
export function deadline(round: Recruiting, attendance: Attendance): number {
  if (isAmongPartners(round.setting)) return partnersDueMs(round, attendance)
  return awaitedRequired(round, attendance).length > 0 ? Number.POSITIVE_INFINITY : dueMs(round)
}

/** The required sites that recruiting waits for: they are away, or not approved by the others, or have not approved them. */
function awaitedRequired(round: Recruiting, attendance: Attendance): readonly SiteName[] {
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

function barredText(barred: readonly SiteName[], attendance: Attendance): string {
  const why = (site: SiteName) => {
    const excluded = attendance.get(site)?.excluded
    return excluded ? exclusionReasons[excluded] : 'it has not approved the study'
  }
  return barred.map((site) => `the study requires ${site}: ${why(site)}`).join('; ')
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
