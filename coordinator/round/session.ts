/**
 * A secure round's session as it grows from phase to phase (fedsum, section A.3): what sites advertised (U1), shared (U2),
 * uploaded (U3), confirmed and revealed. Everything in it stands in the run's event log or in an object that the log names.
 */
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan, SecureRound } from '@consilium/protos/plan/round-plan.ts'
import type { Advertised, Confirmation, MaskedInput, Sharer, Survivor } from '@consilium/protos/secagg/messages.ts'
import type { Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import {
  type RosterEntry,
  rosterHash,
  sessionId,
  sharersHash,
  survivorsHash,
  uploadRoot,
} from '@consilium/protos/secagg/transcript.ts'

/** In advertise-keys. */
export type AdvertisingSession = {
  readonly plan: SecureRound
  /** The cohort with its identities, by index. */
  readonly roster: readonly RosterEntry[]
  /** SHA-256 of the round's global model, which every site must have advertised. */
  readonly model: Sha256
  readonly advertised: ReadonlyMap<SiteName, { readonly body: Uint8Array; readonly signature: Uint8Array }>
}

/** In share-keys: U1 is fixed. */
export type SharingSession = AdvertisingSession & {
  readonly sid: Uint8Array
  readonly thresholds: Thresholds
  /** U1, in the order of their indices. */
  readonly advertisers: readonly SiteName[]
  readonly shared: ReadonlyMap<SiteName, StoredMessage>
}

/** A signed message whose whole is an object: JSON is too wide for it. */
export type StoredMessage = {
  /** H(type, parts): what the signature covers. */
  readonly hash: Uint8Array
  readonly signature: Uint8Array
  /** Object that holds the message, see `summing/stored-messages.ts`. */
  readonly message: Sha256
}

/** In collect-updates: U2 is fixed. */
export type MaskingSession = SharingSession & {
  readonly u2Hash: Uint8Array
  readonly sharers: readonly SiteName[]
  /** What each site signed when it announced its upload. */
  readonly inputs: ReadonlyMap<SiteName, MaskedInput>
}

/** In confirm-survivors: U3 is fixed. */
export type ConfirmingSession = MaskingSession & {
  readonly u3Hash: Uint8Array
  readonly survivors: readonly SiteName[]
  readonly logHead: LogHead
  readonly confirmed: ReadonlyMap<SiteName, Uint8Array>
}

/** In unmask, and in commit with a threshold of releases. */
export type UnmaskingSession = ConfirmingSession & {
  readonly revealed: ReadonlyMap<SiteName, StoredMessage>
}

/** A message as its event names it. */
export function storedMessage(event: {
  readonly hash: Sha256
  readonly signature: string
  readonly message: Sha256
}): StoredMessage {
  return { hash: Buffer.from(event.hash, 'hex'), signature: fromBase64(event.signature), message: event.message }
}

/** The session of a plan before anybody advertised; undefined in sealed mode. */
export function advertisingSession({ secure, cohort, model }: RoundPlan): AdvertisingSession | undefined {
  if (!secure) return undefined
  const roster = cohort.map((name, i) => ({ index: i + 1, name, publicKey: fromBase64(secure.roster[i]!) }))
  return { plan: secure, roster, model, advertised: new Map() }
}

/** A site's index and identity; the site must be in the cohort. */
export function rosterEntry({ roster }: AdvertisingSession, site: SiteName): RosterEntry {
  return roster.find(({ name }) => name === site)!
}

/** The directory: what these sites advertised, by index. */
export function directoryOf(session: AdvertisingSession, sites: readonly SiteName[]): Advertised[] {
  return inOrder(session, sites, session.advertised)
}

export function sidOf(session: AdvertisingSession, planHash: Sha256, sites: readonly SiteName[]): Uint8Array {
  return sessionId(Buffer.from(planHash, 'hex'), rosterHash(session.roster), directoryOf(session, sites))
}

/** U2 as every site is shown it: whose ShareKeys are here, with the hash and signature of each. */
export function sharersOf(session: SharingSession, sites: readonly SiteName[]): Sharer[] {
  return inOrder(session, sites, session.shared).map(({ index, hash, signature }) => {
    return { index, shareKeysHash: hash, signature }
  })
}

export function u2HashOf(session: SharingSession, sites: readonly SiteName[]): Uint8Array {
  return sharersHash(session.sid, sharersOf(session, sites))
}

/** U3 as every site is shown it: the root and signature that each of these sites announced its upload with. */
export function survivorListOf(session: MaskingSession, sites: readonly SiteName[]): Survivor[] {
  return inOrder(session, sites, session.inputs).map(({ index, root, signature }) => ({ index, root, signature }))
}

export function u3HashOf(session: MaskingSession, sites: readonly SiteName[]): Uint8Array {
  return survivorsHash(session.sid, session.u2Hash, survivorListOf(session, sites))
}

/** The confirmations so far, by index. */
export function confirmationsOf(session: ConfirmingSession): Confirmation[] {
  const signed = new Map([...session.confirmed].map(([site, signature]) => [site, { signature }]))
  return inOrder(session, session.survivors, signed)
}

/** The root that a site's masked vectors have, by their hashes in the plan's order. */
export function uploadRootOf(
  { sid, plan }: MaskingSession,
  index: number,
  vectorHashes: readonly Uint8Array[],
): Uint8Array {
  const vectors = plan.vectors.map(({ name }, i) => ({ name, sha256: vectorHashes[i] ?? new Uint8Array() }))
  return uploadRoot(sid, index, vectors)
}

export function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** What the sites said, with their indices and in their order; a site that said nothing is left out. */
function inOrder<Said extends object>(
  { roster }: AdvertisingSession,
  sites: readonly SiteName[],
  said: ReadonlyMap<SiteName, Said>,
): (Said & { readonly index: number })[] {
  return roster.flatMap(({ name, index }) => {
    const what = sites.includes(name) ? said.get(name) : undefined
    return what ? [{ ...what, index }] : []
  })
}
