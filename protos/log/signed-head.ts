/**
 * The head of one stream of the event log as the coordinator signs it for sites (fedsum, section E.6), with the epoch of
 * that log: 1, and one more for each recovery from an old copy. A site gives the furthest ones back when it attends, so that
 * a coordinator whose log is shorter finds it out by its own signature.
 */
import { type Identity, sign, verifySignature } from '../identity.ts'
import type { LogHead } from './head.ts'

export type SignedHead = LogHead & {
  readonly stream: string
  readonly epoch: number
  /** ISO 8601: when it was signed. */
  readonly at: string
  readonly signature: Uint8Array
}

/** The stream of the federation itself; those of runs are named in `model-entry.ts`. */
export const federationStream = 'federation'

export function signHead(coordinator: Identity, head: Omit<SignedHead, 'signature'>): SignedHead {
  return { ...head, signature: sign(coordinator, 'head', ...signedParts(head)) }
}

/** Never throws. */
export function verifyHead(coordinatorPublicKey: Uint8Array, head: SignedHead): boolean {
  return verifySignature(coordinatorPublicKey, head.signature, 'head', ...signedParts(head))
}

/** Whether one head stands after another in the history of one log: a later epoch, or more entries of the same. */
export function isFurther(head: SignedHead, than: SignedHead): boolean {
  return head.epoch === than.epoch ? head.size > than.size : head.epoch > than.epoch
}

/** Stream name, u32(epoch), u64(size), both big-endian, root, time. */
function signedParts({ stream, epoch, size, root, at }: Omit<SignedHead, 'signature'>): Uint8Array[] {
  const numbers = Buffer.alloc(12)
  numbers.writeUInt32BE(epoch)
  numbers.writeBigUInt64BE(BigInt(size), 4)
  return [Buffer.from(stream), numbers, Buffer.from(root, 'hex'), Buffer.from(at)]
}
