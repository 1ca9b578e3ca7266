/**
 * Commit: the survivors are known and their updates are here. The shell opens and checks them and aggregates; a
 * contribution that does not pass makes its site a dropout, and the round goes on while the quorum holds.
 */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { refuseLateUpdate } from './collect-updates.ts'
import { type Dropout, dropEvents, failure, membersOf } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { committedRound, failedRound } from './over.ts'
import type { Round, RoundCommand, RoundSetting, Update } from './round.ts'

export type Committing = {
  readonly phase: 'commit'
  readonly setting: RoundSetting
  readonly planHash: Sha256
  readonly cohort: readonly SiteName[]
  readonly updates: ReadonlyMap<SiteName, Update>
  readonly dropouts: readonly Dropout[]
  readonly lateSites: ReadonlySet<SiteName>
}

export function decide(round: Committing, command: RoundCommand, now: Date): RoundEvent[] {
  const survivors = survivorsOf(round)
  switch (command.type) {
    case 'refuse-contribution': {
      const { site, reason } = command
      if (!survivors.includes(site)) return []
      return dropEvents(round, survivors.length, [{ site, cause: 'update-invalid', reason }], now)
    }
    case 'commit':
      return [{ type: 'round-committed', at: now.toISOString(), planHash: round.planHash, result: command.result }]
    case 'give-up':
      return [failure(round.setting, 'update-invalid', command.reason, now)]
    case 'refuse-late-update':
      return refuseLateUpdate(round, command.site, now)
    default:
      return []
  }
}

export function evolve(round: Committing, event: RoundEvent): Round {
  switch (event.type) {
    case 'site-dropped': {
      const { site, cause, reason } = event
      return { ...round, dropouts: [...round.dropouts, { site, cause, reason }] }
    }
    case 'late-update-refused':
      return { ...round, lateSites: new Set([...round.lateSites, event.site]) }
    case 'round-committed':
      return committedRound(round, event, survivorsOf(round), round.updates)
    case 'round-failed':
      return failedRound(round, event, round.updates)
    default:
      return round
  }
}

/** The sites whose contributions count, sorted: the order in which they are added. */
export function survivorsOf(round: Committing): SiteName[] {
  return membersOf(round)
    .filter((site) => round.updates.has(site))
    .sort()
}
