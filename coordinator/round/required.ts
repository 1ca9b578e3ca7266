/**
 * The sites without which a study wants no round (`cohort.require`): a round is not recruited without them and fails with
 * the first of them that drops out, and their being away is borne as long as that of a site which the quorum needs.
 */
import { cohortMax } from '@consilium/protos/limits.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Planned } from './planned.ts'
import type { Attendance } from './presence.ts'
import type { RoundSetting } from './setting.ts'

/** Those of a cohort. `all` was every site that approved when the cohort was selected, so all of it. */
export function requiredOf({ setting, cohort }: Pick<Planned, 'setting' | 'cohort'>): readonly SiteName[] {
  const { require = [] } = setting.cohort
  return require === 'all' ? cohort : require
}

/** Those that a cohort must have now. `all`: every site that approved the study and may take part in it. */
export function requiredNow({ cohort: { require = [] } }: RequiredBy, attendance: Attendance): readonly SiteName[] {
  if (require !== 'all') return require
  return [...attendance].flatMap(([site, { excluded }]) => (excluded ? [] : [site])).sort()
}

/** Those without which recruiting waits. */
export function requiredMissing(
  setting: RequiredBy,
  candidates: readonly SiteName[],
  attendance: Attendance,
): readonly SiteName[] {
  return requiredNow(setting, attendance).filter((site) => !candidates.includes(site))
}

/** At most as many candidates as a cohort may have, the required ones first; sorted. */
export function fittingCohort(candidates: readonly SiteName[], required: readonly SiteName[]): SiteName[] {
  const first = candidates.filter((site) => required.includes(site))
  const others = candidates.filter((site) => !required.includes(site))
  return [...first, ...others].slice(0, cohortMax).sort()
}

type RequiredBy = Pick<RoundSetting, 'cohort'>
