/** Who could be in the cohort of a round that recruits, who may still come to it, and how many sites it takes. */
import { cohortMax } from '@consilium/protos/limits.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { cohortMin as secureCohortMin, sitesOfSession } from '@consilium/protos/secagg/thresholds.ts'
import { isAmongPartners } from './partners.ts'
import { leftOutOf, mutuallyPinned, toldSites } from './pins.ts'
import { type Attendance, presentSites, standsOutOf } from './presence.ts'
import { requiredNow } from './required.ts'
import { type RoundSetting, thresholdsOf } from './setting.ts'

/** What a round that recruits knows. */
export type Expecting = {
  readonly setting: RoundSetting
  readonly expected: readonly SiteName[]
  readonly sinceMs: number
}

/** Until when it waits for the sites it expects, unless it cannot do without one. */
export function dueMs({ setting, sinceMs }: Expecting): number {
  return sinceMs + setting.deadlines.recruitMs
}

/** How many sites of these candidates make a cohort at least. */
export function fewestSites(setting: RoundSetting, candidates: number): number {
  const min = setting.aggregation.mode === 'secure' ? Math.max(setting.cohort.min, secureCohortMin) : setting.cohort.min
  if (candidates < min) return min
  const thresholds = thresholdsOf(setting, Math.min(candidates, cohortMax))
  return thresholds ? Math.max(min, sitesOfSession(thresholds)) : min
}

/** Who can be in the cohort as things stand. */
export function candidatesOf({ setting, expected }: Expecting, attendance: Attendance): SiteName[] {
  const preferred = [...requiredNow(setting, attendance), ...expected]
  if (setting.aggregation.mode === 'secure')
    return mutuallyPinned(toldSites(attendance, setting.purpose), attendance, preferred)
  return presentSites(attendance).filter((site) => !standsOutOf(attendance.get(site), setting.purpose))
}

/** The expected sites that may still come; in secure mode, those that could be in a cohort with the sites that are here. */
export function missingSites({ setting, expected }: Expecting, attendance: Attendance): SiteName[] {
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

/** Why a cohort is too small. */
export function shortage(round: Expecting, attendance: Attendance, missing: readonly SiteName[]): string {
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
