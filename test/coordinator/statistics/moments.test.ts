/** Federated means and standard deviations against those of the pooled rows. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { standardisationOf } from '../../../coordinator/statistics/moments.ts'

const sumsOf = (rows: readonly (readonly number[])[], columns: number): Float64Array => {
  const sums = new Float64Array(3 * columns)
  for (const row of rows)
    for (const [column, value] of row.entries()) {
      sums[column]! += 1
      sums[columns + column]! += value
      sums[2 * columns + column]! += value * value
    }
  return sums
}

test('the moments of any sites together are those of their pooled rows', () => {
  const value = fc.double({ min: -1000, max: 1000, noNaN: true }).map((x) => Math.round(x * 16) / 16)
  const row = fc.tuple(value, value)
  const site = fc.array(row, { maxLength: 12 })
  fc.assert(
    fc.property(fc.array(site, { minLength: 1, maxLength: 5 }), (sites) => {
      const total = new Float64Array(6)
      for (const rows of sites) for (const [i, sum] of sumsOf(rows, 2).entries()) total[i]! += sum
      const { means, standardDeviations } = standardisationOf(total)
      const pooled = sites.flat()
      for (const column of [0, 1]) {
        const values = pooled.map((values) => values[column]!)
        const mean = values.reduce((sum, x) => sum + x, 0) / Math.max(1, values.length)
        const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, values.length)
        expect(means[column]).toBeCloseTo(mean, 8)
        expect(standardDeviations[column]).toBeCloseTo(Math.sqrt(variance), 5)
      }
    }),
  )
})

test.for([0, 1, 0.1, 1e6 + 0.1, -273.15])('a constant column of %d has the standard deviation 0', (value) => {
  const rows = Array.from({ length: 1000 }, () => [value])
  expect(standardisationOf(sumsOf(rows, 1))).toEqual({
    means: [expect.closeTo(value, 6)],
    standardDeviations: [0],
  })
})

test('a column without values has mean and standard deviation 0', () => {
  expect(standardisationOf(new Float64Array(3))).toEqual({ means: [0], standardDeviations: [0] })
})
