/**
 * Lays this site's masks over its words, a frame after the other, into the file that is uploaded (fedsum, sections A.3 and
 * A.6); before that the words are read once for the tags of their sum (E.3). Threads add the masks; no more frames are in
 * memory than there are threads, and one. The same session gives the same bytes however often it is done.
 */
import { createHash, type Hash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { headerName } from '@consilium/protos/secagg/header.ts'
import { agree, pairSeed } from '@consilium/protos/secagg/keys.ts'
import { type SiteSeeds, siteMasks } from '@consilium/protos/secagg/mask.ts'
import type { MaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import { addHeader, type SumTagger, withTags } from '@consilium/protos/secagg/sum-tags.ts'
import { liftOf, type SecureVector } from '@consilium/protos/secagg/vectors.ts'
import { writePiecesDurably } from '../durable-file.ts'
import type { SessionSecrets } from './session.ts'
import type { CheckedDirectory } from './share-keys.ts'
import { type Piece, readWords, type WordsFile } from './words-file.ts'

export type Masking = {
  readonly words: WordsFile
  readonly seeds: SiteSeeds
  readonly u2Hash: Uint8Array
  /** Of a round whose sum sites check; absent in an evaluation. */
  readonly tagger?: SumTagger
  readonly threads: MaskThreads
  readonly signal: AbortSignal
}

/** Writes the masked vectors to `path`, durably; returns the SHA-256 of each, in the plan's order. */
export async function maskUpdate(masking: Masking, path: string): Promise<readonly Uint8Array[]> {
  const hashes = new Map(masking.words.vectors.map(({ name }) => [name, createHash('sha256')]))
  await writePiecesDurably(path, maskedPieces(masking, hashes))
  return [...hashes.values()].map((hash) => hash.digest())
}

/** The same of a masked upload that stands at `path`: bytes that fell out of the file, or into it, change them. */
export async function maskedHashes(path: string, vectors: readonly SecureVector[]): Promise<readonly Uint8Array[]> {
  await using file = await open(path, 'r')
  const hashes = vectors.map(() => createHash('sha256'))
  let [vector, left] = [0, 4 * (vectors[0]?.words ?? 0)]
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    let bytes: Buffer = chunk
    while (bytes.length > 0) {
      const take = bytes.subarray(0, vector === vectors.length - 1 ? bytes.length : left)
      hashes[vector]!.update(take)
      bytes = bytes.subarray(take.length)
      left -= take.length
      if (left === 0 && vector < vectors.length - 1) left = 4 * vectors[++vector]!.words
    }
  }
  return hashes.map((hash) => hash.digest())
}

async function* maskedPieces(masking: Masking, hashes: ReadonlyMap<string, Hash>): AsyncGenerator<Uint8Array> {
  for await (const { vector, words } of maskedInOrder(masking)) {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
    hashes.get(vector)!.update(bytes)
    yield bytes
  }
}

/** One piece more than there are threads is under way, so that none waits. */
async function* maskedInOrder(masking: Masking): AsyncGenerator<Piece> {
  const { words, seeds, u2Hash, threads, signal } = masking
  const tags = await tagsOf(masking)
  const masks = new Map(words.vectors.map(({ name }: SecureVector) => [name, siteMasks(seeds, name, u2Hash)]))
  const underWay: Promise<Piece>[] = []
  for await (const piece of readWords(words)) {
    signal.throwIfAborted()
    const plain = tags && piece.vector === headerName ? withTags(piece.words, tags) : piece.words
    const masked = threads.add([plain], masks.get(piece.vector)!, piece.wordOffset)
    const done = masked.then((sum) => ({ ...piece, words: sum }))
    // Whoever waits for it sees the rejection, later.
    done.catch(() => undefined)
    underWay.push(done)
    if (underWay.length > threads.threads) yield await underWay.shift()!
  }
  for (const piece of underWay) yield await piece
}

async function tagsOf({ words, tagger, signal }: Masking): Promise<number[] | undefined> {
  if (!tagger) return undefined
  for await (const piece of readWords(words)) {
    signal.throwIfAborted()
    if (piece.vector === headerName) addHeader(tagger, piece.words)
    else tagger.add(piece.words, liftOf(piece.vector))
  }
  return tagger.tags()
}

/** The seeds of this site's masks with every other sharer. */
export function seedsOf(
  index: number,
  { maskSecretKey, selfSeed }: SessionSecrets,
  { sid, advertised }: CheckedDirectory,
  sharers: readonly number[],
): SiteSeeds {
  const peers = sharers.filter((peer) => peer !== index)
  const pairs = peers.map((peer) => {
    const shared = agree(maskSecretKey, advertised.get(peer)!.maskKey)
    return [peer, pairSeed(shared, sid, index, peer)] as const
  })
  return { index, self: selfSeed, pairs: new Map(pairs) }
}
