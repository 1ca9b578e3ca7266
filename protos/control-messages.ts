/** What site and coordinator say on the control stream, in the house's own types; both edges turn them into federation.proto. */
import type { SignedHead } from './log/signed-head.ts'
import type { RunId, Sha256, SiteName } from './plan/names.ts'
import type { SignedPartnerChange, SitesPartnerWord } from './plan/partner-change.ts'
import type { SignedRoundPlan } from './plan/round-plan.ts'
import type { Recovery } from './recovery.ts'
import type { RefusalCode } from './refusal-codes.ts'
import type { Revocation } from './revocation.ts'
import type { SecureFromSite, SecureToSite } from './secagg/messages.ts'

/** A site and its Ed25519 identity, 32 bytes. */
export type RosterSite = { readonly site: SiteName; readonly publicKey: Uint8Array }

/** The coordinator's key handed on: signed by the old one over ("rotate", old, new) and by the new one alike. */
export type KeyRotation = {
  readonly oldPublicKey: Uint8Array
  readonly newPublicKey: Uint8Array
  readonly oldSignature: Uint8Array
  readonly newSignature: Uint8Array
}

/** Where a site's ledger of sessions stood, as it advertised it for a plan: `body` and `signature` are those of Advertise. */
export type SignedLedger = {
  readonly site: SiteName
  readonly planHash: Sha256
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

/** Where a stream of the coordinator's log stands. */
export type ShownHead = {
  readonly head: SignedHead
  /** That it extends the head that this site was shown or told before; empty where nothing proves that. */
  readonly consistency: readonly Uint8Array[]
  /** Of the federation's stream: every recovery of it, oldest first. */
  readonly recoveries: readonly Recovery[]
}

/** What a site gives back to the coordinator of what that signed. */
export type KnownHeads = {
  readonly heads: readonly SignedHead[]
  readonly revocations: readonly Revocation[]
  readonly rotations: readonly KeyRotation[]
}

export type ToSite =
  | { readonly type: 'study'; readonly signedStudy: Uint8Array }
  | { readonly type: 'roster'; readonly sites: readonly RosterSite[] }
  | { readonly type: 'coordinator-keys'; readonly rotations: readonly KeyRotation[] }
  /** The furthest that the ledger of this site was ever seen. */
  | { readonly type: 'ledger-seen'; readonly ledger: SignedLedger }
  /** The lead's, with what those who leave and join by it say themselves. */
  | {
      readonly type: 'partner-change'
      readonly signed: SignedPartnerChange
      readonly words: readonly SitesPartnerWord[]
      /** Whether what this site itself says of it is known, or of no use any more. */
      readonly heard: boolean
    }
  | ({ readonly type: 'shown-head' } & ShownHead)
  /** Every site that was revoked so far. */
  | { readonly type: 'revoked'; readonly revocations: readonly Revocation[] }
  | { readonly type: 'assignment'; readonly plan: SignedRoundPlan }
  /** Asks for a sealed update; in secure mode `shares` asks for a masked one. */
  | { readonly type: 'collect-updates'; readonly planHash: Sha256 }
  /** Another agent with this site's identity dials: is this one still there? */
  | { readonly type: 'ping' }
  | SecureToSite
  | {
      readonly type: 'round-over'
      readonly planHash: Sha256
      /** `too-few-contributors`: failed, and a sum that is nearly one site's was seen. */
      readonly outcome: 'committed' | 'failed' | 'too-few-contributors' | 'dropped'
      readonly reason: string
    }
  | {
      readonly type: 'run-over'
      readonly run: RunId
      readonly outcome: 'finished' | 'failed' | 'cancelled'
      readonly reason: string
    }

/** What a site takes no part in: every plan for this purpose of the study it would refuse with this code. */
export type StoodOut = {
  readonly study: Sha256
  /** `all`: every round of the study. */
  readonly purpose: 'statistics' | 'evaluate' | 'all'
  readonly code: Extract<RefusalCode, 'site-fault' | 'site-restored' | 'data-not-ready' | 'policy-refused'>
}

/** What a site says after its hello, which its link says by itself. */
export type FromSite =
  /** How much of the work is done, in quarters: a number of rows or steps would tell the size of the site. */
  | { readonly type: 'progress'; readonly planHash: Sha256; readonly quarters: number }
  | { readonly type: 'work-done'; readonly planHash: Sha256 }
  | { readonly type: 'pong' }
  /** Every identity of the roster that this site has approved. */
  | { readonly type: 'pinned'; readonly sites: readonly RosterSite[] }
  /** What it takes no part in of the studies that it approved, all of it. */
  | { readonly type: 'stands-out'; readonly of: readonly StoodOut[] }
  /** How far this site saw the ledgers of its peers. */
  | { readonly type: 'known-ledgers'; readonly ledgers: readonly SignedLedger[] }
  | ({ readonly type: 'known-heads' } & KnownHeads)
  | SecureFromSite
  | {
      readonly type: 'refusal'
      readonly planHash?: Sha256
      readonly studyHash?: Sha256
      readonly code: RefusalCode
    }

/** Asks what proves that a head of a run's log extends another, and that the entry at `seq` stands below it. */
export type LogProofRequest = {
  readonly run: RunId
  /** 0 where the site has confirmed no head of this run yet. */
  readonly oldSize: number
  readonly newSize: number
  readonly seq?: number
}

export type LogProof = {
  /** RFC 6962, section 2.1.2; empty for an old size of 0. */
  readonly consistency: readonly Uint8Array[]
  /** Canonical JSON of the entry, and its audit path (RFC 6962, section 2.1.1). */
  readonly entry?: Uint8Array
  readonly inclusion: readonly Uint8Array[]
}
