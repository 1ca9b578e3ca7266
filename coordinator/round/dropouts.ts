/**
 * Who may still take part in a phase, and until when: a site is dropped when it made no progress for the phase's time,
 * when it is away too long while the others suffice (but for its work, which needs no line), or when it may no longer take
 * part at all.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundCommand } from './commands.ts'
import { type EventOf, type RoundEvent, shortReason } from './events.ts'
import { broken, isAmongPartners } from './partners.ts'
import { type Dropout, membersOf, type Planned, sitesNeeded } from './planned.ts'
import { type Attendance, exclusion, exclusionReasons, type Presence } from './presence.ts'
import { requiredOf } from './required.ts'
import type { AdvertisingSession } from './session.ts'
import type { RoundSetting } from './setting.ts'

/** What a phase waits for. */
export type Awaited = {
  readonly sites: readonly SiteName[]
  /** Sites without which the round fails: their being away alone drops none of them. */
  readonly required: readonly SiteName[]
  /** Sites that are dropped once they may no longer take part. */
  readonly excludable: readonly SiteName[]
  /** Sites that may still survive: those awaited and those that are done. */
  readonly remaining: number
  readonly quorum: number
  readonly sinceMs: number
  /** How long a site may be silent. */
  readonly silentMs: number
  /** How long it may be away; absent in a phase in which a site needs no line. */
  readonly absentMs?: number
  /**
   * In the phase after work: how long a site that was away already as the phase began is waited for, from when it left. It
   * did its work without a line, and has as long for what the phase asks as any other once it is back.
   */
  readonly workedAwayMs?: number
  /** How long the phase lasts at most, whatever a site says of its progress. */
  readonly wholeMs?: number
}

/** The sites to drop now. Those away only go while the others can still reach the quorum. */
export function findDropouts(awaited: Awaited, attendance: Attendance, now: Date): Dropout[] {
  const dropouts: Dropout[] = awaited.excludable.flatMap((site) => {
    const cause = exclusion(attendance, site)
    return cause ? [{ site, cause, reason: exclusionReasons[cause] }] : []
  })
  const away: Dropout[] = []
  for (const site of awaited.sites) {
    const presence = attendance.get(site)
    if (!presence || exclusion(attendance, site)) continue
    if (silentDue(awaited, presence) <= now.getTime())
      dropouts.push({ site, cause: 'deadline', reason: silence(awaited, presence, now) })
    else if (absentDue(awaited, site, presence) <= now.getTime())
      away.push({ site, cause: 'absent', reason: `not connected for ${absentMsOf(awaited, presence)} ms` })
  }
  return [...dropouts, ...away.slice(0, Math.max(0, awaited.remaining - dropouts.length - awaited.quorum))]
}

/** When {@link findDropouts} has something new to say if nothing happens before. */
export function nextDropoutDue(awaited: Awaited, attendance: Attendance): number {
  const dues = awaited.sites.map((site) => {
    const presence = attendance.get(site)
    const silent = silentDue(awaited, presence)
    return awaited.remaining > awaited.quorum ? Math.min(silent, absentDue(awaited, site, presence)) : silent
  })
  return Math.min(...dues)
}

/** A phase in which sites may drop out of the sum. */
export type Losing = Planned & { readonly phase: string; readonly session?: AdvertisingSession }

/** The events of dropping these sites from a round, and of its failure where too few are left or a required one is out. */
export function dropEvents(round: Losing, dropouts: readonly Dropout[], now: Date): RoundEvent[] {
  const dropped = dropouts.map((dropout) => droppedEvent(round, dropout, now))
  const [left, needed] = [membersOf(round).length - dropouts.length, sitesNeeded(round)]
  const lost = dropouts.find(({ site }) => requiredOf(round).includes(site))
  if (dropouts.length === 0 || (left >= needed && !lost)) return dropped
  if (isAmongPartners(round.setting))
    return [
      ...dropped,
      broken(
        round.setting,
        dropouts.map(({ site, reason }) => ({ site, why: reason })),
        [...round.dropouts, ...dropouts].map(({ cause }) => cause),
        now,
      ),
    ]
  // Before the directory nothing binds the sites yet: the cohort was too small, no quorum was lost.
  // Nothing was uploaded yet: the sites go on once the peer that was restored stands out by itself.
  const isPeerRestored = [...round.dropouts, ...dropouts].some(({ cause }) => cause === 'peer-restored')
  const code = isPeerRestored ? 'peer-restored' : round.phase === 'advertise-keys' ? 'cohort-too-small' : 'quorum-lost'
  const reason =
    left < needed
      ? `${left} of ${needed} sites needed are left`
      : `the study requires ${lost?.site}, which dropped out: ${lost?.cause}, ${lost?.reason}`
  return [...dropped, failure(round.setting, code, reason, now)]
}

/** The event of dropping one site by what it says, or by what the shell found of it; none for a site that is out already. */
export function dropOnCommand(
  round: Losing,
  command: Extract<RoundCommand, { type: 'refuse-work' | 'misbehave' }>,
  now: Date,
): RoundEvent[] {
  const { site, reason } = command
  if (!membersOf(round).includes(site)) return []
  const cause = command.type === 'misbehave' ? 'misbehaved' : (command.cause ?? 'refused')
  return dropEvents(round, [{ site, cause, reason }], now)
}

export function droppedEvent(
  { planHash }: Pick<Planned, 'planHash'>,
  { site, cause, reason }: Dropout,
  now: Date,
): EventOf<'site-dropped'> {
  return { type: 'site-dropped', at: now.toISOString(), planHash, site, cause, reason: shortReason(reason) }
}

/** The round with one dropout more. */
export function withDropout<Round extends Pick<Losing, 'phase' | 'dropouts'>>(
  round: Round,
  { site, cause, reason }: Dropout,
): Round {
  return { ...round, dropouts: [...round.dropouts, { site, cause, reason, phase: round.phase }] }
}

export function failure(
  setting: RoundSetting,
  code: EventOf<'round-failed'>['code'],
  reason: string,
  now: Date,
): EventOf<'round-failed'> {
  const { round, purpose } = setting
  return { type: 'round-failed', at: now.toISOString(), round, purpose, code, reason: shortReason(reason) }
}

function silence(awaited: Awaited, { absentSinceMs }: Presence, now: Date): string {
  if (awaited.wholeMs !== undefined && awaited.sinceMs + awaited.wholeMs <= now.getTime())
    return `not done after ${awaited.wholeMs} ms`
  const away = absentSinceMs === undefined ? '' : `, not connected since ${new Date(absentSinceMs).toISOString()}`
  return `no progress for ${awaited.silentMs} ms${away}`
}

function silentDue(awaited: Awaited, presence: Presence | undefined): number {
  const { sinceMs, silentMs, workedAwayMs = 0, wholeMs = Number.POSITIVE_INFINITY } = awaited
  if (workedAway(awaited, presence)) return sinceMs + workedAwayMs
  const silent = Math.max(sinceMs, presence?.progressAtMs ?? 0) + silentMs
  // Who comes and goes is not waited for longer than who stays away.
  const back = Math.min((presence?.attendsSinceMs ?? 0) + silentMs, sinceMs + workedAwayMs)
  return Math.min(Math.max(silent, back), sinceMs + wholeMs)
}

/** Whether the site was away already as the phase began in which it is to hand over its work. */
function workedAway({ sinceMs, workedAwayMs }: Awaited, presence: Presence | undefined): boolean {
  return workedAwayMs !== undefined && presence?.absentSinceMs !== undefined && presence.absentSinceMs < sinceMs
}

function absentMsOf(awaited: Awaited, presence: Presence): number | undefined {
  return workedAway(awaited, presence) ? awaited.workedAwayMs : awaited.absentMs
}

function absentDue(awaited: Awaited, site: SiteName, presence: Presence | undefined): number {
  if (presence?.absentSinceMs === undefined || awaited.absentMs === undefined || awaited.required.includes(site))
    return Number.POSITIVE_INFINITY
  const { sinceMs, absentMs, workedAwayMs = 0 } = awaited
  if (workedAway(awaited, presence)) return Math.max(sinceMs + absentMs, presence.absentSinceMs + workedAwayMs)
  return Math.max(sinceMs, presence.absentSinceMs, presence.progressAtMs ?? 0) + absentMs
}
