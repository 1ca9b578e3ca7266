/**
 * Shares of a site's two secrets, and its part of the group secret, sealed to each peer with NaCl's secretbox under the key
 * the two agreed on, and committed to, so that whoever deals or later reveals a wrong one is named (fedsum, sections A.3,
 * A.7 and E.3).
 */
import { randomBytes } from 'node:crypto'
import nacl from 'tweetnacl'
import { FederationError } from '../errors.ts'
import { type Share, splitSecret } from './shamir.ts'
import { type ComplaintReason, type KeyCommitments, type SharedTo, sealedShareBytes } from './signed-messages.ts'
import { exactly, groupCommitment, selfCommitment, shareCommitment } from './transcript.ts'

/** A site's share of one peer's secrets, 32 bytes each. */
export type HeldShare = {
  /** Of the secret half of the peer's mask key; revealed if the peer drops out. */
  readonly s: Uint8Array
  /** Of the peer's self-mask seed; revealed if the peer survives. */
  readonly b: Uint8Array
}

/** What one peer dealt to this site. */
export type ReceivedKeys = HeldShare & {
  /** g: the peer's part of the group secret, the same for every site. */
  readonly group: Uint8Array
}

export type ShareKeys = KeyCommitments & {
  /** One row for every site, the dealer included, in the order given. */
  readonly rows: readonly SharedTo[]
  /** The dealer's own share. */
  readonly own: HeldShare
}

export type Dealer = {
  readonly sid: Uint8Array
  readonly index: number
  /** Secret half of the mask key, 32 bytes. */
  readonly maskSecretKey: Uint8Array
  /** Seed of the self mask, 32 bytes. */
  readonly selfSeed: Uint8Array
  /** g: its part of the group secret, 32 bytes. */
  readonly group: Uint8Array
  readonly threshold: number
  /** Every site that advertised, the dealer included, ascending, with the key its channel has (none for the dealer). */
  readonly sites: readonly { readonly index: number; readonly channelKey?: Uint8Array }[]
}

/** Splits, commits and seals. `random(bytes)` gives the polynomials and then one nonce a peer. */
export function dealShares(dealer: Dealer, random: (bytes: number) => Uint8Array = randomBytes): ShareKeys {
  const { sid, index, selfSeed, group, threshold, sites } = dealer
  const secret = Buffer.concat([exactly(32, dealer.maskSecretKey, 'a mask key'), exactly(32, selfSeed, 'a seed')])
  const indices = sites.map((site) => site.index)
  const shares = splitSecret(secret, threshold, indices, random)
  secret.fill(0)
  const own = shares.find((share) => share.index === index)
  if (!own) throw new FederationError('invalid-argument', `site ${index} is not among those it shares its keys with`)
  const rows = sites.map(({ index: to, channelKey }, i) => ({
    ...commit(sid, index, to, shares[i]!),
    sealed: to === index ? new Uint8Array() : seal(shares[i]!, group, channelKey, random),
  }))
  const commitments = {
    selfCommitment: selfCommitment(sid, index, selfSeed),
    groupCommitment: groupCommitment(sid, index, group),
  }
  return { ...commitments, rows, own: halves(own.bytes) }
}

export type Opened =
  | { readonly held: ReceivedKeys; readonly complaint?: never }
  | { readonly complaint: ComplaintReason; readonly held?: never }

/**
 * Opens what `from` sealed for `to` and checks it against the commitments, `groupCommitted` the dealer's to its part of the
 * group secret; what is wrong is a complaint, not a throw.
 */
export function openShare(
  sid: Uint8Array,
  from: number,
  to: number,
  channelKey: Uint8Array,
  row: Omit<SharedTo, 'index'>,
  groupCommitted: Uint8Array,
): Opened {
  if (row.sealed.length !== sealedShareBytes) return { complaint: 'share-does-not-open' }
  const nonce = row.sealed.subarray(0, nacl.secretbox.nonceLength)
  const bytes = nacl.secretbox.open(row.sealed.subarray(nacl.secretbox.nonceLength), nonce, channelKey)
  if (bytes?.length !== 96) return { complaint: 'share-does-not-open' }
  const held = { ...halves(bytes), group: bytes.slice(64) }
  const kept =
    shareCommitted('s', sid, from, to, held.s, row.keyCommitment) &&
    shareCommitted('b', sid, from, to, held.b, row.selfCommitment)
  if (!kept) return { complaint: 'share-differs-from-commitment' }
  if (Buffer.compare(groupCommitment(sid, from, held.group), groupCommitted) !== 0)
    return { complaint: 'group-differs-from-commitment' }
  return { held }
}

/** Whether a share is the one that its dealer committed to. */
export function shareCommitted(
  kind: 's' | 'b',
  sid: Uint8Array,
  from: number,
  to: number,
  share: Uint8Array,
  commitment: Uint8Array,
): boolean {
  return share.length === 32 && Buffer.compare(shareCommitment(kind, sid, from, to, share), commitment) === 0
}

function commit(sid: Uint8Array, from: number, to: number, share: Share): Omit<SharedTo, 'sealed'> {
  const { s, b } = halves(share.bytes)
  return {
    index: to,
    keyCommitment: shareCommitment('s', sid, from, to, s),
    selfCommitment: shareCommitment('b', sid, from, to, b),
  }
}

function seal(
  share: Share,
  group: Uint8Array,
  channelKey: Uint8Array | undefined,
  random: (bytes: number) => Uint8Array,
): Uint8Array {
  if (!channelKey) throw new FederationError('invalid-argument', `no key for the channel to site ${share.index}`)
  const nonce = random(nacl.secretbox.nonceLength)
  const plain = Buffer.concat([share.bytes, group])
  const sealed = Buffer.concat([nonce, nacl.secretbox(plain, nonce, channelKey)])
  plain.fill(0)
  return sealed
}

function halves(bytes: Uint8Array): HeldShare {
  return { s: bytes.slice(0, 32), b: bytes.slice(32, 64) }
}
