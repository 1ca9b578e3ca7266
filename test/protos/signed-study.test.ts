/** The signed study: what a site approves cannot be changed afterwards, by anyone but the lead. */
import { readFileSync } from 'node:fs'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { fingerprint, generateIdentity, identityFromSeed } from '@consilium/protos/identity.ts'
import { planBytesMax } from '@consilium/protos/limits.ts'
import {
  leadFingerprint,
  parameterCount,
  readSignedStudy,
  type SignedStudy,
  signStudy,
  studyHash,
} from '@consilium/protos/plan/signed-study.ts'
import { studySchema } from '@consilium/protos/plan/study.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aManifest } from '../support/a-study.ts'

const lead = identityFromSeed(new Uint8Array(32).fill(1))
const signed = signStudy(aManifest(), lead)
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))

/** Every [path, value] of the leaves of a JSON value. */
function leaves(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, member]) =>
    leaves(member, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}

function withLeaf(value: SignedStudy, path: readonly (string | number)[], change: (leaf: unknown) => unknown): unknown {
  const copy = structuredClone(value) as unknown
  let at = copy as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>
  const last = path.at(-1)!
  at[last] = change(at[last])
  return copy
}

function other(leaf: unknown): unknown {
  if (typeof leaf === 'number') return leaf + 1
  if (typeof leaf === 'boolean') return !leaf
  const text = String(leaf)
  return text.startsWith('a') ? `b${text.slice(1)}` : `a${text.slice(1)}`
}

describe('a signed study', () => {
  test('reads back as it was signed, with its hash and the fingerprint of its lead', () => {
    const read = readSignedStudy(bytes(signed))
    expect(read).toEqual({ ...signed, hash: studyHash(signed.manifest) })
    expect(leadFingerprint(read)).toBe(fingerprint(lead.publicKey))
  })

  test('has the same hash whatever the order of its keys', () => {
    const manifest = aManifest()
    const reversed = Object.fromEntries(Object.entries(manifest).reverse()) as typeof manifest
    expect(studyHash(reversed)).toBe(studyHash(manifest))
    expect(readSignedStudy(bytes({ ...signed, manifest: reversed })).hash).toBe(studyHash(manifest))
    expect(readSignedStudy(canonicalJson(signed))).toEqual(readSignedStudy(bytes(signed)))
  })

  test.for(leaves(signed).map((path) => [path.join('.'), path] as const))('is refused with %s changed', ([, path]) => {
    const tampered = withLeaf(signed, path, other)
    expect(tampered).not.toEqual(signed)
    expect(() => readSignedStudy(bytes(tampered))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(signature|message)-invalid$/) }),
    )
  })

  test('is refused where its signature is written in another form of base64', () => {
    // The last digit before the padding stands for two bits; the four below them are free to a careless reader.
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const last = signed.signature.at(-3)!
    const other = `${signed.signature.slice(0, -3)}${digits[digits.indexOf(last) ^ 1]}==`
    expect(Buffer.from(other, 'base64')).toEqual(Buffer.from(signed.signature, 'base64'))
    expect(() => readSignedStudy(bytes({ ...signed, signature: other }))).toThrow(
      expect.objectContaining({ code: 'message-invalid' }),
    )
  })

  test('is refused with any one byte flipped', () => {
    const whole = canonicalJson(signed)
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const tampered = Buffer.from(whole)
        tampered[at]! ^= mask
        expect(() => readSignedStudy(tampered)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^(signature|message)-invalid$/) }),
        )
      }),
      { numRuns: 300 },
    )
  })

  test('is refused under another lead, also one who signs a different study', () => {
    const stranger = generateIdentity()
    const { lead: strangersKey } = signStudy(aManifest(), stranger)
    expect(() => readSignedStudy(bytes({ ...signed, lead: strangersKey }))).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    )
    const other = signStudy(aManifest({ layout: [{ name: 'weight', dims: [6] }] }), lead)
    expect(() => readSignedStudy(bytes({ ...other, signature: signed.signature }))).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    )
  })

  test.for([
    ['an added field', { ...signed, note: 'run this too' }],
    ['an added field in its manifest', { ...signed, manifest: { ...signed.manifest, code: 'x' } }],
    ['no signature', { manifest: signed.manifest, lead: signed.lead }],
    ['a signature of 63 bytes', { ...signed, signature: Buffer.alloc(63).toString('base64') }],
    ['nothing', null],
  ] as const)('is refused with %s', ([, value]) => {
    expect(() => readSignedStudy(bytes(value))).toThrow(expect.objectContaining({ code: 'message-invalid' }))
  })

  test('is refused before it is parsed where it is too long, and where it is no JSON', () => {
    expect(() => readSignedStudy(Buffer.alloc(planBytesMax + 1))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    )
    expect(() => readSignedStudy(Buffer.from('{'))).toThrow(expect.objectContaining({ code: 'message-invalid' }))
  })
})

describe('a study signed before some defaults existed', () => {
  const frozen: { hash: string; fingerprint: string; signed: SignedStudy } = JSON.parse(
    readFileSync(new URL('../vectors/signed_study.json', import.meta.url), 'utf8'),
  )

  test('still verifies under its own hash, and gains the defaults of today', () => {
    expect(frozen.signed.manifest.study).not.toHaveProperty('aggregation')
    expect(frozen.signed.manifest.study.deadlines).not.toHaveProperty('keysMs')
    const read = readSignedStudy(bytes(frozen.signed))
    expect(read.hash).toBe(frozen.hash)
    expect(leadFingerprint(read)).toBe(frozen.fingerprint)
    expect(read.manifest.study).toEqual(studySchema.parse(frozen.signed.manifest.study))
    expect(read.manifest.study).toMatchObject({
      aggregation: { mode: 'secure' },
      deadlines: { keysMs: 60_000, makeUpMs: 604_800_000 },
    })
  })

  test('is another study once a default of today is written into it', () => {
    const written = withLeaf(frozen.signed, ['manifest', 'study', 'aggregation'], () => ({ mode: 'secure' }))
    expect(() => readSignedStudy(bytes(written))).toThrow(expect.objectContaining({ code: 'signature-invalid' }))
    const { manifest } = readSignedStudy(bytes(frozen.signed))
    expect(() => readSignedStudy(bytes({ ...frozen.signed, manifest }))).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    )
  })
})

test('the parameters of a layout are the sum of the products of its dimensions; a scalar counts one', () => {
  expect(
    parameterCount([
      { name: 'kernel', dims: [3, 4, 5] },
      { name: 'bias', dims: [5] },
      { name: 'temperature', dims: [] },
      { name: 'empty', dims: [0, 7] },
    ]),
  ).toBe(66)
})
