/**
 * What a site signs in each phase of a secure round (fedsum, section A.3): the parts of each signature, in one place, so
 * that both ends sign and verify the same bytes. A signature of one kind never verifies as another.
 */
import { FederationError } from '../errors.ts'
import { labelledHash } from '../hash.ts'
import { type Identity, sign, verifySignature } from '../identity.ts'
import type { Purpose, RunId, Sha256 } from '../plan/names.ts'
import { encodeLedger, type LedgerPosition } from './session-ledger.ts'
import { assertAscending, exactly, type ShareKind, siteIndexBytes } from './transcript.ts'

export type SignedMessage = { readonly type: string; readonly parts: readonly Uint8Array[] }

export function signMessage(identity: Identity, { type, parts }: SignedMessage): Uint8Array {
  return sign(identity, type, ...parts)
}

/** Never throws: a malformed key or signature verifies nothing. */
export function verifyMessage(publicKey: Uint8Array, signature: Uint8Array, { type, parts }: SignedMessage): boolean {
  return verifySignature(publicKey, signature, type, ...parts)
}

/** The hash that the signature covers; that of ShareKeys stands for the message in U2. */
export function messageHash({ type, parts }: SignedMessage): Uint8Array {
  return labelledHash(type, ...parts)
}

export type Advertisement = {
  readonly index: number
  /** X25519, for sealed shares. */
  readonly channelKey: Uint8Array
  /** X25519, for pairwise masks. */
  readonly maskKey: Uint8Array
  /** 16 random bytes. */
  readonly nonce: Uint8Array
  /** SHA-256 of the global model this site trained from. */
  readonly modelHash: Uint8Array
  /** Where the ledger of the site's sessions stands with this one. */
  readonly ledger: LedgerPosition
  /** In a further attempt: the plan before it, for which this site revealed no share and never will (E.4). */
  readonly previousAttempt?: { readonly planHash: Uint8Array; readonly released: boolean }
}

/** u16(index) || channel key || mask key || nonce || modelHash || ledger, then what is optional, under a tag byte. */
export function advertisedBody(advertised: Advertisement): Uint8Array {
  const { index, channelKey, maskKey, nonce, modelHash, ledger, previousAttempt } = advertised
  return Buffer.concat([
    siteIndexBytes(index),
    exactly(32, channelKey, 'a channel key'),
    exactly(32, maskKey, 'a mask key'),
    exactly(16, nonce, 'a nonce'),
    exactly(32, modelHash, 'a model hash'),
    encodeLedger(ledger),
    ...(previousAttempt
      ? [
          Uint8Array.of(2),
          exactly(32, previousAttempt.planHash, 'a plan hash'),
          Uint8Array.of(+previousAttempt.released),
        ]
      : []),
  ])
}

/** Advertise: the body bound to the plan and to the site's name in the roster. */
export function advertiseMessage(planHash: Uint8Array, siteName: string, body: Uint8Array): SignedMessage {
  return { type: 'advertise', parts: [exactly(32, planHash, 'a plan hash'), Buffer.from(siteName), body] }
}

export type SharedTo = {
  readonly index: number
  /** Commitment to the recipient's share of the mask key. */
  readonly keyCommitment: Uint8Array
  /** Commitment to the recipient's share of the self-mask seed. */
  readonly selfCommitment: Uint8Array
  /** The sealed share; empty for the sender itself, who keeps its own. */
  readonly sealed: Uint8Array
}

/** What a site commits to, to all, when it shares its keys. */
export type KeyCommitments = {
  /** To its self-mask seed. */
  readonly selfCommitment: Uint8Array
  /** To its part of the group secret. */
  readonly groupCommitment: Uint8Array
}

/** ShareKeys: sid, sender, its two commitments, and a row for every site that advertised, itself included. */
export function shareKeysMessage(
  sid: Uint8Array,
  index: number,
  { selfCommitment, groupCommitment }: KeyCommitments,
  rows: readonly SharedTo[],
): SignedMessage {
  assertAscending(rows)
  return {
    type: 'sharekeys',
    parts: [
      exactly(32, sid, 'a session'),
      siteIndexBytes(index),
      exactly(32, selfCommitment, 'a commitment'),
      exactly(32, groupCommitment, 'a commitment'),
      ...rows.map((row) =>
        Buffer.concat([
          siteIndexBytes(row.index),
          exactly(32, row.keyCommitment, 'a commitment'),
          exactly(32, row.selfCommitment, 'a commitment'),
          exactly(row.index === index ? 0 : sealedShareBytes, row.sealed, 'a sealed share'),
        ]),
      ),
    ],
  }
}

/** Nonce 24, tag 16, two shares and a part of the group secret of 32 each. */
export const sealedShareBytes = 136

/** Header of an upload: this site's masked vectors, under these sharers. */
export function inputMessage(sid: Uint8Array, u2Hash: Uint8Array, index: number, root: Uint8Array): SignedMessage {
  const [session, sharers] = [exactly(32, sid, 'a session'), exactly(32, u2Hash, 'a hash')]
  return { type: 'input', parts: [session, sharers, siteIndexBytes(index), exactly(32, root, 'an upload root')] }
}

/** Confirm: the one survivor set this site helps to unmask, and the head of the audit log it was shown. */
export function confirmMessage(u3Hash: Uint8Array, auditHead: Uint8Array): SignedMessage {
  return { type: 'confirm', parts: [exactly(32, u3Hash, 'a hash'), exactly(32, auditHead, 'the head of a log')] }
}

export type Revealed = { readonly index: number; readonly kind: ShareKind; readonly share: Uint8Array }

/** Unmask: for every sharer the one share that this site reveals. */
export function unmaskMessage(
  sid: Uint8Array,
  u3Hash: Uint8Array,
  index: number,
  revealed: readonly Revealed[],
): SignedMessage {
  assertAscending(revealed)
  return {
    type: 'unmask',
    parts: [
      exactly(32, sid, 'a session'),
      exactly(32, u3Hash, 'a hash'),
      siteIndexBytes(index),
      ...revealed.map(({ index: of, kind, share }) =>
        Buffer.concat([siteIndexBytes(of), Buffer.from(kind), exactly(32, share, 'a share')]),
      ),
    ],
  }
}

/** What a verdict is about: a sum of a round, and what is said to be made of it. */
export type JudgedSum = {
  readonly run: RunId
  readonly purpose: Purpose
  readonly planHash: Sha256
  readonly sums: Sha256
  readonly made: Sha256
}

/** What a site says of a committed sum: that it is the sum of what was masked and makes this, or that it is not. */
export function verdictMessage(
  type: 'verified' | 'sum-not-verified',
  { run, purpose, planHash, sums, made }: JudgedSum,
): SignedMessage {
  const hashes = [planHash, sums, made].map((hash) => exactly(32, Buffer.from(hash, 'hex'), 'a hash'))
  return { type, parts: [Buffer.from(run), Buffer.from(purpose), ...hashes] }
}

export const complaintReasons = [
  'share-does-not-open',
  'share-differs-from-commitment',
  'group-differs-from-commitment',
] as const
export type ComplaintReason = (typeof complaintReasons)[number]

/** Complaint of `index` that what `sender` sealed for it is not what it committed to. */
export function complaintMessage(
  sid: Uint8Array,
  index: number,
  sender: number,
  reason: ComplaintReason,
): SignedMessage {
  if (index === sender) throw new FederationError('message-invalid', 'a site does not complain of itself')
  return {
    type: 'complaint',
    parts: [exactly(32, sid, 'a session'), siteIndexBytes(index), siteIndexBytes(sender), Buffer.from(reason)],
  }
}
