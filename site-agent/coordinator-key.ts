/**
 * The coordinator's key as this site pinned it, and how it is replaced: only by a key that the pinned one signed over to,
 * and that signed back. A coordinator that lost its key has to be joined anew.
 */
import type { KeyRotation } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { assertRotation } from '@consilium/protos/key-rotation.ts'
import type { Site } from './round/site.ts'

export type PinnedCoordinator = {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
  /**
   * Follows every rotation since the pinned key, oldest first; those before it have been followed or were never pinned.
   * Throws `coordinator-key-changed`, and changes nothing, where the pinned key did not hand itself on to the last one.
   */
  rotated(rotations: readonly KeyRotation[]): void
}

export function openPinnedCoordinator(options: {
  readonly publicKey: Uint8Array
  /** Pins a key durably. */
  readonly keep: (publicKey: Uint8Array) => void
  readonly emit: Site['emit']
}): PinnedCoordinator {
  const { keep, emit } = options
  let pinned = options.publicKey
  return {
    get publicKey() {
      return pinned
    },
    rotated(rotations) {
      const followed = follow(pinned, rotations)
      if (isSame(followed, pinned)) return
      keep(followed)
      const previous = pinned
      pinned = followed
      emit({ type: 'coordinator-key-rotated', previous: fingerprint(previous), fingerprint: fingerprint(followed) })
    },
  }
}

/** The key at the end of the chain that begins with `pinned`. */
function follow(pinned: Uint8Array, rotations: readonly KeyRotation[]): Uint8Array {
  const last = rotations.at(-1)
  if (!last || isSame(last.newPublicKey, pinned)) return pinned
  const start = rotations.findIndex(({ oldPublicKey }) => isSame(oldPublicKey, pinned))
  if (start < 0) throw changed(pinned, last.newPublicKey, 'the pinned key handed on to none of its keys')
  let key = pinned
  for (const rotation of rotations.slice(start)) {
    try {
      assertRotation(key, rotation)
    } catch (cause) {
      throw changed(pinned, last.newPublicKey, 'the rotation is not signed by both keys', cause)
    }
    key = rotation.newPublicKey
  }
  return key
}

function changed(pinned: Uint8Array, offered: Uint8Array, why: string, cause?: unknown): FederationError {
  return new FederationError(
    'coordinator-key-changed',
    `the coordinator now has the key ${fingerprint(offered)}, this site pinned ${fingerprint(pinned)}, and ${why}: nothing signed by the new key is accepted. Ask the coordinator's operator out of band; if its key was lost, remove the state folder and join again`,
    { cause },
  )
}

function isSame(key: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(key, other) === 0
}
