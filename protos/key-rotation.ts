/**
 * How the coordinator hands its key on: the old key signs the new one, and the new one signs back, so that nobody can pass
 * another's key off as the next.
 */
import type { KeyRotation } from './control-messages.ts'
import { FederationError } from './errors.ts'
import { assertUsablePublicKey, type Identity, sign, verifySignature } from './identity.ts'

/** Both sign ("rotate", old public key, new public key). */
export function signRotation(old: Identity, next: Identity): KeyRotation {
  const parts = [old.publicKey, next.publicKey] as const
  return {
    oldPublicKey: old.publicKey,
    newPublicKey: next.publicKey,
    oldSignature: sign(old, 'rotate', ...parts),
    newSignature: sign(next, 'rotate', ...parts),
  }
}

/** Throws `signature-invalid` unless `rotation` hands `key` on to another, usable one that agrees. */
export function assertRotation(key: Uint8Array, rotation: KeyRotation): void {
  const { oldPublicKey, newPublicKey, oldSignature, newSignature } = rotation
  assertUsablePublicKey(newPublicKey)
  const parts = [oldPublicKey, newPublicKey] as const
  const isValid =
    Buffer.compare(oldPublicKey, key) === 0 &&
    verifySignature(oldPublicKey, oldSignature, 'rotate', ...parts) &&
    verifySignature(newPublicKey, newSignature, 'rotate', ...parts)
  if (!isValid)
    throw new FederationError('signature-invalid', "the rotation of the coordinator's key is not signed by both keys")
}
