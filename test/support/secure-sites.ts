/**
 * An honest site of secure rounds in plain functions: it answers every message of the coordinator as an agent does, keeps
 * its secrets by plan, and says the very same again when it is asked again. It has no transport, no disk and no checks of
 * its own beyond what the arithmetic throws.
 *
 * `advertise(plan)`, `shareKeys(directory)`, `mask(shares, words)` (one Int32Array for each of `plan.secure.vectors`;
 * `bytes` is the upload, `masked` its header), `complain(of)`, `confirm(survivors)`, `unmask(planHash)`.
 */
import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan, type SecureRound } from '@consilium/protos/plan/round-plan.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import {
  type AgreementKeyPair,
  agree,
  channelKey,
  generateAgreementKeys,
  pairSeed,
} from '@consilium/protos/secagg/keys.ts'
import { siteMasks } from '@consilium/protos/secagg/mask.ts'
import { addMasks } from '@consilium/protos/secagg/mask-stream.ts'
import type {
  Advertise,
  Complaint,
  Confirm,
  Directory,
  MaskedInput,
  ShareKeysMessage,
  Shares,
  SumNotVerified,
  Survivors,
  Unmask,
  Verified,
  VerifySum,
} from '@consilium/protos/secagg/messages.ts'
import { dealShares, type HeldShare, openShare } from '@consilium/protos/secagg/sealed-share.ts'
import { emptyLedgerHead, type LedgerPosition, nextLedgerHead } from '@consilium/protos/secagg/session-ledger.ts'
import {
  advertisedBody,
  advertiseMessage,
  complaintMessage,
  confirmMessage,
  inputMessage,
  messageHash,
  type SignedMessage,
  shareKeysMessage,
  unmaskMessage,
  verdictMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { addHeader, groupSecret, type SumTagger, sumTagger, withTags } from '@consilium/protos/secagg/sum-tags.ts'
import { sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { rosterHash, sessionId, sharersHash, survivorsHash, uploadRoot } from '@consilium/protos/secagg/transcript.ts'
import { sharesToReveal } from '@consilium/protos/secagg/unmask.ts'
import { isTagged, liftOf } from '@consilium/protos/secagg/vectors.ts'

export type SecureSite = {
  readonly name: string
  readonly identity: Identity
  /** The words of `plan.secure.roster` for this site. */
  readonly publicKeyBase64: string
  advertise(plan: RoundPlan): Advertise
  shareKeys(directory: Directory): ShareKeysMessage
  mask(
    shares: Shares,
    words: readonly Int32Array[],
  ): { readonly bytes: Uint8Array; readonly sha256: Sha256; readonly masked: MaskedInput }
  complain(planHash: Sha256, against: number): Complaint
  confirm(survivors: Survivors): Confirm
  unmask(planHash: Sha256): Unmask
  /** Its word on a sum, which it takes on trust. */
  verify(sum: VerifySum, type?: 'verified' | 'sum-not-verified'): Verified | SumNotVerified
  /** All it knows of the session, its secrets included. */
  session(planHash: Sha256): Session | undefined
}

/** What a site knows of one session; each message adds to it. */
export type Session = {
  readonly plan: RoundPlan
  readonly secure: SecureRound
  readonly index: number
  readonly channel: AgreementKeyPair
  readonly mask: AgreementKeyPair
  readonly selfSeed: Uint8Array
  /** g: this site's part of the group secret. */
  readonly group: Uint8Array
  /** G, once its parts are here. */
  groupSecret?: Uint8Array
  readonly held: Map<number, HeldShare>
  advertised?: Advertise
  sid?: Uint8Array
  directory?: Directory
  shared?: ShareKeysMessage
  sharers?: readonly number[]
  u2Hash?: Uint8Array
  u3Hash?: Uint8Array
  survivors?: readonly number[]
}

export function secureSite(name: string, identity: Identity = generateIdentity()): SecureSite {
  const key = signingKey(identity)
  const sessions = new Map<Sha256, Session>()
  let ledger: LedgerPosition = { epoch: 1, number: 0, head: emptyLedgerHead }
  const sessionOf = (plan: Sha256): Session => {
    const session = sessions.get(plan)
    if (!session) throw new Error(`${name} has advertised nothing for this plan`)
    return session
  }
  return {
    name,
    identity,
    publicKeyBase64: Buffer.from(identity.publicKey).toString('base64'),
    advertise(plan) {
      const hash = planHash(plan)
      const session = sessions.get(hash) ?? newSession(name, plan)
      sessions.set(hash, session)
      if (!session.advertised) {
        ledger = nextLedger(ledger, hash)
        session.advertised = advertise(key, name, session, hash, ledger)
      }
      return session.advertised
    },
    shareKeys(directory) {
      const session = sessionOf(directory.planHash)
      session.shared ??= shareKeys(key, session, directory)
      return session.shared
    },
    mask: (shares, words) => mask(key, sessionOf(shares.planHash), shares, words),
    complain(plan, against) {
      const { sid, index } = sessionOf(plan)
      const reason = 'share-does-not-open'
      const signature = signMessage(key, complaintMessage(sid!, index, against, reason))
      return { type: 'complaint', planHash: plan, against, reason, signature }
    },
    confirm(survivors) {
      const session = sessionOf(survivors.planHash)
      session.survivors = survivors.survivors.map(({ index }) => index)
      session.u3Hash = survivorsHash(session.sid!, session.u2Hash!, survivors.survivors)
      const head = Buffer.from(survivors.logHead.root, 'hex')
      const signature = signMessage(key, confirmMessage(session.u3Hash, head))
      return { type: 'confirm', planHash: survivors.planHash, signature }
    },
    unmask(plan) {
      const { sid, index, u3Hash, sharers, survivors, held } = sessionOf(plan)
      const revealed = sharesToReveal(sharers!, survivors!, held)
      const signature = signMessage(key, unmaskMessage(sid!, u3Hash!, index, revealed))
      return { type: 'unmask', planHash: plan, revealed, signature }
    },
    verify({ planHash: hash, sums, made }, type = 'verified') {
      const { run, purpose } = sessionOf(hash).plan
      const judged = { planHash: hash, sums, made }
      return { type, ...judged, signature: signMessage(key, verdictMessage(type, { run, purpose, ...judged })) }
    },
    session: (plan) => sessions.get(plan),
  }
}

function newSession(name: string, plan: RoundPlan): Session {
  const { secure } = plan
  if (!secure) throw new Error('this plan is of no secure round')
  const [channel, mask] = [generateAgreementKeys(), generateAgreementKeys()]
  const selfSeed = new Uint8Array(createHash('sha256').update(mask.secretKey).digest())
  const group = new Uint8Array(createHash('sha256').update(selfSeed).digest())
  return { plan, secure, index: plan.cohort.indexOf(name) + 1, channel, mask, selfSeed, group, held: new Map() }
}

function nextLedger({ epoch, number, head }: LedgerPosition, hash: Sha256): LedgerPosition {
  const next = { epoch, number: number + 1 }
  return { ...next, head: nextLedgerHead(head, next, Buffer.from(hash, 'hex')) }
}

function advertise(key: KeyObject, name: string, session: Session, hash: Sha256, ledger: LedgerPosition): Advertise {
  const { index, channel, mask, plan } = session
  const body = advertisedBody({
    index,
    channelKey: channel.publicKey,
    maskKey: mask.publicKey,
    nonce: mask.publicKey.slice(0, 16),
    modelHash: Buffer.from(plan.model, 'hex'),
    ledger,
    ...(plan.attempt && {
      previousAttempt: { planHash: Buffer.from(plan.attempt.after, 'hex'), released: false },
    }),
  })
  const signature = signMessage(key, advertiseMessage(Buffer.from(hash, 'hex'), name, body))
  return { type: 'advertise', planHash: hash, body, signature }
}

function shareKeys(key: KeyObject, session: Session, directory: Directory): ShareKeysMessage {
  const { plan, secure, index, channel } = session
  const roster = plan.cohort.map((name, i) => {
    return { index: i + 1, name, publicKey: Buffer.from(secure.roster[i]!, 'base64') }
  })
  const sid = sessionId(Buffer.from(directory.planHash, 'hex'), rosterHash(roster), directory.sites)
  const sites = directory.sites.map((site) => {
    if (site.index === index) return { index }
    const shared = agree(channel.secretKey, readAdvertisement(site.body).channelKey)
    return { index: site.index, channelKey: channelKey(shared, sid, index, site.index) }
  })
  const { threshold } = sessionThresholds(sites.length, secure)
  const { mask, selfSeed, group } = session
  const { own, ...dealt } = dealShares({ sid, index, maskSecretKey: mask.secretKey, selfSeed, group, threshold, sites })
  session.sid = sid
  session.directory = directory
  session.held.set(index, own)
  const signature = signMessage(key, shareKeysMessage(sid, index, dealt, dealt.rows))
  return { type: 'share-keys', planHash: directory.planHash, ...dealt, signature }
}

function mask(key: KeyObject, session: Session, shares: Shares, words: readonly Int32Array[]) {
  const { sid, index, secure, channel, selfSeed, directory } = session
  const u2Hash = sharersHash(sid!, shares.sharers)
  session.u2Hash = u2Hash
  session.sharers = shares.sharers.map((sharer) => sharer.index)
  const keys = new Map(directory!.sites.map((site) => [site.index, readAdvertisement(site.body)]))
  const pairs = new Map<number, Uint8Array>()
  const groups = new Map([[index, session.group]])
  for (const row of shares.received) {
    const from = row.index
    if (from === index) continue
    const shared = agree(channel.secretKey, keys.get(from)!.channelKey)
    const { held, complaint } = openShare(
      sid!,
      from,
      index,
      channelKey(shared, sid!, from, index),
      row,
      row.groupCommitment,
    )
    if (!held) throw new Error(`the share of site ${from}: ${complaint}`)
    session.held.set(from, held)
    groups.set(from, held.group)
    const agreed = agree(session.mask.secretKey, keys.get(from)!.maskKey)
    pairs.set(from, pairSeed(agreed, sid!, index, from))
  }
  const G = groupSecret([...groups].sort(([a], [b]) => a - b).map(([of, part]) => ({ index: of, part })))
  session.groupSecret = G
  const tagged = isTagged(session.plan.purpose) ? withSumTags(words, secure, sumTagger(G, sid!)) : words
  const parts = secure.vectors.map(({ name, words: length }, i) => {
    const masked = tagged[i]!.slice()
    if (masked.length !== length) throw new Error(`${name} has ${length} words, not ${masked.length}`)
    addMasks(masked, siteMasks({ index, self: selfSeed, pairs }, name, u2Hash), 0)
    return { name, bytes: new Uint8Array(masked.buffer) }
  })
  const hashes = parts.map(({ name, bytes }) => ({ name, sha256: createHash('sha256').update(bytes).digest() }))
  const root = uploadRoot(sid!, index, hashes)
  const signature = signMessage(key, inputMessage(sid!, u2Hash, index, root))
  const bytes = new Uint8Array(Buffer.concat(parts.map((part) => part.bytes)))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { bytes, sha256, masked: { root, vectorHashes: hashes.map((hash) => hash.sha256), signature } }
}

/** The vectors with the tags of their sum in the header. */
function withSumTags(words: readonly Int32Array[], { vectors }: SecureRound, tagger: SumTagger): Int32Array[] {
  const [header, ...contents] = words
  addHeader(tagger, header!)
  contents.forEach((content, i) => {
    tagger.add(content, liftOf(vectors[i + 1]!.name))
  })
  return [withTags(header!, tagger.tags()), ...contents]
}

/** Node signs twenty times as fast as tweetnacl does; the signatures are the same. */
function signingKey({ seed }: Identity): KeyObject {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

function signMessage(key: KeyObject, message: SignedMessage): Uint8Array {
  return sign(null, Buffer.concat([Buffer.from(`fedsum/v1/sig/${message.type}\0`), messageHash(message)]), key)
}
