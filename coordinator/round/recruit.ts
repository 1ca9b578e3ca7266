/**
 * Recruit: waits until every site that is expected attends, or until the deadline, and then fixes the cohort and with it
 * the plan. From that event on the plan is the same after any restart.
 */
import { cohortMax } from '@consilium/protos/limits.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { type Attendance, failure } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { failedRound } from './over.ts'
import type { Round, RoundCommand, RoundSetting } from './round.ts'

export type Recruiting = {
  readonly phase: 'recruit'
  readonly setting: RoundSetting
  readonly expected: readonly SiteName[]
  readonly sinceMs: number
}

export function decide(round: Recruiting, command: RoundCommand, now: Date): RoundEvent[] {
  if (command.type !== 'look') return []
  const { setting } = round
  const missing = missingSites(round, command.attendance)
  const candidates = attendingSites(command.attendance)
  const overdue = now.getTime() >= deadline(round)
  if (candidates.length >= setting.cohort.min && (missing.length === 0 || overdue)) {
    const cohort = candidates.slice(0, cohortMax)
    const at = now.toISOString()
    const { round: number, purpose } = setting
    return [
      { type: 'cohort-selected', at, round: number, purpose, cohort, planHash: planHash(planOf(setting, cohort)) },
    ]
  }
  return overdue ? [failure(setting, 'cohort-too-small', shortage(setting, candidates, missing), now)] : []
}

export function evolve(round: Recruiting, event: RoundEvent): Round {
  const { setting } = round
  if (event.type === 'cohort-selected') {
    const { planHash, cohort } = event
    const sinceMs = Date.parse(event.at)
    return { phase: 'work', setting, planHash, cohort, sinceMs, done: new Set(), dropouts: [] }
  }
  return event.type === 'round-failed' ? failedRound(round, event) : round
}

export function deadline(round: Recruiting): number {
  return round.sinceMs + round.setting.deadlines.recruitMs
}

/** The plan of a round with this cohort: the same bytes whenever it is built. */
export function planOf(setting: RoundSetting, cohort: readonly SiteName[]): RoundPlan {
  const { run, study, round, purpose, model, standardisation, runPublicKey } = setting
  return {
    format: 1,
    run,
    study,
    round,
    purpose,
    cohort: [...cohort],
    model,
    ...(standardisation && { standardisation }),
    runPublicKey,
  }
}

function attendingSites(attendance: Attendance): SiteName[] {
  return [...attendance]
    .filter(([, presence]) => !presence.excluded && presence.absentSinceMs === undefined)
    .map(([site]) => site)
    .sort()
}

function missingSites(round: Recruiting, attendance: Attendance): SiteName[] {
  return round.expected.filter((site) => {
    const presence = attendance.get(site)
    return presence && !presence.excluded && presence.absentSinceMs !== undefined
  })
}

function shortage(setting: RoundSetting, candidates: readonly SiteName[], missing: readonly SiteName[]): string {
  const who = missing.length > 0 ? `; missing: ${missing.join(', ')}` : ''
  return `${candidates.length} of at least ${setting.cohort.min} sites attend${who}`
}
