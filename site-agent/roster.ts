/**
 * Whose keys this site trusts: what the coordinator offers is pinned where policy.yaml names that very fingerprint, and
 * awaits a person otherwise; nothing the coordinator says replaces a pin (fedsum, section A.10: Sybil sites).
 */
import type { RosterSite } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { assertUsablePublicKey, fingerprint } from '@consilium/protos/identity.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Policy } from './policy.ts'
import type { Site } from './round/site.ts'
import { isSameKey, type Roster } from './store/roster.ts'

export type RosterPolicy = Pick<Policy, 'roster'>

export type RosterKeeper = {
  /** What the coordinator offers now. Throws `roster-mismatch` where it is no roster, or holds another key for this site. */
  offered(sites: readonly RosterSite[]): void
}

/** Brings the pins in line with the policy as it is now, and again whenever the coordinator offers. */
export function openRosterKeeper(options: {
  readonly site: Pick<Site, 'name' | 'store' | 'emit'>
  /** This site's own key, 32 bytes. */
  readonly publicKey: Uint8Array
  readonly readPolicy: () => RosterPolicy
}): RosterKeeper {
  const { site, publicKey, readPolicy } = options
  const { roster } = site.store
  pinByPolicy(roster, site.name, readPolicy())
  return {
    offered(sites) {
      checkOffer(sites)
      const fresh = roster.offered(sites).filter((entry) => entry.site !== site.name)
      const before = new Map(fresh.map((entry) => [entry.site, roster.pinned(entry.site)]))
      pinByPolicy(roster, site.name, readPolicy())
      const changes = fresh
        .filter((entry) => !isSameKey(entry.publicKey, before.get(entry.site)))
        .map((entry) => ({
          site: entry.site,
          fingerprint: fingerprint(entry.publicKey),
          state: stateOf(entry, roster.pinned(entry.site)),
        }))
      if (changes.length > 0) site.emit({ type: 'roster-changed', sites: changes })
      checkOwn(sites, site.name, publicKey)
    },
  }
}

export type RosterLine = {
  readonly site: SiteName
  /** Of the key this site trusts; where there is none yet, of the one that is offered. */
  readonly fingerprint: string
  /** `changed`: pinned, and the coordinator offers another key. `revoked`: pinned, and the coordinator sent it away. */
  readonly state: 'self' | 'pinned' | 'offered' | 'changed' | 'revoked'
  /** What the coordinator offers, where it differs. */
  readonly offered?: string
  readonly by?: 'person' | 'policy'
  readonly account?: string
  readonly at?: string
  /** ISO 8601; while nobody here pinned the key again. */
  readonly revokedAt?: string
}

/** Every site that is pinned or offered, and this one, by name. */
export function rosterLines(roster: Roster, self: RosterSite): RosterLine[] {
  const offers = new Map(roster.offers().map(({ site, publicKey }) => [site, publicKey]))
  const pins = new Map(roster.pins().map((pin) => [pin.site, pin]))
  const names = [...new Set([self.site, ...pins.keys(), ...offers.keys()])].sort()
  return names.map((site): RosterLine => {
    const offer = offers.get(site)
    const pin = pins.get(site)
    const trusted = site === self.site ? self.publicKey : pin?.publicKey
    if (!trusted) return { site, fingerprint: fingerprint(offer!), state: 'offered' }
    const differs = offer && !isSameKey(offer, trusted) ? { offered: fingerprint(offer) } : undefined
    const line = { site, fingerprint: fingerprint(trusted), ...differs }
    if (site === self.site || !pin) return { ...line, state: 'self' }
    const { by, account, at } = pin
    const revokedAt = roster.revokedAt(trusted)
    const state = differs ? 'changed' : revokedAt ? 'revoked' : 'pinned'
    return { ...line, state, by, account, at, ...(revokedAt && { revokedAt }) }
  })
}

/**
 * A person pins the key that is offered for `site`, whose fingerprint they have compared out of band. Throws `not-found`
 * where none is offered, `roster-mismatch` where another one is, or policy.yaml names another.
 */
export function approveSite(
  roster: Roster,
  { site, fingerprint: compared, account }: { site: SiteName; fingerprint: string; account: string },
  policy: RosterPolicy,
): void {
  const offer = roster.offers().find((entry) => entry.site === site)
  if (!offer)
    throw new FederationError('not-found', `the coordinator offers no key for ${site}: see site-agent roster list`)
  const offered = fingerprint(offer.publicKey)
  if (offered !== compared)
    throw new FederationError(
      'roster-mismatch',
      `the coordinator offers ${offered} for ${site}, not ${compared}: if ${site} itself reads out ${compared}, somebody puts another key in its place, so approve nothing and tell the other sites`,
    )
  const named = namedBy(policy, site)
  if (named !== undefined && named !== compared)
    throw new FederationError('roster-mismatch', `policy.yaml names ${named} for ${site}: change it there first`)
  const isTrusted = isSameKey(offer.publicKey, roster.pinned(site)) && !roster.revokedAt(offer.publicKey)
  if (!isTrusted) roster.pin(offer, { by: 'person', account })
}

/** Throws `not-found` where no key of `site` is pinned, `permission-denied` where the policy would pin it again. */
export function removeSite(roster: Roster, site: SiteName, account: string, policy: RosterPolicy): void {
  if (!roster.pinned(site))
    throw new FederationError('not-found', `no key of ${site} is pinned here: see site-agent roster list`)
  if (namedBy(policy, site) !== undefined)
    throw new FederationError('permission-denied', `policy.yaml names ${site}: take it out there first`)
  roster.unpin(site, { by: 'person', account })
}

/** The policy is a decision of this site's people: a pin that contradicts it goes, and what it names is pinned. */
function pinByPolicy(roster: Roster, self: SiteName, policy: RosterPolicy): void {
  const byPolicy = { by: 'policy', account: '' } as const
  const isNamed = ({ site, publicKey }: RosterSite) => namedBy(policy, site) === fingerprint(publicKey)
  for (const pin of roster.pins())
    if (namedBy(policy, pin.site) !== undefined && !isNamed(pin)) roster.unpin(pin.site, byPolicy)
  for (const offer of roster.offers())
    if (offer.site !== self && isNamed(offer) && !roster.pinned(offer.site)) roster.pin(offer, byPolicy)
}

/** The fingerprint that the policy gives for a site; `constructor` is a name like any other. */
function namedBy({ roster: { sites } }: RosterPolicy, site: SiteName): string | undefined {
  return Object.hasOwn(sites, site) ? sites[site] : undefined
}

/** Each site once, each with a key of its own that signatures cannot be forged under. */
function checkOffer(sites: readonly RosterSite[]): void {
  const keys = new Set(sites.map(({ publicKey }) => Buffer.from(publicKey).toString('hex')))
  if (new Set(sites.map(({ site }) => site)).size !== sites.length || keys.size !== sites.length)
    throw new FederationError('roster-mismatch', 'the coordinator offers a roster with the same site or key twice')
  for (const { publicKey } of sites) assertUsablePublicKey(publicKey)
}

function checkOwn(sites: readonly RosterSite[], name: SiteName, publicKey: Uint8Array): void {
  const own = sites.find(({ site }) => site === name)
  if (own && isSameKey(publicKey, own.publicKey)) return
  const offered = own ? `holds ${fingerprint(own.publicKey)} for this site` : 'does not hold this site'
  throw new FederationError(
    'roster-mismatch',
    `the roster of the coordinator ${offered}, whose key is ${fingerprint(publicKey)}: the other sites would trust a key that is not this site's. Tell them`,
  )
}

function stateOf(offer: RosterSite, pinned: Uint8Array | undefined): 'pinned' | 'offered' | 'changed' {
  if (!pinned) return 'offered'
  return isSameKey(offer.publicKey, pinned) ? 'pinned' : 'changed'
}
