/**
 * Work: every site of the cohort trains, evaluates or summarises by the plan and says when it is done. It needs no line for
 * that: a site that is away has the same time as one that is silent, and what it did meanwhile counts when it is back.
 */
import { workWholeMs } from '@consilium/protos/limits.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { AdvertisingKeys } from './advertise-keys.ts'
import type { CollectingUpdates } from './collect-updates.ts'
import type { RoundCommand } from './commands.ts'
import { type Awaited, dropEvents, dropOnCommand, findDropouts, nextDropoutDue, withDropout } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { failedRound, type RoundOver } from './over.ts'
import { membersOf, type Planned, plannedOf, sitesNeeded } from './planned.ts'
import type { Attendance } from './presence.ts'
import { requiredOf } from './required.ts'
import { advertisingSession } from './session.ts'

export type Working = Planned & {
  readonly phase: 'work'
  readonly sinceMs: number
  readonly done: ReadonlySet<SiteName>
}

export function decide(round: Working, command: RoundCommand, now: Date): RoundEvent[] {
  switch (command.type) {
    case 'look':
      return dropEvents(round, findDropouts(awaited(round), command.attendance, now), now)
    case 'finish-work': {
      const { planHash, site } = command
      if (!membersOf(round).includes(site) || round.done.has(site)) return []
      return [{ type: 'work-done', at: now.toISOString(), planHash, site }]
    }
    case 'refuse-work':
    case 'misbehave':
      return dropOnCommand(round, command, now)
    default:
      return []
  }
}

export function evolve(round: Working, event: RoundEvent): Working | AdvertisingKeys | CollectingUpdates | RoundOver {
  switch (event.type) {
    case 'work-done':
      return next({ ...round, done: new Set([...round.done, event.site]) }, event)
    case 'site-dropped':
      return next(withDropout(round, event), event)
    case 'round-failed':
      return failedRound(round, event)
    default:
      return round
  }
}

export function deadline(round: Working, attendance: Attendance): number {
  return nextDropoutDue(awaited(round), attendance)
}

/** The phase ends when nobody is awaited; a round that lost too many sites stays, for its failure follows at once. */
function next(round: Working, event: RoundEvent): Working | AdvertisingKeys | CollectingUpdates | RoundOver {
  const members = membersOf(round)
  if (members.length < sitesNeeded(round) || members.some((site) => !round.done.has(site))) return round
  const sinceMs = Date.parse(event.at)
  const session = advertisingSession(round.plan)
  if (session) return { phase: 'advertise-keys', ...plannedOf(round), sinceMs, session }
  const none = { announced: new Map(), updates: new Map(), lateSites: new Set<SiteName>() }
  return { phase: 'collect-updates', ...plannedOf(round), sinceMs, ...none }
}

function awaited(round: Working): Awaited {
  const members = membersOf(round)
  const { deadlines } = round.setting
  return {
    sites: members.filter((site) => !round.done.has(site)),
    // A site that is done and then revoked will not be asked for its update.
    excludable: members,
    remaining: members.length,
    quorum: sitesNeeded(round),
    required: requiredOf(round),
    sinceMs: round.sinceMs,
    silentMs: deadlines.workMs,
    wholeMs: workWholeMs,
  }
}
