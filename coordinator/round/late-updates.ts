/** Uploads that come too late. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundEvent } from './events.ts'
import type { Planned, Update } from './planned.ts'

/** An upload that comes after its site was dropped: an event, the first time. */
export function refuseLateUpdate(
  round: Planned & { readonly lateSites: ReadonlySet<SiteName>; readonly updates: ReadonlyMap<SiteName, Update> },
  site: SiteName,
  now: Date,
): RoundEvent[] {
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (!dropout || round.lateSites.has(site) || round.updates.has(site)) return []
  const reason = `the site was dropped from this round: ${dropout.reason}`
  return [{ type: 'late-update-refused', at: now.toISOString(), planHash: round.planHash, site, reason }]
}
