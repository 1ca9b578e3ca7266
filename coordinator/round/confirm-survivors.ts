/**
 * Confirm survivors (fedsum, section A.3, message 4): the survivors sign that this is the one set U3 they will help to
 * unmask, together with the head of the run's log. The updates are in the sum, so no site can drop out of it any more;
 * a threshold of signatures goes on, too few end the round.
 */
import { confirmMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { RoundCommand } from './commands.ts'
import { failure } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { mustBeSigned } from './faults.ts'
import type { RoundOver } from './over.ts'
import { broken, isAmongPartners } from './partners.ts'
import { type Collected, collectedOf } from './planned.ts'
import { type ConfirmingSession, fromBase64, rosterEntry, toBase64 } from './session.ts'
import {
  type AwaitedAnswers,
  decideOnSurvivors,
  evolveSurvivors,
  lostQuorum,
  type Reach,
  speakersOf,
  takeFromSurvivor,
} from './survivors.ts'
import type { Unmasking } from './unmask.ts'

export type ConfirmingSurvivors = Collected & {
  readonly phase: 'confirm-survivors'
  /** When the newest confirmation came. */
  readonly sinceMs: number
  readonly session: ConfirmingSession
}

export function decide(round: ConfirmingSurvivors, command: RoundCommand, now: Date): RoundEvent[] {
  if (command.type === 'confirm-survivors') return confirm(round, command, now)
  const events = decideOnSurvivors(round, reach, command, now)
  return command.type === 'look' && events.length === 0 && now.getTime() >= deadline(round)
    ? [overdue(round, now)]
    : events
}

export function evolve(round: ConfirmingSurvivors, event: RoundEvent): ConfirmingSurvivors | Unmasking | RoundOver {
  return event.type === 'survivors-confirmed' ? next(round, event) : evolveSurvivors(round, event)
}

export function deadline(round: ConfirmingSurvivors): number {
  return round.sinceMs + round.setting.deadlines.keysMs
}

/** How many confirmations are missing, and the survivors any of which can give them. */
export function awaitedConfirmations(round: ConfirmingSurvivors): AwaitedAnswers {
  const { confirmed, thresholds } = round.session
  const sites = speakersOf(round).filter((site) => !confirmed.has(site))
  return { answers: thresholds.threshold - confirmed.size, sites }
}

/** Who confirmed has to reveal too, and nobody has revealed anything yet. */
const reach: Reach<ConfirmingSurvivors> = {
  awaited: (round) => ({ answers: round.session.thresholds.threshold, sites: speakersOf(round) }),
  lost: lostQuorum,
}

function confirm(
  round: ConfirmingSurvivors,
  { site, signature }: Extract<RoundCommand, { type: 'confirm-survivors' }>,
  now: Date,
): RoundEvent[] {
  const { planHash, session } = round
  const at = now.toISOString()
  return takeFromSurvivor(round, reach, now, {
    site,
    awaited: awaitedConfirmations(round).sites,
    check: () => {
      const message = confirmMessage(session.u3Hash, Buffer.from(session.logHead.root, 'hex'))
      mustBeSigned(rosterEntry(session, site), signature, message, 'these survivors and this head of the log')
    },
    taken: () => [{ type: 'survivors-confirmed', at, planHash, site, signature: toBase64(signature) }],
  })
}

function next(
  round: ConfirmingSurvivors,
  { at, site, signature }: EventOf<'survivors-confirmed'>,
): ConfirmingSurvivors | Unmasking | RoundOver {
  const sinceMs = Date.parse(at)
  const confirmed = new Map([...round.session.confirmed, [site, fromBase64(signature)]])
  const session = { ...round.session, confirmed }
  if (confirmed.size < session.thresholds.threshold) return { ...round, sinceMs, session }
  return { phase: 'unmask', ...collectedOf(round), sinceMs, session: { ...session, revealed: new Map() } }
}

/** Nobody was shown a quorum, so nobody has revealed a share: among partners it can be attempted again. */
function overdue(round: ConfirmingSurvivors, now: Date): EventOf<'round-failed'> {
  const { confirmed, thresholds } = round.session
  const missing = awaitedConfirmations(round).sites
  if (isAmongPartners(round.setting)) {
    const why = `it did not confirm the survivors in ${round.setting.deadlines.keysMs} ms`
    const causes = round.dropouts.map(({ cause }) => cause)
    return broken(
      round.setting,
      missing.map((site) => ({ site, why })),
      causes,
      now,
    )
  }
  const reason = `${confirmed.size} of ${thresholds.threshold} confirmations came; missing: ${missing.join(', ')}`
  return failure(round.setting, 'quorum-lost', reason, now)
}
