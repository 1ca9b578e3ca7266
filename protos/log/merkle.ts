/**
 * The Merkle tree of a log (RFC 6962, section 2.1; verification as in RFC 9162, sections 2.1.3.2 and 2.1.4.2): one root
 * for any prefix, and short proofs that an entry stands in it or that one prefix extends another.
 */
import { hash } from 'node:crypto'

/** A tree that grows by leaves. Sizes and positions beyond it are the caller's mistake and throw a RangeError. */
export type MerkleTree = {
  readonly size: number
  /** `leaf`: a leaf hash, 32 bytes. */
  append(leaf: Uint8Array): void
  /** Root of the first `size` leaves, of all where no size is given; 32 bytes. */
  root(size?: number): Uint8Array
  /** Audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962, section 2.1.1). */
  inclusion(index: number, size: number): Uint8Array[]
  /** Proof that the first `newSize` leaves begin with the first `oldSize` (section 2.1.2); empty where either is trivial. */
  consistency(oldSize: number, newSize: number): Uint8Array[]
}

/** Empty at first. Holds every complete subtree, 64 bytes a leaf, so that roots and proofs hash O(log^2 n) nodes. */
export function openMerkleTree(): MerkleTree {
  /** By height: the roots of the complete subtrees of 2^height leaves, from left to right. */
  const levels: HashList[] = [hashList()]
  const size = () => levels[0]!.length

  /** MTH of the `count` leaves from `start` on. */
  function subtree(start: number, count: number): Uint8Array {
    if (count === 0) return sha256(new Uint8Array())
    if (isPowerOfTwo(count) && start % count === 0) return levels[Math.log2(count)]!.at(start / count)
    const left = largestPowerBelow(count)
    return nodeHash(subtree(start, left), subtree(start + left, count - left))
  }

  /** PATH(m, D[n]) over the leaves from `start` on. */
  function path(index: number, start: number, count: number): Uint8Array[] {
    if (count === 1) return []
    const left = largestPowerBelow(count)
    return index < left
      ? [...path(index, start, left), subtree(start + left, count - left)]
      : [...path(index - left, start + left, count - left), subtree(start, left)]
  }

  /** SUBPROOF(m, D[n], b) over the leaves from `start` on; `whole`: their first `old` are the whole old tree. */
  function subproof(old: number, start: number, count: number, whole: boolean): Uint8Array[] {
    if (old === count) return whole ? [] : [subtree(start, count)]
    const left = largestPowerBelow(count)
    return old <= left
      ? [...subproof(old, start, left, whole), subtree(start + left, count - left)]
      : [...subproof(old - left, start + left, count - left, false), subtree(start, left)]
  }

  return {
    get size() {
      return size()
    },
    append(leaf) {
      levels[0]!.push(leaf)
      for (let height = 0; levels[height]!.length % 2 === 0; height++) {
        const below = levels[height]!
        levels[height + 1] ??= hashList()
        levels[height + 1]!.push(nodeHash(below.at(below.length - 2), below.at(below.length - 1)))
      }
    },
    root(of = size()) {
      assertWithin(of, size())
      return subtree(0, of)
    },
    inclusion(index, of) {
      assertWithin(of, size())
      assertWithin(index, of - 1)
      return path(index, 0, of)
    },
    consistency(oldSize, newSize) {
      assertWithin(newSize, size())
      assertWithin(oldSize, newSize)
      return oldSize === 0 ? [] : subproof(oldSize, 0, newSize, true)
    },
  }
}

/** SHA-256(0x00 || data). */
export function leafHash(data: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([leafPrefix, data]))
}

/** Root of a tree without leaves: SHA-256 of nothing. */
export const emptyRoot: Uint8Array = sha256(new Uint8Array())

/** Whether `path` leads from `leaf`, at position `index` of `size`, to `root`. Never throws. */
export function verifyInclusion(proof: {
  readonly leaf: Uint8Array
  readonly index: number
  readonly size: number
  readonly path: readonly Uint8Array[]
  readonly root: Uint8Array
}): boolean {
  const { leaf, index, size, path, root } = proof
  if (!isCount(index) || !isCount(size) || index >= size || !allHashes([leaf, root, ...path])) return false
  let [at, last] = [index, size - 1]
  let node = leaf
  for (const sibling of path) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      node = nodeHash(sibling, node)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else node = nodeHash(node, sibling)
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && same(node, root)
}

/** Whether `proof` shows that the tree of `newSize` leaves and `newRoot` begins with that of `oldSize` and `oldRoot`. Never throws. */
export function verifyConsistency(
  old: { readonly size: number; readonly root: Uint8Array },
  grown: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (!isCount(old.size) || !isCount(grown.size) || old.size > grown.size) return false
  if (!allHashes([old.root, grown.root, ...proof])) return false
  if (old.size === grown.size) return proof.length === 0 && same(old.root, grown.root)
  if (old.size === 0) return proof.length === 0 && same(old.root, emptyRoot)
  // An old tree that is complete is a node of the new one, and its root stands for the first node of the proof.
  const [first, ...rest] = isPowerOfTwo(old.size) ? [old.root, ...proof] : proof
  if (first === undefined || proof.length === 0) return false
  let [at, last] = [old.size - 1, grown.size - 1]
  while (at % 2 === 1) [at, last] = [half(at), half(last)]
  let [oldNode, newNode] = [first, first]
  for (const sibling of rest) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      oldNode = nodeHash(sibling, oldNode)
      newNode = nodeHash(sibling, newNode)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else newNode = nodeHash(newNode, sibling)
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && same(oldNode, old.root) && same(newNode, grown.root)
}

type HashList = { readonly length: number; push(hash: Uint8Array): void; at(index: number): Uint8Array }

/** 32-byte hashes in one buffer that doubles. */
function hashList(): HashList {
  let bytes = Buffer.alloc(32 * 8)
  let length = 0
  return {
    get length() {
      return length
    },
    push(one) {
      if (one.length !== 32) throw new RangeError(`a hash has 32 bytes, not ${one.length}`)
      if (32 * (length + 1) > bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(bytes.length)])
      bytes.set(one, 32 * length)
      length += 1
    },
    // A copy: a view would keep a buffer alive that was outgrown, and could be written to.
    at: (index) => Uint8Array.from(bytes.subarray(32 * index, 32 * (index + 1))),
  }
}

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([nodePrefix, left, right]))
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', bytes, 'buffer'))
}

/** The largest power of two below `count`, which is 2 or more. */
function largestPowerBelow(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}

function isPowerOfTwo(count: number): boolean {
  return largestPowerBelow(count + 1) === count
}

/** Sizes may go beyond 32 bits, where shifts do not. */
function half(value: number): number {
  return Math.floor(value / 2)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function assertWithin(value: number, max: number): void {
  if (!isCount(value) || value > max) throw new RangeError(`${value} is not within 0 to ${max}`)
}

function allHashes(all: readonly Uint8Array[]): boolean {
  return all.every(({ length }) => length === 32)
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
