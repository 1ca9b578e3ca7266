/** A secure round's session as an auditor gathers it, and what every check of it asks: who is in which set, who signed what. */
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan, SecureRound } from '@consilium/protos/plan/round-plan.ts'
import type { ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import { type SignedMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { RosterEntry } from '@consilium/protos/secagg/transcript.ts'
import { present, require } from './refuse.ts'

/** What an event alone does not hold. */
export type Given = {
  /** The message that the event names, if it names one. */
  readonly message: ShareKeysMessage | Unmask | undefined
  /** Throws `log-broken` for a head that the log below this entry never had. */
  checkHead(head: LogHead): void
}

export type SessionAudit = {
  readonly plan: RoundPlan & { readonly secure: SecureRound }
  readonly planHash: Uint8Array
  /** The cohort with its keys, by index. */
  readonly sites: readonly RosterEntry[]
  readonly advertised: Map<SiteName, { readonly body: Uint8Array; readonly signature: Uint8Array }>
  /** Hash of each site's ShareKeys. */
  readonly shared: Map<SiteName, Uint8Array>
  /** Roots of what was announced. */
  readonly roots: Map<SiteName, Uint8Array>
  readonly received: Set<SiteName>
  readonly confirmed: Set<SiteName>
  readonly released: Set<SiteName>
  /** U1. */
  session?: { readonly sites: readonly RosterEntry[]; readonly sid: Uint8Array; readonly thresholds: Thresholds }
  /** U2. */
  sharers?: { readonly sites: readonly RosterEntry[]; readonly u2Hash: Uint8Array }
  /** U3. */
  survivors?: { readonly sites: readonly RosterEntry[]; readonly u3Hash: Uint8Array; readonly root: Uint8Array }
}

export function siteOf(round: SessionAudit, site: SiteName): RosterEntry {
  return memberOf(round.sites, site, 'the cohort')
}

export function memberOf(sites: readonly RosterEntry[], site: SiteName, of: string): RosterEntry {
  return present(
    sites.find(({ name }) => name === site),
    `${site} is not in ${of}`,
  )
}

/** The named sites in the order of their indices, each of which is in the set before. */
export function listed(before: readonly RosterEntry[], named: readonly SiteName[], which: string): RosterEntry[] {
  const sites = before.filter(({ name }) => named.includes(name))
  require(sites.map(({ name }) => name).join() === named.join(), `${which} is not part of the set before, in its order`)
  return sites
}

export function enough(sites: readonly RosterEntry[], { survivorsMin }: Thresholds, which: string): void {
  require(sites.length >= survivorsMin, `${which} has ${sites.length} sites, ${survivorsMin} are needed`)
}

export function signedBy(
  name: SiteName,
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: SignedMessage,
  what: string,
): void {
  require(verifyMessage(publicKey, signature, message), `${name} did not sign ${what}`)
}

export function fixed<T>(value: T | undefined, what: string): T {
  return present(value, `it comes before ${what} was fixed`)
}
