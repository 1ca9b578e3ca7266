/** The Merkle tree of the log against the roots and proofs that every implementation of RFC 6962 knows, and by property. */
import { createHash } from 'node:crypto'
import {
  emptyRoot,
  leafHash,
  type MerkleTree,
  openMerkleTree,
  verifyConsistency,
  verifyInclusion,
} from '@consilium/protos/log/merkle.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** The leaves of the Certificate Transparency reference tests, and the root after each. */
const referenceLeaves: readonly (readonly [string, string])[] = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  ['2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  ['606162636465666768696a6b6c6d6e6f', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
]

function referenceTree(): MerkleTree {
  const tree = openMerkleTree()
  for (const [leaf] of referenceLeaves) tree.append(leafHash(Buffer.from(leaf, 'hex')))
  return tree
}

describe('the reference tree', () => {
  test('has the known root at every size, also once it has grown beyond', () => {
    const growing = openMerkleTree()
    expect(hex(growing.root())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    for (const [leaf, root] of referenceLeaves) {
      growing.append(leafHash(Buffer.from(leaf, 'hex')))
      expect(hex(growing.root())).toBe(root)
    }
    referenceLeaves.forEach(([, root], i) => {
      expect(hex(growing.root(i + 1))).toBe(root)
    })
  })

  /** RFC 6962, section 2.1.3, names the nodes of these paths; the leaves are the reference ones. */
  test.for([
    [0, 1, []],
    [
      0,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
    [
      1,
      5,
      [
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ] as const)('gives the known audit path of leaf %i in a tree of %i', ([index, size, path]) => {
    expect(referenceTree().inclusion(index, size).map(hex)).toEqual(path)
  })

  test.for([
    [1, 1, []],
    [
      1,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [
      2,
      5,
      [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ] as const)('gives the known consistency proof from %i to %i', ([from, to, proof]) => {
    expect(referenceTree().consistency(from, to).map(hex)).toEqual(proof)
  })
})

/** MTH as the RFC writes it, without sharing anything. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length <= 1) return leaves[0] ?? emptyRoot
  let left = 1
  while (left * 2 < leaves.length) left *= 2
  const children = [naiveRoot(leaves.slice(0, left)), naiveRoot(leaves.slice(left))]
  return createHash('sha256')
    .update(Buffer.concat([Uint8Array.of(1), ...children]))
    .digest()
}

const leaves = Array.from({ length: 200 }, (_, i) => leafHash(Buffer.from(`entry ${i}`)))
const grown = openMerkleTree()
for (const leaf of leaves) grown.append(leaf)
const sizes = fc.integer({ min: 1, max: 200 })
/** A position within a size. */
const within = sizes.chain((size) => fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.constant(size)))
const prefixes = sizes.chain((size) => fc.tuple(fc.integer({ min: 1, max: size }), fc.constant(size)))

test('the root is the one that the definition gives, at every size up to 200', () => {
  for (let size = 0; size <= 200; size++) expect(hex(grown.root(size))).toBe(hex(naiveRoot(leaves.slice(0, size))))
})

const headOf = (size: number) => ({ size, root: grown.root(size) })
const flipped = (bytes: Uint8Array, bit: number) => {
  const copy = Uint8Array.from(bytes)
  copy[Math.floor(bit / 8)]! ^= 1 << (bit % 8)
  return copy
}

describe('an audit path', () => {
  const proofOf = (index: number, size: number) => ({
    leaf: leaves[index]!,
    index,
    size,
    path: grown.inclusion(index, size),
    root: grown.root(size),
  })

  test('shows that every entry stands in every tree above it', () => {
    for (let size = 1; size <= 200; size += size < 40 ? 1 : 7)
      for (let index = 0; index < size; index++) expect(verifyInclusion(proofOf(index, size))).toBe(true)
  })

  test('has no more nodes than the tree is high', () => {
    fc.assert(
      fc.property(within, ([index, size]) => {
        expect(grown.inclusion(index, size).length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)))
      }),
    )
  })

  test('shows nothing of another entry, place, size or root, and not with a node changed, missing or more', () => {
    fc.assert(
      fc.property(within, fc.nat(255), fc.nat(), ([index, size], bit, pick) => {
        const proof = proofOf(index, size)
        const { path } = proof
        const node = path.length > 0 ? pick % path.length : 0
        const tampered = [
          { ...proof, leaf: flipped(proof.leaf, bit) },
          { ...proof, root: flipped(proof.root, bit) },
          { ...proof, leaf: leaves[(index + 1) % 200]! },
          { ...proof, index: index + size },
          { ...proof, index: -1 },
          { ...proof, index: index + 0.5 },
          { ...proof, size: index },
          { ...proof, path: [...path, proof.leaf] },
          { ...proof, path: [proof.leaf, ...path] },
          { ...proof, root: proof.root.subarray(1) },
          ...(path.length > 0
            ? [
                { ...proof, path: path.slice(1) },
                { ...proof, path: path.slice(0, -1) },
                { ...proof, path: path.with(node, flipped(path[node]!, bit)) },
                { ...proof, path: path.with(node, path[node]!.subarray(1)) },
                { ...proof, path: path.toSpliced(node, 0, path[node]!) },
              ]
            : []),
        ]
        for (const each of tampered) expect(verifyInclusion(each)).toBe(false)
      }),
    )
  })

  test('shows an entry at its own position only', () => {
    for (let size = 1; size <= 20; size++)
      for (let index = 0; index < size; index++)
        for (let other = 0; other < size; other++)
          expect(verifyInclusion({ ...proofOf(index, size), index: other })).toBe(other === index)
  })
})

describe('a consistency proof', () => {
  test('shows that every tree extends every tree before it', () => {
    for (let size = 1; size <= 200; size += size < 40 ? 1 : 7)
      for (let old = 0; old <= size; old++)
        expect(verifyConsistency(headOf(old), headOf(size), grown.consistency(old, size))).toBe(true)
  })

  test('is refused with another root or size, a node changed, missing or more', () => {
    fc.assert(
      fc.property(prefixes, fc.nat(255), fc.nat(), ([old, size], bit, pick) => {
        const proof = grown.consistency(old, size)
        const node = proof.length > 0 ? pick % proof.length : 0
        const [from, to] = [headOf(old), headOf(size)]
        const accepted = [
          verifyConsistency({ ...from, root: flipped(from.root, bit) }, to, proof),
          verifyConsistency(from, { ...to, root: flipped(to.root, bit) }, proof),
          verifyConsistency({ ...from, size: size + 1 }, to, proof),
          verifyConsistency({ ...from, size: -1 }, to, proof),
          verifyConsistency({ size: 0, root: from.root }, to, proof),
          verifyConsistency(from, { ...to, root: to.root.subarray(1) }, proof),
          verifyConsistency(from, to, [...proof, to.root]),
          verifyConsistency(from, to, [from.root, ...proof]),
          ...(proof.length > 0
            ? [
                verifyConsistency(from, to, []),
                verifyConsistency(from, to, proof.slice(1)),
                verifyConsistency(from, to, proof.slice(0, -1)),
                verifyConsistency(from, to, proof.with(node, flipped(proof[node]!, bit))),
                verifyConsistency(from, to, proof.with(node, proof[node]!.subarray(1))),
                verifyConsistency(from, to, proof.toSpliced(node, 0, proof[node]!)),
              ]
            : []),
        ]
        expect(accepted).toEqual(accepted.map(() => false))
      }),
    )
  })

  test('joins no two logs that differ in one entry', () => {
    fc.assert(
      fc.property(prefixes, fc.nat(), ([old, size], pick) => {
        const changed = pick % old
        const fork = openMerkleTree()
        leaves.slice(0, size).forEach((leaf, i) => {
          fork.append(i === changed ? leafHash(leaf) : leaf)
        })
        for (const proof of [fork.consistency(old, size), grown.consistency(old, size)])
          expect(verifyConsistency(headOf(old), { size, root: fork.root() }, proof)).toBe(false)
      }),
      { numRuns: 30 },
    )
  })
})

test('what a tree does not have yet is no matter of proof', () => {
  const tree = referenceTree()
  for (const beyond of [
    () => tree.root(9),
    () => tree.inclusion(8, 8),
    () => tree.inclusion(0, 9),
    () => tree.inclusion(0, 0),
    () => tree.consistency(3, 9),
    () => tree.consistency(4, 3),
    () => tree.consistency(-1, 3),
    () => tree.consistency(0.5, 3),
    () => tree.append(new Uint8Array(31)),
  ])
    expect(beyond).toThrow(RangeError)
  expect(tree.size).toBe(8)
})

test('what a tree gave out changes nothing in it', () => {
  const tree = referenceTree()
  tree.root().fill(0)
  for (const node of [...tree.inclusion(3, 8), ...tree.consistency(3, 8)]) node.fill(0)
  expect(hex(tree.root())).toBe(referenceLeaves[7]![1])
  expect(hex(tree.root(7))).toBe(referenceLeaves[6]![1])
})
