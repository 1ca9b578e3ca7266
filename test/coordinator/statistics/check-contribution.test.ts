/** Contributions that cannot be true are refused with their reason. */
import type { Contribution } from '@consilium/protos/plan/contribution.ts'
import { expect, test } from 'vitest'
import { checkContribution } from '../../../coordinator/statistics/check-contribution.ts'

const train = (examples: number, ...update: number[]): Contribution => ({
  header: { purpose: 'train', examples, steps: 1, loss: 0, clipped: false },
  vector: Float32Array.from(update),
})
const statistics = (examples: number, ...sums: number[]): Contribution => ({
  header: { purpose: 'statistics', examples },
  vector: Float64Array.from(sums),
})
const evaluate = (examples: number, correct: number, ...histogram: number[]): Contribution => ({
  header: { purpose: 'evaluate', examples, correct, lossSum: 1 },
  vector: Float64Array.from(histogram),
})

test.for([
  ['an update at the norm limit', train(1, 3, 4)],
  ['an update a rounding error above it', train(1, 3.001, 4)],
  ['statistics', statistics(5, 5, 4, -3, 5, 9, 16)],
  ['an evaluation', evaluate(3, 2, 1, 0, 0, 2)],
  ['an evaluation of a number label', evaluate(3, 0)],
  ['an evaluation without rows', evaluate(0, 0, 0, 0)],
] as const)('%s passes', ([, contribution]) => {
  expect(() => checkContribution(contribution, 5)).not.toThrow()
})

test.for([
  ['an update above the norm limit', train(1, 3.1, 4.1), 'updateNormMax'],
  ['an update whose norm overflows', train(1, Number.POSITIVE_INFINITY), 'norm'],
  ['an update with NaN', train(1, Number.NaN), 'norm'],
  ['an update from no examples', train(0, 1), 'no examples'],
  ['more rows in a column than there are', statistics(2, 3, 1, 1), 'column 0'],
  ['half a row', statistics(2, 0.5, 1, 1), 'column 0'],
  ['a negative sum of squares', statistics(2, 2, 1, -1), 'do not fit'],
  ['a sum that its squares do not allow', statistics(2, 2, 4, 7), 'do not fit'],
  ['a sum that would overflow', statistics(2, 2, 1e200, 1e300), 'too large'],
  [
    'a loss that would overflow',
    { ...train(1, 1), header: { ...train(1).header, loss: 1e300 } } as Contribution,
    'loss',
  ],
  ['more correct rows than rows', evaluate(1, 2, 1, 0), 'correct'],
  ['half a row in a bin', evaluate(1, 1, 0.5, 0.5), 'bin 0'],
  ['a negative bin', evaluate(1, 1, -1, 2), 'bin 0'],
  ['a histogram of other rows', evaluate(5, 1, 1, 1), '2 rows'],
] as const)('%s is refused', ([, contribution, reason]) => {
  expect(() => checkContribution(contribution, 5)).toThrow(reason)
})
