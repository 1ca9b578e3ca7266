/**
 * A secure round's session as it grows from phase to phase (fedsum, section A.3): what sites advertised (U1), shared (U2),
 * uploaded (U3), confirmed and revealed. Everything in it stands in the run's event log or in an object that the log names.
 */
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { SecureRound } from '@consilium/protos/plan/round-plan.ts'
import type { MaskedInput } from '@consilium/protos/secagg/messages.ts'
import type { Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { RosterEntry } from '@consilium/protos/secagg/transcript.ts'

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
  /** Object that holds the message, see `running/stored-messages.ts`. */
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
