/** Recruiting for statistics and evaluations under masks: the whole of the partners or nobody, and how long it waits for them. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { candidatesOf, dueMs, type Expecting, fewestSites, missingSites, shortage } from './candidates.ts'
import { type ColumnState, type ColumnStates, noColumns } from './columns.ts'
import type { RoundCommand } from './commands.ts'
import { failure } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { whyMissing, withheld } from './partners.ts'
import { mutuallyPinned, toldSites } from './pins.ts'
import { type Attendance, exclusion, standsOutOf } from './presence.ts'
import { selectCohort } from './select-cohort.ts'
import type { RoundSetting } from './setting.ts'

/** The whole of the partners or nobody. Statistics wait for all, as nothing goes on without them. */
export function decidePartners(
  round: Expecting,
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
  if (missing.length === 0 && !isFew) return selectCohort(setting, here, attendance, logHead, now)
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
export function partnersNow(
  round: Expecting,
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
export function partnersDueMs(round: Expecting, attendance: Attendance): number {
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
