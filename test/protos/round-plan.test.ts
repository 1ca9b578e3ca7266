/** The round plan: a site works for what its pinned coordinator key signed, and for nothing else. */
import { generateIdentity, identityFromSeed } from '@consilium/protos/identity.ts'
import { planBytesMax } from '@consilium/protos/limits.ts'
import { planHash, type RoundPlan, readRoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const coordinator = identityFromSeed(new Uint8Array(32).fill(2))

const plan: RoundPlan = {
  format: 2,
  run: 'run-1',
  study: 'ab'.repeat(32),
  round: 3,
  purpose: 'train',
  cohort: ['basel', 'budapest', 'long-beach'],
  model: 'cd'.repeat(32),
  standardisation: { means: [54.25, 0.5], standardDeviations: [9, 0.5] },
  logHead: { size: 12, root: 'ef'.repeat(32) },
  modelEntry: 9,
  secure: {
    roster: [1, 2, 3].map((site) => Buffer.alloc(32, site).toString('base64')),
    colluders: 0,
    survivorsMin: 3,
    vectors: [
      { name: 'hdr', words: 16 },
      { name: 'update', words: 12 },
    ],
  },
}
const secure = plan.secure!
/** Of a study whose updates are sealed to the run's key. */
const { secure: _, ...rest } = plan
const sealedPlan: RoundPlan = { ...rest, runPublicKey: Buffer.alloc(32, 3).toString('base64') }

const refused = expect.objectContaining({ code: expect.stringMatching(/^(signature|message)-invalid$/) })

describe('a signed round plan', () => {
  test.for([
    ['of secure aggregation', plan],
    ['of sealed updates', sealedPlan],
    ['of the initial parameters', (({ modelEntry: _, ...first }) => first)(plan)],
  ] as const)('%s reads back as it was signed', ([, one]) => {
    expect(readRoundPlan(signRoundPlan(one, coordinator), coordinator.publicKey)).toEqual(one)
  })

  test('is refused with any one byte of the plan or of its signature flipped', () => {
    const signed = signRoundPlan(plan, coordinator)
    fc.assert(
      fc.property(fc.nat(signed.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = Uint8Array.from(signed.bytes)
        bytes[at]! ^= mask
        expect(() => readRoundPlan({ ...signed, bytes }, coordinator.publicKey)).toThrow(refused)
      }),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(fc.nat(63), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const signature = Uint8Array.from(signed.signature)
        signature[at]! ^= mask
        expect(() => readRoundPlan({ ...signed, signature }, coordinator.publicKey)).toThrow(refused)
      }),
      { numRuns: 64 },
    )
  })

  test('is refused under a coordinator key other than the pinned one', () => {
    expect(() => readRoundPlan(signRoundPlan(plan, generateIdentity()), coordinator.publicKey)).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    )
  })

  const changes: readonly (readonly [string, Partial<RoundPlan>])[] = [
    ['round', { round: 4 }],
    ['purpose', { purpose: 'evaluate' }],
    ['cohort', { cohort: ['basel', 'budapest'] }],
    ['global model', { model: 'ce'.repeat(32) }],
    ['study', { study: 'ac'.repeat(32) }],
    ['run', { run: 'run-2' }],
    ['run key', { runPublicKey: Buffer.alloc(32, 4).toString('base64') }],
    ['log', { logHead: { size: 13, root: 'ef'.repeat(32) } }],
    ['head of the log', { logHead: { size: 12, root: 'ee'.repeat(32) } }],
    ['entry of the model', { modelEntry: 8 }],
    ['roster', { secure: { ...secure, roster: secure.roster.toReversed() } }],
    ['number of colluders', { secure: { ...secure, colluders: 1 } }],
    ['fewest survivors', { secure: { ...secure, survivorsMin: 4 } }],
    ['order of the vectors', { secure: { ...secure, vectors: secure.vectors.toReversed() } }],
    ['standardisation', { standardisation: { means: [0, 0], standardDeviations: [1, 1] } }],
  ]

  test.for(changes)('has another hash with another %s, and the old signature does not cover it', ([, change]) => {
    const changed = { ...plan, ...change }
    const { signature } = signRoundPlan(plan, coordinator)
    expect(planHash(changed)).not.toBe(planHash(plan))
    const { bytes } = signRoundPlan(changed, coordinator)
    expect(() => readRoundPlan({ bytes, signature }, coordinator.publicKey)).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    )
  })

  test.for([
    ['a field that no site knows', { command: 'ls' }],
    ['an empty cohort', { cohort: [] }],
    ['a cohort of 256', { cohort: Array.from({ length: 256 }, (_, i) => `site-${i}`) }],
    ['a site name with a slash', { cohort: ['../basel'] }],
    ['another format', { format: 1 }],
    ['an unknown purpose', { purpose: 'export' }],
    ['half a round', { round: 1.5 }],
    ['a negative standard deviation', { standardisation: { means: [0], standardDeviations: [-1] } }],
    ['no head of the log', { logHead: undefined }],
    ['a log of half an entry', { logHead: { size: 0.5, root: 'ef'.repeat(32) } }],
    ['a short head of the log', { logHead: { size: 1, root: 'ef' } }],
    ['an entry before the first', { modelEntry: -1 }],
    ['a roster of two', { secure: { ...secure, roster: secure.roster.slice(1) } }],
    ['a roster of 256', { secure: { ...secure, roster: Array(256).fill(secure.roster[0]) } }],
    ['a short identity in the roster', { secure: { ...secure, roster: [...secure.roster, 'AA=='] } }],
    ['fewer than no colluders', { secure: { ...secure, colluders: -1 } }],
    ['two survivors', { secure: { ...secure, survivorsMin: 2 } }],
    ['no vectors', { secure: { ...secure, vectors: [] } }],
    ['five vectors', { secure: { ...secure, vectors: Array(5).fill(secure.vectors[0]) } }],
    ['a vector without words', { secure: { ...secure, vectors: [{ name: 'hdr', words: 0 }] } }],
    ['a vector whose name could pass for two', { secure: { ...secure, vectors: [{ name: 'a/b', words: 1 }] } }],
    ['thresholds of its own', { secure: { ...secure, threshold: 2 } }],
    ['a short run key', { runPublicKey: Buffer.alloc(31).toString('base64') }],
  ] as const)('is refused with %s, though the coordinator signed it', ([, change]) => {
    const signed = signRoundPlan({ ...plan, ...change } as unknown as RoundPlan, coordinator)
    expect(() => readRoundPlan(signed, coordinator.publicKey)).toThrow(
      expect.objectContaining({ code: 'message-invalid' }),
    )
  })

  test('is refused before it is parsed where it is too long', () => {
    const signed = { bytes: new Uint8Array(planBytesMax + 1), signature: new Uint8Array(64) }
    expect(() => readRoundPlan(signed, coordinator.publicKey)).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    )
  })
})
