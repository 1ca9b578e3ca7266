/**
 * Mask streams (fedsum, section A.6): AES-256-CTR keystream read as little-endian 32-bit words, added to or subtracted
 * from a vector modulo 2^32. The counter is byte offset / 16, so any chunk of a vector can be masked by itself.
 */
import { type Cipheriv, createCipheriv, createSecretKey } from 'node:crypto'
import { endianness } from 'node:os'
import { FederationError } from '../errors.ts'

if (endianness() !== 'LE')
  throw new FederationError('internal', 'masks are little-endian words and this processor is big-endian')

/** One stream and whether it is added or subtracted. The key has 32 bytes. */
export type Mask = { readonly key: Uint8Array; readonly sign: 1 | -1 }

/** Bytes of every stream taken at once: four of them and the vector's chunk stay in the processor's cache. */
export const streamChunkBytes = 64 * 1024
const chunkWords = streamChunkBytes / 4
const zeros = new Uint8Array(streamChunkBytes)
const zeroWords = new Int32Array(chunkWords)

/**
 * Adds every mask to `words` in place, modulo 2^32. `words` stands at `wordOffset` of its vector, so a vector may be
 * masked in pieces of any size, in any order, on several threads.
 */
export function addMasks(words: Int32Array, masks: readonly Mask[], wordOffset: number): void {
  for (const [sign, loop] of [[1, addFour] as const, [-1, subtractFour] as const]) {
    const same = masks.filter((mask) => mask.sign === sign)
    const streams = same.map(({ key }) => keystream(key, 4 * wordOffset))
    for (let from = 0; from < words.length; from += chunkWords) {
      const chunk = words.subarray(from, from + chunkWords)
      inFours(chunk, streams.length, (i) => streams[i]!(chunk.length), loop, freeWords)
    }
  }
}

/** Adds vectors of the same length to `sum` in place, modulo 2^32. */
export function addVectors(sum: Int32Array, vectors: readonly Int32Array[]): void {
  const odd = vectors.find(({ length }) => length !== sum.length)
  if (odd) throw new FederationError('update-invalid', `a vector of ${odd.length} words cannot join ${sum.length}`)
  for (let from = 0; from < sum.length; from += chunkWords) {
    const chunk = sum.subarray(from, from + chunkWords)
    inFours(chunk, vectors.length, (i) => vectors[i]!.subarray(from, from + chunkWords), addFour)
  }
}

/**
 * Reads the stream of `key` from a byte offset that is a multiple of 4: each call gives the next `words` words, at most
 * `streamChunkBytes` / 4 of them.
 */
export function keystream(key: Uint8Array, byteOffset: number): (words: number) => Int32Array {
  if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || byteOffset % 4 !== 0)
    throw new FederationError('invalid-argument', `a mask stream is read from whole words, not from byte ${byteOffset}`)
  if (key.length !== 32) throw new FederationError('invalid-argument', 'the key of a mask stream has 32 bytes')
  // Given the bytes of a key instead, Node takes five times as long to start the cipher.
  const cipher = createCipheriv('aes-256-ctr', createSecretKey(key), counterAt(byteOffset))
  if (byteOffset % 16 !== 0) cipher.update(zeros.subarray(0, byteOffset % 16))
  return (words) => readWords(cipher, words)
}

/**
 * Gives back the memory of words that {@link keystream} read, at once. Left to the garbage collector, every chunk would
 * be written to memory that no cache holds, which takes nearly twice as long.
 */
export function freeWords({ buffer, byteLength }: Int32Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

function readWords(cipher: Cipheriv, words: number): Int32Array {
  const bytes = cipher.update(zeros.subarray(0, 4 * words))
  if (bytes.byteOffset % 4 === 0) return new Int32Array(bytes.buffer, bytes.byteOffset, words)
  return new Int32Array(Uint8Array.from(bytes).buffer)
}

/** 16 bytes: the block's number, big-endian. */
function counterAt(byteOffset: number): Buffer {
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(Math.floor(byteOffset / 16)), 8)
  return counter
}

type FourLoop = (sum: Int32Array, a: Int32Array, b: Int32Array, c: Int32Array, d: Int32Array) => void

/** Four addends a pass halve the time of one a pass; zeros fill up the last four. */
function inFours(
  sum: Int32Array,
  count: number,
  read: (index: number) => Int32Array,
  loop: FourLoop,
  free?: (words: Int32Array) => void,
): void {
  for (let i = 0; i < count; i += 4) {
    const [a, b, c, d] = [i, i + 1, i + 2, i + 3].map((at) => (at < count ? read(at) : zeroWords))
    loop(sum, a!, b!, c!, d!)
    if (free) for (const words of [a!, b!, c!, d!]) if (words !== zeroWords) free(words)
  }
}

function addFour(sum: Int32Array, a: Int32Array, b: Int32Array, c: Int32Array, d: Int32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! + a[i]! + b[i]! + c[i]! + d[i]!) | 0
}

function subtractFour(sum: Int32Array, a: Int32Array, b: Int32Array, c: Int32Array, d: Int32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! - a[i]! - b[i]! - c[i]! - d[i]!) | 0
}
