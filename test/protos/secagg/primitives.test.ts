/** The primitives of secure aggregation against the specification's vectors (RFC 5869, RFC 7748, AES-CTR, NaCl). */
import { hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  agree,
  agreementPublicKey,
  assertAgreementKey,
  generateAgreementKeys,
  maskKey,
  pairSeed,
} from '@consilium/protos/secagg/keys.ts'
import { addMasks, addVectors, keystream } from '@consilium/protos/secagg/mask-stream.ts'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { describe, expect, test } from 'vitest'

type Vectors = {
  readonly hkdf: readonly { ikm: string; salt: string; info: string; out: string }[]
  readonly x25519: readonly { sk: string; pk: string; shared: string }[]
  readonly aes_ctr: readonly { key: string; offset: number; out: string }[]
  readonly secretbox: readonly { key: string; nonce: string; plaintext: string; box: string }[]
  readonly x25519_low_order_points: readonly string[]
}
const vectors = JSON.parse(readFileSync(new URL('../../vectors/primitives.json', import.meta.url), 'utf8')) as Vectors
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array | Int32Array) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')
const refused = expect.objectContaining({ code: 'message-invalid' })

test.for(vectors.hkdf)('HKDF-SHA256 gives the vector of info $info', ({ ikm, salt, info, out }) => {
  expect(hex(new Uint8Array(hkdfSync('sha256', bytes(ikm), bytes(salt), bytes(info), 32)))).toBe(out)
})

test.for(vectors.secretbox)('a secretbox of $plaintext is the vector', ({ key, nonce, plaintext, box }) => {
  expect(hex(nacl.secretbox(bytes(plaintext), bytes(nonce), bytes(key)))).toBe(box)
  expect(hex(nacl.secretbox.open(bytes(box), bytes(nonce), bytes(key))!)).toBe(plaintext)
})

describe('key agreement', () => {
  test('gives the vector', () => {
    for (const { sk, pk, shared } of vectors.x25519) expect(hex(agree(bytes(sk), bytes(pk)))).toBe(shared)
  })

  test('gives both ends the same, and what the library of the key pairs gives', () => {
    const [a, b] = [generateAgreementKeys(), generateAgreementKeys()]
    const shared = new Uint8Array(agree(b.secretKey, a.publicKey))
    expect(new Uint8Array(agree(a.secretKey, b.publicKey))).toEqual(shared)
    expect(nacl.scalarMult(a.secretKey, b.publicKey)).toEqual(shared)
    expect(agreementPublicKey(a.secretKey)).toEqual(a.publicKey)
  })

  test.for(vectors.x25519_low_order_points)('refuses the key %s of low order', (point) => {
    expect(() => assertAgreementKey(bytes(point))).toThrow(refused)
    expect(() => agree(new Uint8Array(32).fill(8), bytes(point))).toThrow(refused)
  })

  test.for([
    ['with its highest bit set', `${'01'.repeat(31)}81`],
    ['equal to the prime and three', `f0${'ff'.repeat(30)}7f`],
    ['of 31 bytes', '09'.repeat(31)],
    ['of 33 bytes', '09'.repeat(33)],
    ['of no bytes', ''],
  ] as const)('refuses a key %s', ([, key]) => {
    expect(() => agree(new Uint8Array(32).fill(8), bytes(key))).toThrow(refused)
    expect(() => assertAgreementKey(bytes(key))).toThrow(refused)
  })

  test('takes the largest canonical keys that have no low order', () => {
    expect(() => assertAgreementKey(bytes(`eb${'ff'.repeat(30)}7f`))).not.toThrow()
    expect(() => assertAgreementKey(bytes(`ff${'ff'.repeat(30)}7e`))).not.toThrow()
  })
})

describe('seeds and mask keys', () => {
  const shared = new Uint8Array(32).fill(1)
  const sid = new Uint8Array(32).fill(2)

  test('differ with the session, the pair, the kind, the vector and the sharers, and not with the order of the pair', () => {
    const seed = pairSeed(shared, sid, 3, 7)
    expect(pairSeed(shared, sid, 7, 3)).toEqual(seed)
    const keys = [
      maskKey(seed, 'pair', 'update', sid),
      maskKey(seed, 'self', 'update', sid),
      maskKey(seed, 'pair', 'hdr', sid),
      maskKey(seed, 'pair', 'update', shared),
      maskKey(pairSeed(shared, sid, 3, 8), 'pair', 'update', sid),
      maskKey(pairSeed(shared, shared, 3, 7), 'pair', 'update', sid),
    ]
    expect(new Set(keys.map(hex)).size).toBe(keys.length)
  })

  test('are refused for a site with itself, a short seed and a vector whose name could run into the hash', () => {
    const badArgument = expect.objectContaining({ code: 'invalid-argument' })
    expect(() => pairSeed(shared, sid, 3, 3)).toThrow(badArgument)
    expect(() => pairSeed(shared.subarray(1), sid, 3, 4)).toThrow(badArgument)
    expect(() => maskKey(shared.subarray(1), 'self', 'update', sid)).toThrow(badArgument)
    expect(() => maskKey(shared, 'self', 'up\0date', sid)).toThrow(badArgument)
    expect(() => pairSeed(shared, sid, 0, 4)).toThrow(refused)
    expect(() => pairSeed(shared, sid, 1, 256)).toThrow(refused)
  })
})

describe('a mask stream', () => {
  test.for(vectors.aes_ctr)('gives the vector at byte offset $offset', ({ key, offset, out }) => {
    expect(hex(keystream(bytes(key), offset)(out.length / 8))).toBe(out)
  })

  const key = fc.uint8Array({ minLength: 32, maxLength: 32 })

  test('is the same whether read in one piece or in any two, from any word on', () => {
    fc.assert(
      fc.property(key, fc.nat(2 ** 40), fc.nat(300), fc.nat(300), (streamKey, word, first, second) => {
        const whole = keystream(streamKey, 4 * word)(first + second)
        const read = keystream(streamKey, 4 * word)
        expect([...read(first), ...read(second)]).toEqual([...whole])
        expect([...keystream(streamKey, 4 * (word + first))(second)]).toEqual([...whole.subarray(first)])
      }),
      { numRuns: 50 },
    )
  })

  test('masks a vector the same in any cutting, and minus takes off what plus laid on', () => {
    const masks = fc.array(fc.record({ key, sign: fc.constantFrom(1 as const, -1 as const) }), { maxLength: 11 })
    fc.assert(
      fc.property(masks, fc.integer({ min: 1, max: 40_000 }), fc.nat(), (laid, length, cut) => {
        const whole = new Int32Array(length)
        addMasks(whole, laid, 5)
        const pieces = new Int32Array(length)
        const at = cut % length
        addMasks(pieces.subarray(at), laid, 5 + at)
        addMasks(pieces.subarray(0, at), laid, 5)
        expect(Buffer.compare(Buffer.from(pieces.buffer), Buffer.from(whole.buffer))).toBe(0)
        addMasks(
          whole,
          laid.map(({ key, sign }) => ({ key, sign: sign === 1 ? -1 : 1 })),
          5,
        )
        expect(whole.every((word) => word === 0)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('adds any number of vectors modulo 2^32', () => {
    const sum = Int32Array.of(1, -1, 2 ** 31 - 1)
    const vectors = Array.from({ length: 7 }, (_, i) => Int32Array.of(i, -(2 ** 31), 2 ** 31 - 1))
    addVectors(sum, vectors)
    expect([...sum]).toEqual([22, 2 ** 31 - 1, 8 * (2 ** 31 - 1) - 4 * 2 ** 32])
  })

  test('refuses vectors of different lengths, keys of 31 bytes and offsets within a word', () => {
    expect(() => addVectors(new Int32Array(3), [new Int32Array(4)])).toThrow(
      expect.objectContaining({ code: 'update-invalid' }),
    )
    for (const [bad, offset] of [
      [31, 0],
      [32, 2],
      [32, -4],
      [32, Number.NaN],
      [32, 2 ** 53],
    ] as const)
      expect(() => keystream(new Uint8Array(bad), offset)).toThrow(
        expect.objectContaining({ code: 'invalid-argument' }),
      )
  })
})
