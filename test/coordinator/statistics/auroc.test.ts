/** AUROC from histograms against counting every pair. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aurocOf } from '../../../coordinator/statistics/auroc.ts'

const bins = 8
const scores = fc.array(fc.integer({ min: 0, max: bins - 1 }), { maxLength: 30 })

function histogramOf(negatives: readonly number[], positives: readonly number[]): Float64Array {
  const histogram = new Float64Array(2 * bins)
  for (const bin of negatives) histogram[bin]! += 1
  for (const bin of positives) histogram[bins + bin]! += 1
  return histogram
}

test('it is the share of pairs in the right order, ties counting half', () => {
  fc.assert(
    fc.property(scores, scores, (negatives, positives) => {
      const pairs = positives.flatMap((p) => negatives.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)))
      const naive = pairs.length > 0 ? pairs.reduce((sum: number, x) => sum + x, 0) / pairs.length : undefined
      const auroc = aurocOf(histogramOf(negatives, positives))
      if (naive === undefined) expect(auroc).toBeUndefined()
      else expect(auroc).toBeCloseTo(naive, 12)
    }),
  )
})

test.for([
  ['all right', [0, 1], [5, 6], 1],
  ['all wrong', [5, 6], [0, 1], 0],
  ['all in one bin', [3, 3], [3], 0.5],
  ['no positive row', [1, 2], [], undefined],
  ['no negative row', [], [1, 2], undefined],
  ['no row', [], [], undefined],
] as const)('%s', ([, negatives, positives, auroc]) => {
  expect(aurocOf(histogramOf(negatives, positives))).toBe(auroc)
})

test('it never exceeds 1, also for counts whose products no double holds', () => {
  const count = fc.integer({ min: 1, max: 2 ** 40 })
  const counts = fc.array(count, { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(counts, counts, (negatives, positives) => {
      const histogram = Float64Array.from([...negatives, 0, 0, 0, 0, 0, 0, ...positives])
      expect(aurocOf(histogram)).toBeLessThanOrEqual(1)
    }),
  )
})
