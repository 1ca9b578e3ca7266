/**
 * Survivors that confirm, reveal and verify: a phase goes on once enough of them have answered, whoever they are. Whoever
 * will not is dropped from the round, though its update stays in the sum, and the round fails once too few are left.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { type Taking, takeMessage } from './collect-messages.ts'
import type { RoundCommand } from './commands.ts'
import { droppedEvent, failure, withDropout } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { refuseLateUpdate, withLateUpdate } from './late-updates.ts'
import { failedRound, type RoundOver } from './over.ts'
import { isAmongPartners } from './partners.ts'
import type { Collected, Dropout } from './planned.ts'
import { type Attendance, exclusion } from './presence.ts'
import type { ConfirmingSession } from './session.ts'

type Surviving = Collected & {
  readonly phase: string
  readonly session: ConfirmingSession
}

/** How many answers are missing, and the survivors any of which can give them. */
export type AwaitedAnswers = { readonly answers: number; readonly sites: readonly SiteName[] }

/** What has to stay within reach in a phase, and how the round fails where it does not. */
export type Reach<Round> = {
  readonly awaited: (round: Round) => AwaitedAnswers
  readonly lost: (round: Round, now: Date) => EventOf<'round-failed'>
}

/** The survivors that may still say something in this round. */
export function speakersOf({ session, dropouts }: Pick<Surviving, 'session' | 'dropouts'>): SiteName[] {
  return session.survivors.filter((site) => !dropouts.some((dropout) => dropout.site === site))
}

/** What all but the answers themselves does: who left for good and who refuses. */
export function decideOnSurvivors<Round extends Surviving>(
  round: Round,
  reach: Reach<Round>,
  command: RoundCommand,
  now: Date,
): RoundEvent[] {
  switch (command.type) {
    case 'look':
      return isOutOfReach(reach.awaited(round), command.attendance) ? [reach.lost(round, now)] : []
    case 'refuse-work':
    case 'misbehave': {
      const { type, site, reason } = command
      return dropSurvivor(round, reach, { site, cause: type === 'misbehave' ? 'misbehaved' : 'refused', reason }, now)
    }
    case 'refuse-late-update':
      return refuseLateUpdate(round, command.site, now)
    default:
      return []
  }
}

/** {@link takeMessage} of a survivor. */
export function takeFromSurvivor<Round extends Surviving, Value>(
  round: Round,
  reach: Reach<Round>,
  now: Date,
  taking: Omit<Taking<Value>, 'drop'>,
): RoundEvent[] {
  return takeMessage({ ...taking, drop: (dropout) => dropSurvivor(round, reach, dropout, now) })
}

/** What all events but the answers make of the round. */
export function evolveSurvivors<Round extends Surviving>(round: Round, event: RoundEvent): Round | RoundOver {
  switch (event.type) {
    case 'site-dropped':
      return withDropout(round, event)
    case 'late-update-refused':
      return withLateUpdate(round, event)
    case 'round-failed':
      return failedRound(round, event, round.updates)
    default:
      return round
  }
}

/** `events`, and the round's failure where they put the answers it needs out of reach: others were dropped or disagree. */
export function failingWhere<Round extends Surviving>(
  next: Round,
  reach: Reach<Round>,
  events: RoundEvent[],
  now: Date,
): RoundEvent[] {
  return isOutOfReach(reach.awaited(next)) ? [...events, reach.lost(next, now)] : events
}

export function lostQuorum({ setting, session }: Surviving, now: Date): EventOf<'round-failed'> {
  const { threshold } = session.thresholds
  const reason = `fewer than ${threshold} survivors are left to unmask the sum`
  return failure(setting, isAmongPartners(setting) ? 'withheld' : 'quorum-lost', reason, now)
}

/** Drops a survivor of which something is awaited. */
function dropSurvivor<Round extends Surviving>(
  round: Round,
  reach: Reach<Round>,
  dropout: Dropout,
  now: Date,
): RoundEvent[] {
  if (!reach.awaited(round).sites.includes(dropout.site)) return []
  return failingWhere(withDropout(round, dropout), reach, [droppedEvent(round, dropout, now)], now)
}

/** With the attendance, whoever may no longer take part does not come back either. */
function isOutOfReach({ answers, sites }: AwaitedAnswers, attendance?: Attendance): boolean {
  const mayCome = (site: SiteName) => !attendance || exclusion(attendance, site) === undefined
  return answers > sites.filter(mayCome).length
}
