/** Federated means and standard deviations against those of the pooled rows. */
import { encodeStatistics, readStatistics } from '@consilium/protos/secagg/statistics.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pooledStatistics, standardisationOf } from '../../../protos/strategy/standardisation.ts'

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

/** What three sites' sums are after they were added as fixed-point numbers. */
function addedAsWords(sites: readonly (readonly (readonly number[])[])[], columns: number): Float64Array {
  const total = new Int32Array(4 * 3 * columns)
  for (const rows of sites) for (const [i, word] of encodeStatistics(sumsOf(rows, columns)).entries()) total[i]! += word
  return readStatistics(total)
}

test('sums that were added under masks standardise as those in the open do', () => {
  const sites = [
    [[61, 0.002]],
    [
      [35, 0.001],
      [47, 0.004],
    ],
    [[58, 0.003]],
  ]
  const pooled = standardisationOf(sumsOf(sites.flat(), 2))
  const result = pooledStatistics(addedAsWords(sites, 2), [{ name: 'age' }, { name: 'dose' }], 3)
  if (result?.purpose !== 'statistics') throw new Error('no statistics')
  expect(result.examples).toBe(4)
  for (const column of [0, 1]) {
    expect(result.columns[column]!.means[0]).toBeCloseTo(pooled.means[column]!, 10)
    expect(result.columns[column]!.standardDeviations[0]).toBeCloseTo(pooled.standardDeviations[column]!, 7)
  }
})

test.for([0.1, 1e-7, 273.15])('a constant column of %d stays one when its sums were rounded', (value) => {
  const sites = [1, 2, 3].map((n) => Array.from({ length: 100 * n }, () => [value]))
  expect(pooledStatistics(addedAsWords(sites, 1), [{ name: 'age' }], 3)).toMatchObject({
    columns: [{ name: 'age', standardDeviations: [0] }],
  })
})

test('sums without a row give no result, and counts that are none are refused', () => {
  expect(pooledStatistics(new Float64Array(6), [{ name: 'age' }, { name: 'dose' }], 3)).toBeUndefined()
  for (const count of [-1, 0.5])
    expect(() => pooledStatistics(Float64Array.of(count, 0, 0), [{ name: 'age' }], 3)).toThrow(
      expect.objectContaining({ code: 'update-invalid' }),
    )
})
