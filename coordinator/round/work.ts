/** Work: every site of the cohort trains, evaluates or summarises by the plan and says when it is done. */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import {
  type Attendance,
  type Awaited,
  type Dropout,
  dropEvents,
  findDropouts,
  membersOf,
  nextDropoutDue,
} from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { failedRound } from './over.ts'
import type { Round, RoundCommand, RoundSetting } from './round.ts'

export type Working = {
  readonly phase: 'work'
  readonly setting: RoundSetting
  readonly planHash: Sha256
  readonly cohort: readonly SiteName[]
  readonly sinceMs: number
  readonly done: ReadonlySet<SiteName>
  readonly dropouts: readonly Dropout[]
}

export function decide(round: Working, command: RoundCommand, now: Date): RoundEvent[] {
  const members = membersOf(round)
  switch (command.type) {
    case 'look':
      return dropEvents(round, members.length, findDropouts(awaited(round), command.attendance, now), now)
    case 'finish-work': {
      const { planHash, site } = command
      if (!members.includes(site) || round.done.has(site)) return []
      return [{ type: 'work-done', at: now.toISOString(), planHash, site }]
    }
    case 'refuse-work': {
      const { site, reason } = command
      if (!members.includes(site)) return []
      return dropEvents(round, members.length, [{ site, cause: 'refused', reason }], now)
    }
    default:
      return []
  }
}

export function evolve(round: Working, event: RoundEvent): Round {
  switch (event.type) {
    case 'work-done':
      return next({ ...round, done: new Set([...round.done, event.site]) }, event)
    case 'site-dropped': {
      const { site, cause, reason } = event
      return next({ ...round, dropouts: [...round.dropouts, { site, cause, reason }] }, event)
    }
    case 'round-failed':
      return failedRound(round, event)
    default:
      return round
  }
}

export function deadline(round: Working, attendance: Attendance): number {
  return nextDropoutDue(awaited(round), attendance)
}

/** The phase ends when nobody is awaited; a round that lost its quorum stays, for its failure follows at once. */
function next(round: Working, event: RoundEvent): Round {
  const members = membersOf(round)
  if (members.length < round.setting.cohort.quorum || members.some((site) => !round.done.has(site))) return round
  const { setting, planHash, cohort, dropouts } = round
  return {
    phase: 'collect-updates',
    setting,
    planHash,
    cohort,
    sinceMs: Date.parse(event.at),
    announced: new Map(),
    updates: new Map(),
    dropouts,
    lateSites: new Set(),
  }
}

function awaited(round: Working): Awaited {
  const members = membersOf(round)
  const { cohort, deadlines } = round.setting
  return {
    sites: members.filter((site) => !round.done.has(site)),
    // A site that is done and then revoked will not be asked for its update.
    excludable: members,
    remaining: members.length,
    quorum: cohort.quorum,
    sinceMs: round.sinceMs,
    silentMs: deadlines.workMs,
    absentMs: deadlines.absentMs,
  }
}
