/**
 * The roster this site pinned (fedsum, section A.2): for each site the one Ed25519 identity it is believed to have, and
 * who approved that. What the coordinator offers stands beside it and changes no pin.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { RosterSite } from '@consilium/protos/control-messages.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { durably, inTransaction } from './database.ts'

export type Approval = {
  readonly by: 'person' | 'policy'
  /** The account at this computer that approved; empty for the policy. */
  readonly account: string
}

export type Pin = RosterSite & Approval & { readonly at: string }

export type Roster = {
  /** The key, 32 bytes, that messages of `site` must be signed with; undefined where nobody here approved one. */
  pinned(site: SiteName): Uint8Array | undefined
  /**
   * When the coordinator sent that key away, ISO 8601, whatever it says since and under whatever name; undefined where it did
   * not, or a person here pinned the key again after that was heard.
   */
  revokedAt(publicKey: Uint8Array): string | undefined
  /** By name. */
  pins(): readonly Pin[]
  /** Pins the key in place of another; on the disk when this returns. */
  pin(entry: RosterSite, approval: Approval): void
  /** Trusts no key of `site` any more; on the disk when this returns. */
  unpin(site: SiteName, approval: Approval): void
  /** What the coordinator offers now, by name. */
  offers(): readonly RosterSite[]
  /** Replaces what was offered as a whole; returns the entries that were not offered just so before. */
  offered(sites: readonly RosterSite[]): readonly RosterSite[]
}

export function openRoster(database: DatabaseSync, now: () => Date): Roster {
  const insertPin = database.prepare(
    'INSERT INTO roster_pins (site, public_key, pinned_by, account, pinned_at) VALUES (?, ?, ?, ?, ?)',
  )
  const newest = database.prepare('SELECT public_key FROM roster_pins WHERE site = ? ORDER BY seq DESC LIMIT 1')
  const allPins = database.prepare(
    `SELECT * FROM roster_pins WHERE seq IN (SELECT max(seq) FROM roster_pins GROUP BY site)
     AND public_key IS NOT NULL ORDER BY site`,
  )
  const revoked = database.prepare(
    `SELECT at FROM coordinator_revocations AS gone WHERE public_key = ? AND NOT EXISTS (SELECT 1 FROM roster_pins AS pin
     WHERE pin.public_key = gone.public_key AND pinned_by = 'person' AND seq > pins_before) ORDER BY at DESC LIMIT 1`,
  )
  const allOffers = database.prepare('SELECT * FROM roster_offers ORDER BY site')
  const clearOffers = database.prepare('DELETE FROM roster_offers')
  const insertOffer = database.prepare('INSERT INTO roster_offers (site, public_key, offered_at) VALUES (?, ?, ?)')

  const offers = () => allOffers.all().map(readEntry)
  const add = (site: SiteName, key: Uint8Array | null, { by, account }: Approval) =>
    durably(database, () => insertPin.run(site, key, by, account, now().toISOString()))
  return {
    pinned: (site) => (newest.get(site)?.public_key as Uint8Array | null | undefined) ?? undefined,
    revokedAt: (publicKey) => revoked.get(publicKey)?.at as string | undefined,
    pins: () =>
      allPins.all().map((row) => ({
        ...readEntry(row),
        by: row.pinned_by as Approval['by'],
        account: String(row.account),
        at: String(row.pinned_at),
      })),
    pin: ({ site, publicKey }, approval) => void add(site, publicKey, approval),
    unpin: (site, approval) => void add(site, null, approval),
    offers,
    offered: (sites) =>
      inTransaction(database, () => {
        const before = new Map(offers().map(({ site, publicKey }) => [site, publicKey]))
        clearOffers.run()
        for (const { site, publicKey } of sites) insertOffer.run(site, publicKey, now().toISOString())
        return sites.filter(({ site, publicKey }) => !isSameKey(publicKey, before.get(site)))
      }),
  }
}

export function isSameKey(key: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(key, other) === 0
}

function readEntry(row: Record<string, unknown>): RosterSite {
  return { site: String(row.site), publicKey: row.public_key as Uint8Array }
}
