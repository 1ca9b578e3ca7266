/**
 * When a training in progress is kept: after each chunk of steps that takes its time where keeping is quick, as with a small
 * model; else as often as it takes no more than a twentieth of the time, so that one that takes a second is kept every twenty.
 */
import { createHash } from 'node:crypto'
import type { TrainCheckpoint, TrainRequest } from './trainer.ts'

/** Milliseconds of training to each of keeping. */
const trainingPerKeeping = 20
/** What takes no longer is quick: a tenth of a chunk. */
const quickMs = 25
/** Less training is sooner done again than kept: half a chunk. */
const worthMs = 125

export type Checkpoints = {
  /** A chunk that took `chunkMs` is through. Asks for the state only where it is kept, and then waits until it is. */
  offer(chunkMs: number, state: () => TrainCheckpoint): Promise<void>
}

export function openCheckpoints(keep: TrainRequest['onCheckpoint']): Checkpoints {
  let trainedMs = 0
  let dueMs = worthMs
  /** What keeping took the time before: nothing is known of it at first, and one slow time says little. */
  let beforeMs = 0
  return {
    async offer(chunkMs, state) {
      trainedMs += chunkMs
      if (!keep || trainedMs < dueMs) return
      const keepingMs = await keep(state())
      const usualMs = Math.min(beforeMs, keepingMs)
      beforeMs = keepingMs
      dueMs = Math.max(worthMs, usualMs > quickMs ? trainingPerKeeping * usualMs : 0)
      trainedMs = 0
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
