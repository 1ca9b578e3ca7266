/**
 * The words of a secure round between work and masking, in the outbox: sealed in frames (AES-256-GCM) under a key that
 * follows from the site's identity, written and read one frame after the other, so that no more than a frame of them is
 * in memory. Each vector starts with a frame of its own.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { FederationError } from '@consilium/protos/errors.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { frameBytes, openFrame, sealFrame, tagBytes } from '@consilium/protos/sealing/frames.ts'
import type { SecureVector } from '@consilium/protos/secagg/vectors.ts'
import { writePiecesDurably } from '../durable-file.ts'
import { ownKey } from './own-keys.ts'

/** Words in one frame. */
export const frameWords = frameBytes / 4
const saltBytes = 32

/** A part of a vector: `words` from `wordOffset` on, in memory of its own. */
export type Piece = { readonly vector: string; readonly wordOffset: number; readonly words: Int32Array }

export type WordsFile = {
  readonly path: string
  readonly planHash: Sha256
  readonly identity: Identity
  readonly vectors: readonly SecureVector[]
}

/** Where each frame of the file belongs. */
export function* pieces(
  vectors: readonly SecureVector[],
): Generator<Omit<Piece, 'words'> & { readonly length: number }> {
  for (const { name, words } of vectors)
    for (let wordOffset = 0; wordOffset < words; wordOffset += frameWords)
      yield { vector: name, wordOffset, length: Math.min(frameWords, words - wordOffset) }
}

/** Asks for the words of each piece in turn; the file is there whole or not at all. */
export async function writeWords(
  file: WordsFile,
  wordsOf: (piece: Omit<Piece, 'words'> & { readonly length: number }) => Int32Array,
): Promise<void> {
  const salt = randomBytes(saltBytes)
  const key = ownKey(file.identity, 'words', salt)
  const context = Buffer.from(file.planHash, 'hex')
  const places = [...pieces(file.vectors)]
  function* sealed(): Generator<Uint8Array> {
    yield salt
    for (const [index, piece] of places.entries()) {
      const words = wordsOf(piece)
      const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
      yield sealFrame(key, { index, isLast: index === places.length - 1 }, context, bytes)
    }
  }
  await writePiecesDurably(file.path, sealed())
  key.fill(0)
}

/** Throws `session-lost` where the file is missing, cut short or not of this site and plan. */
export async function* readWords(file: WordsFile): AsyncGenerator<Piece> {
  await using handle = await openToRead(file.path)
  const key = ownKey(file.identity, 'words', await readExactly(handle, saltBytes))
  const context = Buffer.from(file.planHash, 'hex')
  const places = [...pieces(file.vectors)]
  for (const [index, { vector, wordOffset, length }] of places.entries()) {
    const frame = await readExactly(handle, 4 * length + tagBytes)
    const plain = openOrLose(() => openFrame(key, { index, isLast: index === places.length - 1 }, context, frame))
    // A copy, since an Int32Array needs its bytes aligned, and a thread may take this memory away.
    yield { vector, wordOffset, words: new Int32Array(new Uint8Array(plain).buffer) }
  }
  key.fill(0)
}

/** The same words, sealed for another plan. */
export async function copyWords(from: WordsFile, to: WordsFile): Promise<void> {
  const words: Int32Array[] = []
  for await (const piece of readWords(from)) words.push(piece.words)
  await writeWords(to, () => words.shift()!)
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw lost(cause)
  }
}

async function readExactly(handle: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled)
    if (bytesRead === 0) throw lost()
    filled += bytesRead
  }
  return buffer
}

function openOrLose(body: () => Buffer): Buffer {
  try {
    return body()
  } catch (cause) {
    throw lost(cause)
  }
}

function lost(cause?: unknown): FederationError {
  const message =
    'the finished work of this round is gone from the outbox, or damaged: this site drops out of the round'
  return new FederationError('session-lost', message, { cause })
}
