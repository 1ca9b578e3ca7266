/**
 * Tells the coordinator which identities this site has pinned, so that it recruits only sites that pinned one another. That
 * is a help to the coordinator and decides nothing here: each plan is checked against the pins themselves.
 */
import type { RosterSite } from '@consilium/protos/control-messages.ts'
import type { Site } from './round/site.ts'
import { isSameKey, type Roster } from './store/roster.ts'

export type PinTelling = {
  /** The answer to every roster, which is also the first message of every stream. */
  tell(): void
  /** Where they are others than was told: a person may have changed them at the command line. */
  tellChanges(): void
}

export function openPinTelling({ store, link }: Pick<Site, 'store' | 'link'>): PinTelling {
  let told: readonly RosterSite[] | undefined
  const tell = () => {
    const pinned = pinsToTell(store.roster)
    link.send({ type: 'pinned', sites: pinned }, '')
    told = pinned
  }
  return {
    tell,
    tellChanges() {
      if (!told || !areSame(told, pinsToTell(store.roster))) tell()
    },
  }
}

/** What is pinned of what the coordinator offers, and was not revoked, by name; it hears of no other. */
export function pinsToTell(roster: Pick<Roster, 'pins' | 'offers' | 'revokedAt'>): RosterSite[] {
  const offers = new Map(roster.offers().map(({ site, publicKey }) => [site, publicKey]))
  return roster
    .pins()
    .filter(({ site, publicKey }) => isSameKey(publicKey, offers.get(site)) && !roster.revokedAt(publicKey))
    .map(({ site, publicKey }) => ({ site, publicKey }))
}

function areSame(sites: readonly RosterSite[], others: readonly RosterSite[]): boolean {
  if (sites.length !== others.length) return false
  return sites.every(({ site, publicKey }, i) => site === others[i]!.site && isSameKey(publicKey, others[i]!.publicKey))
}
