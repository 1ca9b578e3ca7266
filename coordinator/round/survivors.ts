/**
 * Survivors that confirm and reveal: whoever will not is dropped from the round, though its update stays in the sum, and
 * the round fails once a threshold is out of reach for good.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundCommand } from './commands.ts'
import { droppedEvent, failure, withDropout } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import type { Dropout, Planned } from './planned.ts'
import { type Attendance, exclusion } from './presence.ts'
import type { ConfirmingSession } from './session.ts'

type Surviving = Planned & { readonly phase: string; readonly session: ConfirmingSession }

/** The survivors that may still say something in this round. */
export function speakersOf({ session, dropouts }: Surviving): SiteName[] {
  return session.survivors.filter((site) => !dropouts.some((dropout) => dropout.site === site))
}

/** Drops a survivor that refuses or misbehaves. `revealed` are those from whom nothing more is needed. */
export function dropSurvivor(
  round: Surviving,
  revealed: ReadonlyMap<SiteName, unknown>,
  dropout: Dropout,
  now: Date,
): RoundEvent[] {
  if (!speakersOf(round).includes(dropout.site) || revealed.has(dropout.site)) return []
  const dropped = droppedEvent(round, dropout, now)
  return isOutOfReach(withDropout(round, dropout), revealed) ? [dropped, lostQuorum(round, now)] : [dropped]
}

export function dropSurvivorOnCommand(
  round: Surviving,
  revealed: ReadonlyMap<SiteName, unknown>,
  { type, site, reason }: Extract<RoundCommand, { type: 'refuse-work' | 'misbehave' }>,
  now: Date,
): RoundEvent[] {
  return dropSurvivor(round, revealed, { site, cause: type === 'misbehave' ? 'misbehaved' : 'refused', reason }, now)
}

/** Whether too few survivors are left to reveal a threshold of shares: others were dropped, or may not come back. */
export function isOutOfReach(
  round: Surviving,
  revealed: ReadonlyMap<SiteName, unknown>,
  attendance?: Attendance,
): boolean {
  const mayCome = (site: SiteName) => !attendance || exclusion(attendance, site) === undefined
  const coming = speakersOf(round).filter((site) => !revealed.has(site) && mayCome(site))
  return revealed.size + coming.length < round.session.thresholds.threshold
}

export function lostQuorum({ setting, session }: Surviving, now: Date): EventOf<'round-failed'> {
  const { threshold } = session.thresholds
  const reason = `fewer than ${threshold} survivors are left to unmask the sum`
  return failure(setting, 'quorum-lost', reason, now)
}
