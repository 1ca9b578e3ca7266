/** The coordinator's Ed25519 identity where it is kept, and how another takes its place without a moment without one. */
import type { Identity } from '@consilium/protos/identity.ts'

/** `seed` and `publicKey` are those of the current identity, whichever it is when they are read. */
export interface CoordinatorIdentity extends Identity {
  /** Makes a new identity and keeps it durably beside the current one; it replaces one that was prepared before. */
  prepareNext(): Promise<Identity>
  /**
   * Makes the identity with this public key the current one, be it that already or the one prepared. Resolves with false,
   * and changes nothing, where it is neither.
   */
  adopt(publicKey: Uint8Array): Promise<boolean>
}
