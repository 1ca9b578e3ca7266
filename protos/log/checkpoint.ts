/**
 * A checkpoint: the coordinator's signature over the head of one stream of the event log. Whoever holds two of them that
 * no consistency proof joins holds the evidence that the log was forked.
 */
import { z } from 'zod'
import { type Identity, sign, verifySignature } from '../identity.ts'
import { base64Schema } from '../plan/names.ts'
import { type LogHead, logHeadSchema } from './head.ts'

export const checkpointSchema = z.strictObject({
  stream: z.string().min(1).max(100),
  ...logHeadSchema.shape,
  signature: base64Schema(64),
})

export type Checkpoint = z.output<typeof checkpointSchema>

export function signCheckpoint(coordinator: Identity, stream: string, head: LogHead): Checkpoint {
  const signature = sign(coordinator, 'checkpoint', ...signedParts(stream, head))
  return { stream, ...head, signature: Buffer.from(signature).toString('base64') }
}

/** Never throws: a malformed key verifies nothing. */
export function verifyCheckpoint(coordinatorPublicKey: Uint8Array, checkpoint: Checkpoint): boolean {
  const signature = Buffer.from(checkpoint.signature, 'base64')
  const parts = signedParts(checkpoint.stream, checkpoint)
  return verifySignature(coordinatorPublicKey, signature, 'checkpoint', ...parts)
}

/** Stream name, u64(size) big-endian, root. */
function signedParts(stream: string, { size, root }: LogHead): Uint8Array[] {
  const sizeBytes = Buffer.alloc(8)
  sizeBytes.writeBigUInt64BE(BigInt(size))
  return [Buffer.from(stream), sizeBytes, Buffer.from(root, 'hex')]
}
