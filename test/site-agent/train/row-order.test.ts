/** The order of training rows: every epoch each row once, decided by the key of the study at this site and the round alone. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BatchSource, batchSource } from '../../../site-agent/train/row-order.ts'

const key = new Uint8Array(32).fill(7)
const seed = { key, round: 3 }
const rowsOf = (count: number) => Int32Array.from({ length: count }, (_, i) => 10 * i + 3)

/** The rows of the next steps without padding, per step. */
function take(source: BatchSource, steps: number, batchSize: number): number[][] {
  const { order, mask } = source.next(steps)
  return Array.from({ length: steps }, (_, step) =>
    Array.from(order.subarray(step * batchSize, (step + 1) * batchSize), Number).filter(
      (_row, i) => mask[step * batchSize + i] === 1,
    ),
  )
}

test('every epoch holds each row once, and only its last batch is ragged', () => {
  const shape = fc.record({ rows: fc.integer({ min: 1, max: 50 }), batchSize: fc.integer({ min: 1, max: 60 }) })
  fc.assert(
    fc.property(shape, fc.nat(1000), ({ rows, batchSize }, round) => {
      const epochSteps = Math.ceil(rows / batchSize)
      const source = batchSource(rowsOf(rows), batchSize, { ...seed, round })
      for (let epoch = 0; epoch < 3; epoch++) {
        const batches = take(source, epochSteps, batchSize)
        for (const batch of batches.slice(0, -1)) expect(batch).toHaveLength(batchSize)
        expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from(rowsOf(rows)))
      }
    }),
  )
})

test('the steps come out the same however they are cut', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(cuts, (lengths) => {
      const total = lengths.reduce((sum, length) => sum + length, 0)
      const whole = take(batchSource(rowsOf(23), 4, seed), total, 4)
      const source = batchSource(rowsOf(23), 4, seed)
      expect(lengths.flatMap((length) => take(source, length, 4))).toEqual(whole)
    }),
  )
})

test.for([
  ['key', { ...seed, key: key.with(31, 8) }],
  ['round', { ...seed, round: 4 }],
] as const)('another %s gives another order', ([, other]) => {
  const first = take(batchSource(rowsOf(40), 40 - 1, seed), 2, 39)
  expect(take(batchSource(rowsOf(40), 39, other), 2, 39)).not.toEqual(first)
})

test('padding names a row that exists, so that no gather falls outside the matrix', () => {
  const { order, mask } = batchSource(rowsOf(5), 4, seed).next(2)
  expect(Array.from(mask)).toEqual([1, 1, 1, 1, 1, 0, 0, 0])
  for (const row of order) expect(Array.from(rowsOf(5))).toContain(Number(row))
})

test('the generator is pinned: a change of it would change every result', () => {
  expect(
    take(
      batchSource(
        Int32Array.from({ length: 10 }, (_, i) => i),
        5,
        seed,
      ),
      4,
      5,
    ),
  ).toEqual([
    [8, 9, 7, 2, 0],
    [5, 3, 1, 6, 4],
    [9, 2, 6, 4, 8],
    [3, 1, 0, 7, 5],
  ])
})

test('skipping steps leads to the batches that follow them', () => {
  const seed = { key, round: 3 }
  const rows = Int32Array.from({ length: 23 }, (_, i) => i)
  for (const batchSize of [4, 23])
    for (const skipped of [0, 1, 5, 6, 17]) {
      const whole = batchSource(rows, batchSize, seed)
      whole.next(skipped)
      const rest = batchSource(rows, batchSize, seed)
      rest.skip(skipped)
      expect(rest.next(20)).toEqual(whole.next(20))
    }
})
