/** A sum made again from what it was made of: the same bits, and whatever else is sent is found out and named. */
import { createHash } from 'node:crypto'
import { readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { isReplayed, type Replay, type Replayed, replaySum } from '@consilium/protos/secagg/replay.ts'
import { uploadRoot } from '@consilium/protos/secagg/transcript.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { headerPlan, keysOf, maskedBy, reveal, shareKeys, unmask, type Words, wordsOf } from './a-session.ts'

type Round = { readonly round: Replayed; readonly replay: Replay; readonly sum: Uint8Array }

const bytesOf = ({ hdr, update }: Words) => Buffer.concat([hdr, update].map(({ buffer }) => Buffer.from(buffer)))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** A round of so many sites; those named drop out after they shared their keys. */
function play(sites: number, dropouts: readonly number[], length: number, salt: number): Round {
  const all = Array.from({ length: sites }, (_, i) => i + 1)
  const alive = all.filter((index) => !dropouts.includes(index))
  const sharing = shareKeys(all, all, { colluders: 0, survivorsMin: 3 }, salt)
  const { sid, u2Hash } = sharing
  const masked = new Map(alive.map((index) => [index, maskedBy(index, wordsOf(index, length, salt), sharing)]))
  const { sum } = unmask(sharing, masked, reveal(sharing, alive, alive))
  const vectors = [
    { name: 'hdr', words: 16 },
    { name: 'update', words: length },
  ]
  const survivors = alive.map((index) => {
    const { hdr, update } = masked.get(index)!
    const hashed = [
      { name: 'hdr', sha256: sha256(Buffer.from(hdr.buffer)) },
      { name: 'update', sha256: sha256(Buffer.from(update.buffer)) },
    ]
    return { index, root: uploadRoot(sid, index, hashed), maskKey: keysOf(index).mask.publicKey }
  })
  return {
    round: {
      ...{ sid, u2Hash, vectors, survivors },
      dropouts: dropouts.map((index) => ({ index, maskKey: keysOf(index).mask.publicKey })),
    },
    replay: {
      selfSeeds: alive.map((index) => keysOf(index).selfSeed),
      maskSecretKeys: dropouts.map((index) => keysOf(index).mask.secretKey),
      uploads: alive.map((index) => bytesOf(masked.get(index)!)),
    },
    sum: bytesOf(sum!),
  }
}

const rounds = fc
  .record({ sites: fc.integer({ min: 5, max: 12 }), length: fc.integer({ min: 1, max: 40 }), salt: fc.nat(255) })
  .chain((of) =>
    fc.record({
      of: fc.constant(of),
      // Of n sites n / 2 + 1 have to answer.
      dropouts: fc.subarray(
        Array.from({ length: of.sites }, (_, i) => i + 1),
        { maxLength: Math.ceil(of.sites / 2) - 1 },
      ),
    }),
  )

test('whatever drops out, the sum is that of the coordinator, bit for bit', () => {
  fc.assert(
    fc.property(rounds, ({ of: { sites, length, salt }, dropouts }) => {
      const { round, replay, sum } = play(sites, dropouts, length, salt)
      expect(Buffer.compare(replaySum(round, replay), sum)).toBe(0)
    }),
    { numRuns: 40 },
  )
})

const { round, replay, sum } = play(5, [4], 8, 1)
const flipped = (bytes: Uint8Array, at = 0) => {
  const other = Uint8Array.from(bytes)
  other[at]! ^= 1
  return other
}
const at = (list: readonly Uint8Array[], i: number, bytes: Uint8Array) => list.with(i, bytes)

test.for([
  ['a bit of an upload', { uploads: at(replay.uploads, 1, flipped(replay.uploads[1]!, 70)) }, 'the upload of site 2'],
  ['a longer upload', { uploads: at(replay.uploads, 0, Buffer.concat([replay.uploads[0]!, sum])) }, 'of site 1'],
  ['uploads in another order', { uploads: replay.uploads.toReversed() }, 'the upload of site 1'],
  ['an upload less', { uploads: replay.uploads.slice(1) }, 'not one upload'],
  ['a seed less', { selfSeeds: replay.selfSeeds.slice(1) }, 'not one upload and one seed'],
  ['no key of the dropout', { maskSecretKeys: [] }, 'not one mask key'],
  ['another key of the dropout', { maskSecretKeys: [keysOf(1).mask.secretKey] }, 'the mask key of site 4'],
] as const)('%s is found out', ([, changed, why]) => {
  expect(() => replaySum(round, { ...replay, ...changed })).toThrow(
    expect.objectContaining({ code: 'sum-not-verified', message: expect.stringContaining(why) }),
  )
})

test('with another seed of any survivor the masks stay, and no header of theirs is read', () => {
  for (const i of replay.selfSeeds.keys()) {
    const selfSeeds = at(replay.selfSeeds, i, flipped(replay.selfSeeds[i]!))
    const other = replaySum(round, { ...replay, selfSeeds })
    const header = new Int32Array(Uint8Array.from(other).buffer, 0, 16)
    expect(() => readHeaderSum(header, 4, headerPlan)).toThrow(expect.objectContaining({ code: 'update-invalid' }))
  }
})

test('uploads travel with the question up to 1 MiB together', () => {
  const vectors = [{ name: 'hdr', words: 16 }]
  expect([isReplayed(vectors, 2 ** 14), isReplayed(vectors, 2 ** 14 + 1)]).toEqual([true, false])
})
