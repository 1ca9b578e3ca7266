/** The coordinator's signing key handed on to a new one: when it may be, the event of it, and the chain that sites follow. */
import type { KeyRotation } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import { signRotation } from '@consilium/protos/key-rotation.ts'
import { keyRotationsMax } from '@consilium/protos/limits.ts'
import type { RunId } from '@consilium/protos/plan/names.ts'
import type { FederationEvent } from './events.ts'
import type { Federation } from './federation.ts'

/**
 * Throws `permission-denied` while one of `openRuns` goes on, whose plans the old key signed; `limit-exceeded` where the
 * chain would grow longer than a site reads.
 */
export function checkRotation({ rotations }: Federation, openRuns: readonly RunId[]): void {
  if (openRuns.length > 0)
    throw new FederationError(
      'permission-denied',
      `the key cannot be rotated while a run goes on, for its plans are signed with it: wait for ${openRuns.join(', ')} to end, or cancel it`,
    )
  if (rotations.length >= keyRotationsMax)
    throw new FederationError(
      'limit-exceeded',
      `the key was rotated ${keyRotationsMax} times, and sites follow no more`,
    )
}

export function rotated(old: Identity, next: Identity, now: Date): FederationEvent {
  const { oldPublicKey, newPublicKey, oldSignature, newSignature } = signRotation(old, next)
  return {
    type: 'coordinator-key-rotated',
    at: now.toISOString(),
    oldPublicKey: base64(oldPublicKey),
    newPublicKey: base64(newPublicKey),
    oldSignature: base64(oldSignature),
    newSignature: base64(newSignature),
  }
}

/** Oldest first. */
export function rotationChain({ rotations }: Federation): KeyRotation[] {
  return rotations.map(({ oldPublicKey, newPublicKey, oldSignature, newSignature }) => ({
    oldPublicKey: bytes(oldPublicKey),
    newPublicKey: bytes(newPublicKey),
    oldSignature: bytes(oldSignature),
    newSignature: bytes(newSignature),
  }))
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64')
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}
