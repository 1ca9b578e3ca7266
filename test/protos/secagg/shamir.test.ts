/** Secret sharing over GF(2^8): the specification's vectors, the threshold both ways, and every malformed call. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { interpolate, multiply, rebuildSecret, splitSecret } from '@consilium/protos/secagg/shamir.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type Row = {
  readonly n: number
  readonly t: number
  readonly secret: string
  readonly shares: Readonly<Record<string, string>>
  readonly recover_from: readonly number[]
}
const vectors = JSON.parse(readFileSync(new URL('../../vectors/shamir_gf256.json', import.meta.url), 'utf8')) as {
  readonly rows: readonly Row[]
  readonly gf256_mul: readonly (readonly [number, number, number])[]
}

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

test.for(vectors.gf256_mul)('%i times %i is %i', ([a, b, product]) => {
  expect(multiply(a, b)).toBe(product)
  expect(multiply(b, a)).toBe(product)
})

describe.for(vectors.rows)('$t of $n', ({ n, t, secret, shares, recover_from }) => {
  const coefficients = (): ((length: number) => Uint8Array) => {
    let degree = 1
    return () =>
      new Uint8Array(createHash('sha256').update(`fedsum-test-vector|shamir-coeff-${n}-${degree++}|0`).digest())
  }
  const dealt = splitSecret(bytes(secret), t, upTo(n), coefficients())

  test('split as in the vector', () => {
    for (const [index, share] of Object.entries(shares)) expect(hex(dealt[Number(index) - 1]!.bytes)).toBe(share)
  })

  test("rebuild the secret from the vector's set", () => {
    expect(hex(rebuildSecret(recover_from.map((index) => dealt[index - 1]!)))).toBe(secret)
  })
})

describe('shares of a secret', () => {
  const cohort = fc.integer({ min: 3, max: 30 }).chain((n) =>
    fc.record({
      secret: fc.constantFrom(32, 64).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
      indices: fc.shuffledSubarray(upTo(255), { minLength: n, maxLength: n }),
      threshold: fc.integer({ min: 2, max: n }),
    }),
  )

  test('rebuild it from any threshold of them, and from no other number', () => {
    fc.assert(
      fc.property(cohort, fc.nat(), ({ secret, indices, threshold }, start) => {
        const shares = splitSecret(secret, threshold, indices)
        const chosen = Array.from({ length: threshold }, (_, i) => shares[(start + i) % shares.length]!)
        expect(rebuildSecret(chosen)).toEqual(secret)
        for (const other of shares) expect(interpolate(chosen, other.index)).toEqual(other.bytes)
        // One fewer gives something else but for a chance of 2^-256.
        if (threshold > 2) expect(rebuildSecret(chosen.slice(1))).not.toEqual(secret)
      }),
      { numRuns: 100 },
    )
  })

  test('one fewer than the threshold are distributed alike whatever the secret: chi-squared over bytes', () => {
    const [samples, threshold] = [4000, 3]
    for (const fill of [0, 255]) {
      const counts = new Float64Array(256)
      for (let i = 0; i < samples / 32; i++) {
        const [a, b] = splitSecret(new Uint8Array(32).fill(fill), threshold, [1, 2, 3])
        // A byte that mixes both shares: were it biased, two shares would tell of the secret.
        for (let k = 0; k < 32; k++) counts[multiply(a!.bytes[k]!, 7) ^ b!.bytes[k]!]! += 1
      }
      const expected = samples / 256
      const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      // 255 degrees of freedom: beyond 420 with probability below 1e-9.
      expect(chiSquared).toBeLessThan(420)
    }
  })

  test('below the threshold are consistent with every secret', () => {
    const shares = splitSecret(new Uint8Array(32).fill(9), 4, upTo(5)).slice(0, 3)
    const candidates = new Set<string>()
    for (let guess = 0; guess < 256; guess++)
      candidates.add(hex(interpolate([{ index: 5, bytes: new Uint8Array(32).fill(guess) }, ...shares], 0)))
    expect(candidates.size).toBe(256)
  })
})

describe('a malformed call', () => {
  const secret = new Uint8Array(64)
  const share = (index: number, length = 32) => ({ index, bytes: new Uint8Array(length) })

  test.for([
    ['a secret of 63 bytes', () => splitSecret(new Uint8Array(63), 2, [1, 2, 3])],
    ['an empty secret', () => splitSecret(new Uint8Array(), 2, [1, 2, 3])],
    ['a threshold of one', () => splitSecret(secret, 1, [1, 2, 3])],
    ['a threshold beyond the sites', () => splitSecret(secret, 4, [1, 2, 3])],
    ['a fractional threshold', () => splitSecret(secret, 2.5, [1, 2, 3])],
    ['index 0, where the secret is', () => splitSecret(secret, 2, [0, 1, 2])],
    ['index 256', () => splitSecret(secret, 2, [1, 2, 256])],
    ['an index twice', () => splitSecret(secret, 2, [1, 2, 2])],
    ['rebuilding from nothing', () => rebuildSecret([])],
    ['rebuilding from one share', () => rebuildSecret([share(1)])],
    ['rebuilding from the same share twice', () => rebuildSecret([share(1), share(1)])],
    ['rebuilding from a truncated share', () => rebuildSecret([share(1), share(2, 31)])],
    ['rebuilding from shares of two lengths', () => rebuildSecret([share(1), share(2, 64)])],
    ['rebuilding from a share at index 0', () => rebuildSecret([share(0), share(2)])],
  ] as const)('is refused: %s', ([, call]) => {
    expect(call).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })
})
