/**
 * Who may still take part in a phase, and until when: a site is dropped when it made no progress for the phase's time,
 * when it is away too long while the others suffice, or when it may no longer take part at all.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { type DropoutCause, type EventOf, type RoundEvent, shortReason } from './events.ts'
import type { RoundSetting } from './round.ts'

export type Dropout = { readonly site: SiteName; readonly cause: DropoutCause; readonly reason: string }

/** How a site stands just now, from its control stream, its progress and its decisions. Not logged. */
export type Presence = {
  /** Why it may not take part; else absent. */
  readonly excluded?: 'refused' | 'withdrawn' | 'revoked'
  /** Since when its control stream is broken, epoch milliseconds; absent while it attends. */
  readonly absentSinceMs?: number
  /** When it last made progress in the current phase. */
  readonly progressAtMs?: number
}

/** Every site that has to do with the study. */
export type Attendance = ReadonlyMap<SiteName, Presence>

/** What a phase waits for. */
export type Awaited = {
  readonly sites: readonly SiteName[]
  /** Sites that are dropped once they may no longer take part. */
  readonly excludable: readonly SiteName[]
  /** Sites that may still survive: those awaited and those that are done. */
  readonly remaining: number
  readonly quorum: number
  readonly sinceMs: number
  /** How long a site may be silent. */
  readonly silentMs: number
  readonly absentMs: number
}

/** The sites of the cohort that were not dropped. */
export function membersOf(round: {
  readonly cohort: readonly SiteName[]
  readonly dropouts: readonly Dropout[]
}): SiteName[] {
  const dropped = new Set(round.dropouts.map(({ site }) => site))
  return round.cohort.filter((site) => !dropped.has(site))
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
      dropouts.push({ site, cause: 'deadline', reason: `no progress for ${awaited.silentMs} ms` })
    else if (absentDue(awaited, presence) <= now.getTime())
      away.push({ site, cause: 'absent', reason: `not connected for ${awaited.absentMs} ms` })
  }
  return [...dropouts, ...away.slice(0, Math.max(0, awaited.remaining - dropouts.length - awaited.quorum))]
}

/** When {@link findDropouts} has something new to say if nothing happens before. */
export function nextDropoutDue(awaited: Awaited, attendance: Attendance): number {
  const dues = awaited.sites.map((site) => {
    const presence = attendance.get(site) ?? {}
    const silent = silentDue(awaited, presence)
    return awaited.remaining > awaited.quorum ? Math.min(silent, absentDue(awaited, presence)) : silent
  })
  return Math.min(...dues)
}

/** The events of dropping these sites from a round, and of its failure where the quorum is out of reach then. */
export function dropEvents(
  round: { readonly setting: RoundSetting; readonly planHash: string },
  remaining: number,
  dropouts: readonly Dropout[],
  now: Date,
): RoundEvent[] {
  const at = now.toISOString()
  const { planHash, setting } = round
  const dropped: RoundEvent[] = dropouts.map(({ site, cause, reason }) => ({
    type: 'site-dropped',
    at,
    planHash,
    site,
    cause,
    reason: shortReason(reason),
  }))
  const left = remaining - dropouts.length
  if (dropouts.length === 0 || left >= setting.cohort.quorum) return dropped
  return [...dropped, failure(setting, 'quorum-lost', `${left} of ${setting.cohort.quorum} sites needed are left`, now)]
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

const exclusionReasons = {
  refused: 'it refused the study',
  withdrawn: 'it withdrew its approval',
  revoked: 'its certificate was revoked',
}

/** A site that has nothing to do with the study any more counts as withdrawn. */
function exclusion(attendance: Attendance, site: SiteName): Presence['excluded'] {
  const presence = attendance.get(site)
  return presence ? presence.excluded : 'withdrawn'
}

function silentDue(awaited: Awaited, presence: Presence): number {
  return Math.max(awaited.sinceMs, presence.progressAtMs ?? 0) + awaited.silentMs
}

function absentDue(awaited: Awaited, presence: Presence): number {
  if (presence.absentSinceMs === undefined) return Number.POSITIVE_INFINITY
  return Math.max(awaited.sinceMs, presence.absentSinceMs, presence.progressAtMs ?? 0) + awaited.absentMs
}
