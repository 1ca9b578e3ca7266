/**
 * Commit: the survivors are known and their updates are here. In a secure round the shell adds them up, removes the masks
 * and reads the sum alone; in sealed mode it opens and checks each contribution, and one that does not pass makes its site
 * a dropout, and the round goes on while the quorum holds.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundCommand } from './commands.ts'
import { dropEvents, failure, withDropout } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { refuseLateUpdate, withLateUpdate } from './late-updates.ts'
import { committedRound, failedRound, type RoundOver } from './over.ts'
import { type Collected, collectedOf, membersOf } from './planned.ts'
import type { UnmaskingSession } from './session.ts'
import type { Verifying } from './verify.ts'
import { verifying } from './verify.ts'

export type Committing = Collected & {
  readonly phase: 'commit'
  /** With a threshold of releases; absent in sealed mode. */
  readonly session?: UnmaskingSession
}

export function decide(round: Committing, command: RoundCommand, now: Date): RoundEvent[] {
  switch (command.type) {
    case 'refuse-contribution': {
      const { site, reason } = command
      // Nobody can be left out of a sum whose masks are being removed.
      if (round.session || !survivorsOf(round).includes(site)) return []
      return dropEvents(round, [{ site, cause: 'update-invalid', reason }], now)
    }
    case 'commit':
      return [
        {
          type: 'round-committed',
          at: now.toISOString(),
          planHash: round.planHash,
          result: command.result,
          ...(command.sums && { sums: command.sums }),
        },
      ]
    case 'give-up':
      return [failure(round.setting, command.code, command.reason, now)]
    case 'refuse-late-update':
      return refuseLateUpdate(round, command.site, now)
    default:
      return []
  }
}

export function evolve(round: Committing, event: RoundEvent): Committing | Verifying | RoundOver {
  switch (event.type) {
    case 'site-dropped':
      return withDropout(round, event)
    case 'late-update-refused':
      return withLateUpdate(round, event)
    case 'round-committed':
      return next(round, event)
    case 'round-failed':
      return failedRound(round, event, round.updates)
    default:
      return round
  }
}

/** What sites go on with is verified by them first. */
function next(round: Committing, event: EventOf<'round-committed'>): Committing | Verifying | RoundOver {
  const { updates, session } = round
  const due = session && verifying({ ...collectedOf(round), session }, event)
  return due ?? committedRound(round, event, survivorsOf(round), updates)
}

/** The sites whose contributions count, sorted: the order in which they are added. */
export function survivorsOf(round: Committing): SiteName[] {
  if (round.session) return [...round.session.survivors]
  return membersOf(round)
    .filter((site) => round.updates.has(site))
    .sort()
}
