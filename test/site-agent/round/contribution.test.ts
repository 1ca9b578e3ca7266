import { encodeContribution } from '@consilium/protos/plan/contribution.ts'
import { sealUpdate } from '@consilium/protos/sealing/sealed-update.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { preview } from '../../../site-agent/preview.ts'
import { clip, contributionOf } from '../../../site-agent/round/contribution.ts'
import { runKey, sealed, studyOf } from '../../support/site-fixture.ts'

const manifest = studyOf(sealed, { addObject: () => '0'.repeat(64) })

const updates = fc.float32Array({ minLength: 1, maxLength: 50, noNaN: true, noDefaultInfinity: true })
const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))

test('a clipped update is never longer than the study allows, and keeps its direction', () => {
  fc.assert(
    fc.property(updates, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (update, normMax) => {
      const { vector, clipped } = clip(update, normMax)
      expect(clipped).toBe(norm(update) > normMax)
      expect(norm(vector)).toBeLessThanOrEqual(normMax)
      if (clipped) expect(norm(vector)).toBeGreaterThan(normMax * 0.999)
      const largest = update.reduce((best, value, i) => (Math.abs(value) > Math.abs(update[best]!) ? i : best), 0)
      expect(Math.sign(vector[largest]!)).toBe(Math.sign(update[largest]!))
    }),
  )
})

test('an update within the norm leaves bit for bit', () => {
  const update = Float32Array.of(3, 4)
  expect(clip(update, 5)).toEqual({ vector: update, clipped: false })
})

test('a clipped update says so', () => {
  const result = {
    purpose: 'train',
    update: Float32Array.of(300, 400, 0),
    examples: 7,
    steps: 20,
    loss: 1,
    zeroShare: 0,
  } as const
  expect(contributionOf(result, manifest).header).toMatchObject({ clipped: true })
})

test('no contribution is larger than the preview says, nor much smaller', () => {
  const results = [
    { purpose: 'statistics', examples: 303, sums: new Float64Array(6) },
    { purpose: 'train', update: Float32Array.of(1, 2, 3), examples: 303, steps: 20, loss: Math.LN2, zeroShare: 0 },
    { purpose: 'evaluate', examples: 60, lossSum: 41.5, correct: 40, histogram: new Float64Array(8) },
  ] as const
  const { items } = preview(manifest)
  expect(items.map(({ purpose, times }) => [purpose, times])).toEqual([
    ['statistics', 1],
    ['train', 3],
    ['evaluate', 3],
  ])
  results.forEach((result, i) => {
    const contribution = contributionOf(result, manifest)
    const bytes = sealUpdate(encodeContribution(contribution), runKey.publicKey, Buffer.alloc(0))
    expect(items[i]).toMatchObject({ purpose: result.purpose, values: contribution.vector.length })
    expect(bytes.length).toBeLessThanOrEqual(items[i]!.bytesMax)
    expect(bytes.length).toBeGreaterThan(items[i]!.bytesMax - 80)
  })
})

test('a study that does not standardise federated sends no statistics, one without a binary label no histogram', () => {
  const { items } = preview(
    studyOf(
      {
        ...sealed,
        standardisation: 'none',
        label: { name: 'days', type: 'number', range: [0, 400] },
        loss: 'mean-squared-error',
      },
      { addObject: () => '0'.repeat(64) },
    ),
  )
  expect(items.map(({ purpose, values }) => [purpose, values])).toEqual([
    ['train', 3],
    ['evaluate', 0],
  ])
})
