/** How the sites stand just now, and which of them may not take part. */

import type { StoodOut } from '@consilium/protos/control-messages.ts'
import type { Purpose, SiteName } from '@consilium/protos/plan/names.ts'

/** How a site stands just now, from its control stream, its progress and its decisions. Not logged. */
export type Presence = {
  /** Its Ed25519 identity as it enrolled, base64. */
  readonly identityPublicKey: string
  /** Why it may not take part; else absent. */
  readonly excluded?: 'refused' | 'withdrawn' | 'revoked'
  /** Since when its control stream is broken, epoch milliseconds; absent while it attends. */
  readonly absentSinceMs?: number
  /** Since when it attends, epoch milliseconds; absent while it is away. */
  readonly attendsSinceMs?: number
  /** Whose identities it says it has pinned, base64; absent until it has answered the newest roster. */
  readonly pins?: ReadonlyMap<SiteName, string>
  /** What it says it takes no part in of this study; absent where there is nothing. */
  readonly standsOut?: readonly Pick<StoodOut, 'purpose' | 'code'>[]
  /** When it last made progress in the current phase. */
  readonly progressAtMs?: number
}

/** Why the site would refuse every plan for this purpose, as it says itself; undefined where it says nothing. */
export function standsOutOf(presence: Presence | undefined, purpose: Purpose): StoodOut['code'] | undefined {
  return presence?.standsOut?.find((each) => each.purpose === 'all' || each.purpose === purpose)?.code
}

/** Every site that has to do with the study. */
export type Attendance = ReadonlyMap<SiteName, Presence>

/** The sites that may take part and attend just now, by name. */
export function presentSites(attendance: Attendance): SiteName[] {
  return [...attendance]
    .filter(([, { excluded, absentSinceMs }]) => !excluded && absentSinceMs === undefined)
    .map(([site]) => site)
    .sort()
}

export const exclusionReasons = {
  refused: 'it refused the study',
  withdrawn: 'it withdrew its approval',
  revoked: 'its certificate was revoked',
}

/** A site that has nothing to do with the study any more counts as withdrawn. */
export function exclusion(attendance: Attendance, site: SiteName): Presence['excluded'] {
  const presence = attendance.get(site)
  return presence ? presence.excluded : 'withdrawn'
}
