/**
 * Adds one masked vector over all survivors and removes the masks that are left, piece by piece: a piece of every site is
 * in memory at a time, never a vector (fedsum, decision 10).
 */
import type { Mask } from '@consilium/protos/secagg/mask-stream.ts'
import type { MaskThreads } from '@consilium/protos/secagg/mask-threads.ts'

export type SummedVector = {
  readonly words: number
  /** One for each survivor: `bytes` bytes of its masked vector from byte `offset` on, in memory of their own. */
  readonly sources: readonly ((offset: number, bytes: number) => Promise<Uint8Array>)[]
  /** What removes the masks left in the sum, for the whole vector. */
  readonly masks: readonly Mask[]
}

/** The unmasked sum, in order, in pieces of at most `pieceWordsMax` words, while the pieces after it are worked on. */
export async function* sumVector(vector: SummedVector, threads: MaskThreads): AsyncGenerator<Int32Array> {
  const { words, sources, masks } = vector
  const pieceWords = pieceWordsFor(sources.length, threads.threads)
  const underWay: Promise<Int32Array>[] = []
  let from = 0

  function begin(): void {
    if (from >= words) return
    const piece = sumPiece(sources, masks, from, Math.min(pieceWords, words - from), threads)
    // Whoever stops reading after one piece failed must not hear of the others.
    piece.catch(() => {})
    underWay.push(piece)
    from += pieceWords
  }

  for (let i = 0; i <= threads.threads; i++) begin()
  for (let piece = underWay.shift(); piece; piece = underWay.shift()) {
    const sum = await piece
    begin()
    yield sum
  }
}

/** 1 MiB of words. */
export const pieceWordsMax = 2 ** 18
/** Words that the processor's cache still holds; a smaller piece costs more to hand over than to add. */
const pieceWordsMin = 2 ** 14
/** All that is read at a time, words. */
const readWordsMax = 2 ** 24

/** The more sites, the smaller the pieces. */
function pieceWordsFor(sites: number, threads: number): number {
  const fitting = Math.floor(readWordsMax / (sites * (threads + 1)) / pieceWordsMin) * pieceWordsMin
  return Math.max(pieceWordsMin, Math.min(pieceWordsMax, fitting))
}

async function sumPiece(
  sources: SummedVector['sources'],
  masks: readonly Mask[],
  fromWord: number,
  words: number,
  threads: MaskThreads,
): Promise<Int32Array> {
  const pieces = await Promise.all(sources.map((read) => read(4 * fromWord, 4 * words)))
  return threads.add(
    pieces.map(({ buffer, byteOffset }) => new Int32Array(buffer, byteOffset, words)),
    masks,
    fromWord,
  )
}
