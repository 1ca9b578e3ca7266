/** What a site is told when it begins to upload. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Update } from './planned.ts'
import type { OpenRound } from './round.ts'

/**
 * Whether a site may upload this just now: `start` or go on, or `received` where it is here already. Throws
 * `stale-round`, `not-in-cohort` or `update-invalid`, which tell the site what to do.
 */
export function checkUpload(round: OpenRound, site: SiteName, update: Update): 'start' | 'received' {
  if (round.phase === 'recruit' || !round.cohort.includes(site))
    throw new FederationError('not-in-cohort', `${site} is not in the cohort of this round`)
  const received = 'updates' in round ? round.updates.get(site) : undefined
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  // A survivor that is out of the round afterwards stays one: its update is in the sum.
  if (dropout && !received)
    throw new FederationError('stale-round', `this round goes on without ${site}: ${dropout.reason}`)
  if (!('updates' in round))
    throw new FederationError('stale-round', 'updates are not collected yet: wait for the message that asks for them')
  const known = received ?? (round.phase === 'collect-updates' ? round.announced.get(site) : undefined)
  if (known && (known.sha256 !== update.sha256 || known.bytes !== update.bytes))
    throw new FederationError('update-invalid', `${site} announced another update for this round: one a round is taken`)
  return received ? 'received' : 'start'
}
