/**
 * The messages of a secure round in the house's own types, one for each phase and direction (secagg.proto). Byte fields
 * have the lengths that `wire-messages.ts` holds them to; nothing else about them is checked before a phase does.
 */
import type { LogHead } from '../log/head.ts'
import type { Sha256 } from '../plan/names.ts'
import type { Replay } from './replay.ts'
import type { ComplaintReason, KeyCommitments, Revealed, SharedTo } from './signed-messages.ts'

/** Advertise keys: coordinator to site, then site to coordinator. */
export type AdvertiseKeys = { readonly type: 'advertise-keys'; readonly planHash: Sha256 }
export type Advertise = {
  readonly type: 'advertise'
  readonly planHash: Sha256
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

/** Share keys: the directory of U1, then each site's shares. */
export type Directory = { readonly type: 'directory'; readonly planHash: Sha256; readonly sites: readonly Advertised[] }
export type Advertised = { readonly index: number; readonly body: Uint8Array; readonly signature: Uint8Array }
export type ShareKeysMessage = KeyCommitments & {
  readonly type: 'share-keys'
  readonly planHash: Sha256
  readonly rows: readonly SharedTo[]
  readonly signature: Uint8Array
}

/** Collect updates: U2 and what its members sealed for this site; the masked vectors go by Upload. */
export type Shares = {
  readonly type: 'shares'
  readonly planHash: Sha256
  readonly sharers: readonly Sharer[]
  readonly received: readonly ReceivedShare[]
}
export type Sharer = { readonly index: number; readonly shareKeysHash: Uint8Array; readonly signature: Uint8Array }
/** `index` is the dealer, and the commitment to a part of the group secret is the dealer's. */
export type ReceivedShare = SharedTo & Pick<KeyCommitments, 'groupCommitment'>
export type Complaint = {
  readonly type: 'complaint'
  readonly planHash: Sha256
  readonly against: number
  readonly reason: ComplaintReason
  readonly signature: Uint8Array
}
/** In the header of an upload. */
export type MaskedInput = {
  readonly root: Uint8Array
  readonly vectorHashes: readonly Uint8Array[]
  readonly signature: Uint8Array
}

/** Confirm survivors: U3 and the log's head, then each site's signature over both. */
export type Survivors = {
  readonly type: 'survivors'
  readonly planHash: Sha256
  readonly survivors: readonly Survivor[]
  readonly logHead: LogHead
}
export type Survivor = { readonly index: number; readonly root: Uint8Array; readonly signature: Uint8Array }
export type Confirm = { readonly type: 'confirm'; readonly planHash: Sha256; readonly signature: Uint8Array }

/** Unmask: the quorum of confirmations, then the shares a site reveals. */
export type Quorum = {
  readonly type: 'quorum'
  readonly planHash: Sha256
  readonly confirmations: readonly Confirmation[]
}
export type Confirmation = { readonly index: number; readonly signature: Uint8Array }
export type Unmask = {
  readonly type: 'unmask'
  readonly planHash: Sha256
  readonly revealed: readonly Revealed[]
  readonly signature: Uint8Array
}

/** Verify: a committed sum and what it made, then each site's signed word on it. */
export type VerifySum = Made & {
  readonly type: 'verify-sum'
  /** The unmasked vectors as `sums` names them; absent where they are to be fetched. */
  readonly words?: Uint8Array
  /** What they were made of, where that is short. */
  readonly replay?: Replay
}
export type Verified = Made & { readonly type: 'verified'; readonly signature: Uint8Array }
export type SumNotVerified = Made & { readonly type: 'sum-not-verified'; readonly signature: Uint8Array }
type Made = {
  readonly planHash: Sha256
  /** SHA-256 of the unmasked vectors, one after the other in the plan's order. */
  readonly sums: Sha256
  /** Of the next global parameters, or of the standardisation (`strategy/made.ts`). */
  readonly made: Sha256
}

export type SecureToSite = AdvertiseKeys | Directory | Shares | Survivors | Quorum | VerifySum
export type SecureFromSite = Advertise | ShareKeysMessage | Complaint | Confirm | Unmask | Verified | SumNotVerified
