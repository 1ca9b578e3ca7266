/** Who may take part in a run just now and who is there: consent, control streams and progress put together. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Progress } from '../driving/progress.ts'
import { standing } from '../federation/consent.ts'
import type { Federation } from '../federation/federation.ts'
import type { Attendance, Presence } from '../round/presence.ts'
import type { Run } from '../run/state.ts'
import type { Attending } from './attending.ts'

/** How every site that decided about a study stands just now. */
export function attendanceOf(
  federation: Federation,
  attending: Attending,
  { study }: Pick<Run, 'study'>,
  progress: Progress,
): Attendance {
  return new Map(
    [...standing(federation, study)].map(([site, excluded]): [SiteName, Presence] => {
      const absentSinceMs = attending.absentSinceMs(site)
      const attendsSinceMs = attending.attendsSinceMs(site)
      const pins = attending.pinsOf(site)
      const standsOut = attending.standsOutOf(site).filter((each) => each.study === study)
      const progressAtMs = progress.progressAtMs(site)
      return [
        site,
        {
          identityPublicKey: federation.sites.get(site)?.identityPublicKey ?? '',
          ...(excluded && { excluded }),
          ...(absentSinceMs !== undefined && { absentSinceMs }),
          ...(attendsSinceMs !== undefined && { attendsSinceMs }),
          ...(pins && { pins }),
          ...(standsOut.length > 0 && { standsOut }),
          ...(progressAtMs !== undefined && { progressAtMs }),
        },
      ]
    }),
  )
}
