/**
 * The unmasked sums of secure rounds, one object each: header and content, little-endian words one after the other, as in
 * every upload. Short ones stay in memory for as long as sites may ask for them: they travel with the question.
 */
import { sumInlineBytesMax } from '@consilium/protos/limits.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { ObjectStore } from '../store/object-store.ts'

export type StoredSums = {
  /** Durable once resolved. */
  put(pieces: AsyncIterable<Int32Array>): Promise<Sha256>
  /** A short one, of the last that were put; undefined after a restart. */
  loaded(sums: Sha256): Uint8Array | undefined
}

/** Sums kept at once: one for each run that has a round to verify. */
const keptMax = 64

export function openStoredSums(objects: ObjectStore): StoredSums {
  const known = new Map<Sha256, Uint8Array>()
  return {
    async put(pieces) {
      const kept = { chunks: [] as Uint8Array[], bytes: 0 }
      const { sha256 } = await objects.putStream(collecting(pieces, kept))
      if (kept.bytes <= sumInlineBytesMax) known.set(sha256, Buffer.concat(kept.chunks))
      for (const oldest of known.keys()) if (known.size > keptMax) known.delete(oldest)
      return sha256
    },
    loaded: (sums) => known.get(sums),
  }
}

async function* collecting(
  pieces: AsyncIterable<Int32Array>,
  kept: { readonly chunks: Uint8Array[]; bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const words of pieces) {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
    kept.bytes += bytes.length
    if (kept.bytes <= sumInlineBytesMax) kept.chunks.push(bytes.slice())
    yield bytes
  }
}
