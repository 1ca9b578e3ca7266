/** Uploads that come too late. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { EventOf, RoundEvent } from './events.ts'
import type { Collected } from './planned.ts'

/** An upload that comes after its site was dropped: an event, the first time. */
export function refuseLateUpdate(round: Collected, site: SiteName, now: Date): RoundEvent[] {
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (!dropout || round.lateSites.has(site) || round.updates.has(site)) return []
  const reason = `the site was dropped from this round: ${dropout.reason}`
  return [{ type: 'late-update-refused', at: now.toISOString(), planHash: round.planHash, site, reason }]
}

/** What such an event makes of the round. */
export function withLateUpdate<Round extends Collected>(round: Round, { site }: EventOf<'late-update-refused'>): Round {
  return { ...round, lateSites: new Set([...round.lateSites, site]) }
}
