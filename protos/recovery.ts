/**
 * The coordinator's word that it was restored from an old copy and goes on from that (fedsum, section E.6): from here on its
 * log does not extend what sites saw. It stands in the log; a site goes along by its policy, or by a person.
 */
import { type Identity, sign, verifySignature } from './identity.ts'
import type { LogHead } from './log/head.ts'

/** `size` and `root` are those of the federation's stream as it was, right before. */
export type Recovery = LogHead & {
  /** Of the log from then on: 2 for the first recovery. */
  readonly epoch: number
  /** ISO 8601 */
  readonly at: string
  readonly signature: Uint8Array
}

export function signRecovery(coordinator: Identity, recovered: Omit<Recovery, 'signature'>): Recovery {
  return { ...recovered, signature: sign(coordinator, 'recovery', ...signedParts(recovered)) }
}

/** Never throws. */
export function verifyRecovery(coordinatorPublicKey: Uint8Array, recovery: Recovery): boolean {
  return verifySignature(coordinatorPublicKey, recovery.signature, 'recovery', ...signedParts(recovery))
}

/** u32(epoch), u64(size), both big-endian, root, time. */
function signedParts({ epoch, size, root, at }: Omit<Recovery, 'signature'>): Uint8Array[] {
  const numbers = Buffer.alloc(12)
  numbers.writeUInt32BE(epoch)
  numbers.writeBigUInt64BE(BigInt(size), 4)
  return [numbers, Buffer.from(root, 'hex'), Buffer.from(at)]
}
