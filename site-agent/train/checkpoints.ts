/**
 * When a training in progress is kept: between two chunks of steps, as often as keeping it takes no more than a twentieth
 * of the time. A small model is kept after each chunk; one that takes a second to write, every twenty.
 */
import { createHash } from 'node:crypto'
import type { TrainCheckpoint, TrainRequest } from './trainer.ts'

/** Milliseconds of training to each of keeping. */
const trainingPerKeeping = 20

export type Checkpoints = {
  /** A chunk that took `chunkMs` is through. Asks for the state only where it is kept. */
  offer(chunkMs: number, state: () => TrainCheckpoint): void
}

/** `keep` resolves once the state is on the disk, with how long that took, milliseconds. */
export function openCheckpoints(keep: TrainRequest['onCheckpoint']): Checkpoints {
  let trainedMs = 0
  let dueMs = 0
  let isKeeping = false
  return {
    offer(chunkMs, state) {
      trainedMs += chunkMs
      if (!keep || isKeeping || trainedMs < dueMs) return
      isKeeping = true
      trainedMs = 0
      keep(state())
        .then((keepingMs) => {
          dueMs = trainingPerKeeping * keepingMs
        })
        .finally(() => {
          isKeeping = false
        })
    },
  }
}

/** SHA-256 over all that a training is made of besides plan and study: another answer, and it cannot be gone on with. */
export function dataHash(parts: readonly (NodeJS.ArrayBufferView | string)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    const bytes =
      typeof part === 'string' ? Buffer.from(part) : new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return hash.digest('hex')
}
