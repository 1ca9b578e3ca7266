/** The protocol's hash against the specification's vectors, and canonical JSON (RFC 8785). */
import { readFileSync } from 'node:fs'
import { canonicalJson, labelledHash, sha256Hex } from '@consilium/protos/hash.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type HashVector = { readonly label: string; readonly parts: readonly string[]; readonly out: string }
const vectors = JSON.parse(readFileSync(new URL('../vectors/primitives.json', import.meta.url), 'utf8')) as {
  readonly H: readonly HashVector[]
}

describe('the labelled hash', () => {
  test.for(vectors.H)('equals the vector of label $label with parts $parts', ({ label, parts, out }) => {
    expect(labelledHash(label, ...parts.map((part) => Buffer.from(part, 'hex'))).toString('hex')).toBe(out)
  })

  test('tells apart any two different lists of parts, also where their concatenations are equal', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 4 })
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const equal = a.length === b.length && a.every((part, i) => Buffer.compare(part, b[i]!) === 0)
        expect(labelledHash('x', ...a).equals(labelledHash('x', ...b))).toBe(equal)
      }),
    )
    const [whole, split] = [[Buffer.from('ab')], [Buffer.from('a'), Buffer.from('b')]]
    expect(labelledHash('x', ...whole)).not.toEqual(labelledHash('x', ...split))
  })

  test('depends on the label', () => {
    expect(labelledHash('study', Buffer.from('a'))).not.toEqual(labelledHash('plan', Buffer.from('a')))
    expect(labelledHash('a', Buffer.from('b'))).not.toEqual(labelledHash('ab', Buffer.alloc(0)))
  })
})

describe('canonical JSON', () => {
  test('sorts keys and writes numbers the shortest way', () => {
    expect(canonicalJson({ b: 1e21, a: [0.1, -0, 100], ä: '\u20ac' }).toString('utf8')).toBe(
      '{"a":[0.1,0,100],"b":1e+21,"ä":"\u20ac"}',
    )
  })

  test('is the same for the same value, whatever the order of its keys, and reads back as that value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        const bytes = canonicalJson(value)
        expect(canonicalJson(reversed).equals(bytes)).toBe(true)
        expect(canonicalJson(JSON.parse(bytes.toString('utf8'))).equals(bytes)).toBe(true)
      }),
    )
  })

  test.for([
    ['NaN', { loss: Number.NaN }],
    ['infinity', [Number.POSITIVE_INFINITY]],
    ['a function', () => 1],
    ['undefined', undefined],
    ['a BigInt', { count: 10n }],
    ['a lone surrogate', '\ud800'],
  ] as const)('refuses %s as message-invalid', ([, value]) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'message-invalid' }))
  })
})

test('an object is named by the lower-case hexadecimal SHA-256 of its bytes (FIPS 180-4, "abc")', () => {
  expect(sha256Hex(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
