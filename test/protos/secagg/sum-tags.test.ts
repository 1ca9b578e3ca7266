/**
 * Sum tags: those of a sum are the sums of those of its parts, against whole numbers of any size, and one bit changed
 * anywhere is found. The round of the vector (toy-round.test.ts) pins their bytes.
 */
import { createCipheriv, createHmac } from 'node:crypto'
import { encodeHeader, headerWords, readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { addVectors } from '@consilium/protos/secagg/mask-stream.ts'
import {
  addHeader,
  areTagsRight,
  groupSecret,
  type Lift,
  sumTagger,
  tagPrimes,
  withTags,
} from '@consilium/protos/secagg/sum-tags.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const bytes32 = (value: number) => new Uint8Array(32).fill(value)
const [group, sid] = [bytes32(1), bytes32(2)]

/** The definition, in whole numbers: <r_k, v> mod p_k. */
function exactTags(words: Int32Array, lift: Lift): number[] {
  const key = createHmac('sha256', group).update('fedsum/v1/tag\0').update(sid).digest()
  const stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(16 * words.length))
  return tagPrimes.map((prime, k) => {
    let sum = 0n
    words.forEach((word, i) => {
      sum += BigInt(stream.readUInt32LE(16 * i + 4 * k)) * BigInt(lift === 'centred' ? word : word >>> 0)
    })
    const rest = Number(sum % BigInt(prime))
    return rest < 0 ? rest + prime : rest
  })
}

function tagsOf(words: Int32Array, lift: Lift, pieces: readonly number[] = []): number[] {
  const tagger = sumTagger(group, sid)
  let at = 0
  for (const piece of [...pieces, words.length]) {
    tagger.add(words.subarray(at, at + piece), lift)
    at += piece
  }
  return tagger.tags()
}

const word = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, -1, 0),
)
const wordsOf = (maxLength: number) => fc.array(word, { minLength: 1, maxLength }).map((all) => Int32Array.from(all))
const lift = fc.constantFrom<Lift>('centred', 'unsigned')

describe('tags', () => {
  test('are <r, v> mod p in whole numbers, for words of any size and either reading', () => {
    fc.assert(
      fc.property(wordsOf(300), lift, (words, reading) => {
        expect(tagsOf(words, reading)).toEqual(exactTags(words, reading))
      }),
      { numRuns: 200 },
    )
  })

  test.for([
    ['centred', -(2 ** 31)],
    ['centred', 2 ** 31 - 1],
    ['unsigned', -1],
  ] as const)('%s are exact where every word is %d, over more than one stretch of the stream', ([reading, value]) => {
    const words = new Int32Array(10_000).fill(value)
    expect(tagsOf(words, reading)).toEqual(exactTags(words, reading))
  })

  test('are the same however the vector is cut', () => {
    const words = Int32Array.from({ length: 9000 }, (_, i) => Math.imul(i, 0x9e3779b1))
    const whole = tagsOf(words, 'centred')
    fc.assert(
      fc.property(fc.array(fc.nat(4000), { maxLength: 8 }), (pieces) => {
        const cut: number[] = []
        let rest = words.length
        for (const piece of pieces) {
          cut.push(Math.min(piece, rest))
          rest -= cut.at(-1)!
        }
        expect(tagsOf(words, 'centred', cut)).toEqual(whole)
      }),
      { numRuns: 50 },
    )
  })

  test('hang on the group secret and on the session', () => {
    const words = Int32Array.of(1, 2, 3)
    const [other, elsewhere] = [sumTagger(bytes32(3), sid), sumTagger(group, bytes32(3))]
    for (const tagger of [other, elsewhere]) tagger.add(words, 'centred')
    expect(new Set([tagsOf(words, 'centred'), other.tags(), elsewhere.tags()].map((tags) => tags.join())).size).toBe(3)
  })
})

describe('the sum of several sites', () => {
  const plan = { cohort: 12, weightMax: 1000 }
  const site = fc.record({
    weight: fc.nat(1000),
    clipped: fc.boolean(),
    clampedCoordinates: fc.nat(1e6),
    lossSum: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    contributes: fc.boolean(),
    // What 12 sites of it add up to stays in 32 bits.
    update: fc.array(fc.integer({ min: -(2 ** 27), max: 2 ** 27 }), { minLength: 7, maxLength: 7 }),
  })
  const cohort = fc.array(site, { minLength: 3, maxLength: 12 })

  function tagged(header: Int32Array, update: Int32Array): number[] {
    const tagger = sumTagger(group, sid)
    addHeader(tagger, header)
    tagger.add(update, 'centred')
    return tagger.tags()
  }

  function summed(sites: readonly (typeof site extends fc.Arbitrary<infer Site> ? Site : never)[]) {
    const [header, update] = [new Int32Array(headerWords), new Int32Array(7)]
    for (const { update: values, ...fields } of sites) {
      const [plain, words] = [encodeHeader(fields, plan), Int32Array.from(values)]
      addVectors(header, [withTags(plain, tagged(plain, words))])
      addVectors(update, [words])
    }
    return { header, update }
  }

  test('has the sum of their tags', () => {
    fc.assert(
      fc.property(cohort, (sites) => {
        const { header, update } = summed(sites)
        expect(areTagsRight(header, tagged(header, update))).toBe(true)
        expect(readHeaderSum(header, sites.length, plan).contributors).toBe(
          sites.filter((one) => one.contributes).length,
        )
      }),
      { numRuns: 100 },
    )
  })

  test('with one bit changed in header, tags or content has others', () => {
    fc.assert(
      fc.property(cohort, fc.integer({ min: 4, max: headerWords + 6 }), fc.nat(31), (sites, at, bit) => {
        const { header, update } = summed(sites)
        if (at < headerWords) header[at]! ^= 1 << bit
        else update[at - headerWords]! ^= 1 << bit
        expect(areTagsRight(header, tagged(header, update))).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the group secret', () => {
  test('hangs on every part, and on whose it is', () => {
    const parts = [1, 2, 3].map((index) => ({ index, part: bytes32(index) }))
    const all = [parts, parts.slice(1), [parts[0]!, { index: 2, part: bytes32(9) }, parts[2]!]].map(groupSecret)
    expect(new Set(all.map((one) => Buffer.from(one).toString('hex'))).size).toBe(3)
    expect(() => groupSecret([parts[1]!, parts[0]!])).toThrow(expect.objectContaining({ code: 'message-invalid' }))
    expect(() => groupSecret([{ index: 1, part: bytes32(1).subarray(1) }])).toThrow(
      expect.objectContaining({ code: 'message-invalid' }),
    )
  })
})
