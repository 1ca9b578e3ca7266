/**
 * One secure round as an auditor follows it (fedsum, section A.3): every hash worked out anew from what the sites signed,
 * every signature verified under the roster, and no share that U2 and U3 do not call for. It trusts no field of an event
 * that it can derive.
 */
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan, SecureRound } from '@consilium/protos/plan/round-plan.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import type { ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import {
  advertiseMessage,
  complaintMessage,
  confirmMessage,
  inputMessage,
  messageHash,
  type SignedMessage,
  shareKeysMessage,
  unmaskMessage,
  verifyMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { sessionThresholds, type Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import {
  type RosterEntry,
  rosterHash,
  sessionId,
  sharersHash,
  survivorsHash,
  uploadRoot,
} from '@consilium/protos/secagg/transcript.ts'
import type { EventOf, RoundEvent } from '../round/events.ts'
import { fromBase64, hex, present, require } from './refuse.ts'

/** What a round came to, as the table of a report shows it. */
export type SecureCounts = {
  /** |U1|, |U2|, |U3|; 0 for a set that was never fixed. */
  readonly advertised: number
  readonly shared: number
  readonly survivors: number
  readonly confirmations: number
  readonly releases: number
  /** t; 0 before the directory was fixed. */
  readonly threshold: number
}

export type SecureRoundAudit = {
  /** `message` is what an event of a stored message names; `rootAt` gives the log's root at a size below this entry. */
  take(event: RoundEvent, given: Given): void
  /** Throws `log-broken` where the round could not have been committed. */
  checkCommitted(): void
  counts(): SecureCounts
}

export type Given = {
  readonly message: ShareKeysMessage | Unmask | undefined
  checkHead(head: LogHead): void
}

export function auditSecureRound(
  plan: RoundPlan & { readonly secure: SecureRound },
  planHash: string,
): SecureRoundAudit {
  const sites = plan.cohort.map((name, i): RosterEntry => {
    return {
      index: i + 1,
      name,
      publicKey: fromBase64(present(plan.secure.roster[i], `${name} has no key in the plan`)),
    }
  })
  const round: Round = {
    plan,
    planHash: Buffer.from(planHash, 'hex'),
    sites,
    advertised: new Map(),
    shared: new Map(),
    roots: new Map(),
    received: new Set(),
    confirmed: new Set(),
    released: new Set(),
  }
  return {
    take: (event, given) => take(round, event, given),
    checkCommitted() {
      const { confirmed, released } = round
      const { threshold } = fixed(round.session, 'a directory').thresholds
      require(round.survivors !== undefined, 'it was committed without survivors')
      require(confirmed.size >= threshold, `${confirmed.size} of ${threshold} survivors confirmed`)
      require(released.size >= threshold, `${released.size} of ${threshold} survivors released their shares`)
    },
    counts: () => ({
      advertised: round.session?.sites.length ?? 0,
      shared: round.sharers?.sites.length ?? 0,
      survivors: round.survivors?.sites.length ?? 0,
      confirmations: round.confirmed.size,
      releases: round.released.size,
      threshold: round.session?.thresholds.threshold ?? 0,
    }),
  }
}

type Round = {
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

function take(round: Round, event: RoundEvent, { message, checkHead }: Given): void {
  switch (event.type) {
    case 'keys-advertised':
      advertised(round, event)
      return
    case 'directory-fixed':
      directoryFixed(round, event)
      return
    case 'keys-shared':
      keysShared(round, event, message)
      return
    case 'sharers-fixed':
      sharersFixed(round, event)
      return
    case 'complaint-received':
      complained(round, event)
      return
    case 'update-announced':
      announced(round, event)
      return
    case 'update-received':
      require(round.roots.has(event.site), `${event.site} announced no masked update`)
      round.received.add(event.site)
      return
    case 'survivors-fixed':
      survivorsFixed(round, event)
      checkHead(event.logHead)
      return
    case 'survivors-confirmed':
      confirmed(round, event)
      return
    case 'shares-revealed':
      released(round, event, message)
      return
  }
}

function advertised(round: Round, event: EventOf<'keys-advertised'>): void {
  require(round.session === undefined, 'keys were advertised after the directory was fixed')
  const { index, name, publicKey } = siteOf(round, event.site)
  const [body, signature] = [fromBase64(event.body), fromBase64(event.signature)]
  signedBy(name, publicKey, signature, advertiseMessage(round.planHash, name, body), 'its advertised keys')
  const said = readAdvertisement(body)
  require(said.index === index, `${name} advertised as site ${said.index} of the cohort, it is ${index}`)
  require(hex(said.modelHash) === round.plan.model, `${name} advertised keys for another model than the plan's`)
  require(!round.advertised.has(name), `${name} advertised keys twice`)
  round.advertised.set(name, { body, signature })
}

function directoryFixed(round: Round, event: EventOf<'directory-fixed'>): void {
  require(round.session === undefined, 'the directory was fixed twice')
  const sites = listed(round.sites, event.sites, 'U1')
  const directory = sites.map(({ index, name }) => ({
    index,
    ...present(round.advertised.get(name), `${name} is in U1 and advertised nothing`),
  }))
  const sid = sessionId(round.planHash, rosterHash(round.sites), directory)
  require(hex(sid) === event.sid, 'its session is not the one of these advertised keys')
  round.session = { sites, sid, thresholds: sessionThresholds(sites.length, round.plan.secure) }
}

function keysShared(round: Round, event: EventOf<'keys-shared'>, message: Given['message']): void {
  const { sites, sid } = fixed(round.session, 'a directory')
  require(round.sharers === undefined, 'keys were shared after U2 was fixed')
  const { index, name, publicKey } = memberOf(sites, event.site, 'U1')
  require(message?.type === 'share-keys', 'the object it names is no ShareKeys message')
  require(message.planHash === hex(round.planHash), 'its message is for another plan')
  require(message.rows.map((row) => row.index).join() ===
    sites.map((site) => site.index).join(), `${name} did not share its keys with exactly U1`)
  const signed = shareKeysMessage(sid, index, message.selfCommitment, message.rows)
  const hash = messageHash(signed)
  require(hex(hash) === event.hash, 'its hash is not that of the message it names')
  require(hex(message.signature) === hex(fromBase64(event.signature)), 'its signature is not that of the message')
  signedBy(name, publicKey, message.signature, signed, 'its shared keys')
  require(!round.shared.has(name), `${name} shared its keys twice`)
  round.shared.set(name, hash)
}

function sharersFixed(round: Round, event: EventOf<'sharers-fixed'>): void {
  const session = fixed(round.session, 'a directory')
  require(round.sharers === undefined, 'U2 was fixed twice')
  const sites = listed(session.sites, event.sites, 'U2')
  enough(sites, session.thresholds, 'U2')
  const u2Hash = sharersHash(
    session.sid,
    sites.map(({ index, name }) => {
      return { index, shareKeysHash: present(round.shared.get(name), `${name} is in U2 and shared nothing`) }
    }),
  )
  require(hex(u2Hash) === event.u2Hash, 'its U2 hash is not that of these sharers')
  round.sharers = { sites, u2Hash }
}

function complained(round: Round, event: EventOf<'complaint-received'>): void {
  const { sites } = fixed(round.sharers, 'U2')
  const { index, name, publicKey } = memberOf(sites, event.site, 'U2')
  const against = memberOf(sites, event.against, 'U2')
  const message = complaintMessage(fixed(round.session, 'a directory').sid, index, against.index, event.reason)
  signedBy(name, publicKey, fromBase64(event.signature), message, 'its complaint')
}

function announced(round: Round, event: EventOf<'update-announced'>): void {
  const { sid } = fixed(round.session, 'a directory')
  const { sites, u2Hash } = fixed(round.sharers, 'U2')
  const { index, name, publicKey } = memberOf(sites, event.site, 'U2')
  const { root, vectorHashes, signature } = present(event.masked, `${name} announced an update that is not masked`)
  const { vectors } = round.plan.secure
  require(vectorHashes.length === vectors.length, `the plan has ${vectors.length} vectors, not ${vectorHashes.length}`)
  const named = vectors.map((vector, i) => {
    return { name: vector.name, sha256: Buffer.from(vectorHashes[i]!, 'hex') }
  })
  const derived = uploadRoot(sid, index, named)
  require(hex(derived) === root, 'its root is not that of the vectors it names')
  signedBy(name, publicKey, fromBase64(signature), inputMessage(sid, u2Hash, index, derived), 'its masked update')
  require(!round.roots.has(name), `${name} announced two updates`)
  round.roots.set(name, derived)
}

function survivorsFixed(round: Round, event: EventOf<'survivors-fixed'>): void {
  const { sid, thresholds } = fixed(round.session, 'a directory')
  const sharers = fixed(round.sharers, 'U2')
  require(round.survivors === undefined, 'U3 was fixed twice')
  const sites = listed(sharers.sites, event.sites, 'U3')
  enough(sites, thresholds, 'U3')
  const roots = sites.map(({ index, name }) => {
    require(round.received.has(name), `${name} is in U3 and its update never arrived`)
    return { index, root: present(round.roots.get(name), `${name} announced nothing`) }
  })
  const u3Hash = survivorsHash(sid, sharers.u2Hash, roots)
  require(hex(u3Hash) === event.u3Hash, 'its U3 hash is not that of these survivors')
  round.survivors = { sites, u3Hash, root: Buffer.from(event.logHead.root, 'hex') }
}

function confirmed(round: Round, event: EventOf<'survivors-confirmed'>): void {
  const { sites, u3Hash, root } = fixed(round.survivors, 'U3')
  const { name, publicKey } = memberOf(sites, event.site, 'U3')
  signedBy(name, publicKey, fromBase64(event.signature), confirmMessage(u3Hash, root), 'its confirmation')
  require(!round.confirmed.has(name), `${name} confirmed twice`)
  round.confirmed.add(name)
}

/** Exactly one share of each sharer: of the self-mask seed where it survived, of the mask key where it did not. */
function released(round: Round, event: EventOf<'shares-revealed'>, message: Given['message']): void {
  const { sid, thresholds } = fixed(round.session, 'a directory')
  const { sites, u3Hash } = fixed(round.survivors, 'U3')
  const { index, name, publicKey } = memberOf(sites, event.site, 'U3')
  const { size } = round.confirmed
  require(size >= thresholds.threshold, `shares were released on ${size} of ${thresholds.threshold} confirmations`)
  require(message?.type === 'unmask', 'the object it names is no Unmask message')
  require(message.planHash === hex(round.planHash), 'its message is for another plan')
  const alive = new Set(sites.map((site) => site.index))
  const due = fixed(round.sharers, 'U2').sites.map((site) => `${alive.has(site.index) ? 'b' : 's'} of ${site.index}`)
  const said = message.revealed.map((one) => `${one.kind} of ${one.index}`)
  require(said.join() === due.join(), `${name} released the shares ${said.join(', ')}; due were ${due.join(', ')}`)
  const signed = unmaskMessage(sid, u3Hash, index, message.revealed)
  require(hex(messageHash(signed)) === event.hash, 'its hash is not that of the message it names')
  require(hex(message.signature) === hex(fromBase64(event.signature)), 'its signature is not that of the message')
  signedBy(name, publicKey, message.signature, signed, 'its released shares')
  require(!round.released.has(name), `${name} released shares twice`)
  round.released.add(name)
}

function siteOf(round: Round, site: SiteName): RosterEntry {
  return memberOf(round.sites, site, 'the cohort')
}

function memberOf(sites: readonly RosterEntry[], site: SiteName, of: string): RosterEntry {
  return present(
    sites.find(({ name }) => name === site),
    `${site} is not in ${of}`,
  )
}

/** The named sites in the order of their indices, each of which is in the set before. */
function listed(before: readonly RosterEntry[], named: readonly SiteName[], which: string): RosterEntry[] {
  const sites = before.filter(({ name }) => named.includes(name))
  require(sites.map(({ name }) => name).join() === named.join(), `${which} is not part of the set before, in its order`)
  return sites
}

function enough(sites: readonly RosterEntry[], { survivorsMin }: Thresholds, which: string): void {
  require(sites.length >= survivorsMin, `${which} has ${sites.length} sites, ${survivorsMin} are needed`)
}

function signedBy(
  name: SiteName,
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: SignedMessage,
  what: string,
): void {
  require(verifyMessage(publicKey, signature, message), `${name} did not sign ${what}`)
}

function fixed<T>(value: T | undefined, what: string): T {
  return present(value, `it comes before ${what} was fixed`)
}
