/** What rides masked beside the update: the header, histograms, statistics. Their sums are exact or refused. */
import { encodeHeader, headerWords, readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { countMax, encodeCounts, readCounts } from '@consilium/protos/secagg/histograms.ts'
import { addVectors } from '@consilium/protos/secagg/mask-stream.ts'
import { encodeStatistics, readStatistics, statisticMax } from '@consilium/protos/secagg/statistics.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

function sumOf(vectors: readonly Int32Array[]): Int32Array {
  const sum = new Int32Array(vectors[0]!.length)
  addVectors(sum, vectors)
  return sum
}

describe('the header', () => {
  const plan = { cohort: 4, weightMax: 1000 }
  const site = { weight: 500, clipped: false, clampedCoordinates: 3, lossSum: 250.25, contributes: true }

  test('is four ones, the weight and the flags, four words of the loss, the contributor and room for four tags', () => {
    const words = encodeHeader(site, plan)
    expect([...words.subarray(0, 7)]).toEqual([1, 1, 1, 1, 500, 1, 3])
    expect(readStatistics(words.subarray(7, 11))).toEqual(Float64Array.of(250.25))
    expect(words.length).toBe(headerWords)
    expect([...words.subarray(11)]).toEqual([1, 0, 0, 0, 0])
  })

  test('sums to counts and the sum of the losses', () => {
    const sites = [
      site,
      { ...site, weight: 100, clipped: true, lossSum: -1.5 },
      { ...site, weight: 0, lossSum: 0, contributes: false },
    ]
    const read = readHeaderSum(sumOf(sites.map((one) => encodeHeader(one, plan))), 3, plan)
    expect(read).toEqual({
      survivors: 3,
      weight: 600,
      clipped: 1,
      clampedCoordinates: 9,
      lossSum: 248.75,
      contributors: 2,
    })
  })

  test('adds losses as float64 would, whatever their size and sign', () => {
    const loss = fc.double({ min: -1e9, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(fc.array(loss, { minLength: 3, maxLength: 4 }), (losses) => {
        const words = sumOf(losses.map((lossSum) => encodeHeader({ ...site, lossSum }, plan)))
        const exact = losses.reduce((sum, one) => sum + one, 0)
        const { lossSum } = readHeaderSum(words, losses.length, plan)
        expect(Math.abs(lossSum - exact)).toBeLessThanOrEqual(4 * 2 ** -36 + 4e9 * 2 ** -52)
      }),
      { numRuns: 200 },
    )
  })

  test('does not overflow at the largest of everything, 255 sites', () => {
    const large = { cohort: 255, weightMax: 16_843_008 }
    const most = { ...site, weight: large.weightMax, clampedCoordinates: 1e9, lossSum: 1e30 }
    const read = readHeaderSum(sumOf(Array.from({ length: 255 }, () => encodeHeader(most, large))), 255, large)
    expect(read.weight).toBe(255 * large.weightMax)
    expect(read.lossSum).toBe(255 * 2 ** 53)
    expect(read.clampedCoordinates).toBeLessThan(2 ** 32)
  })

  test.for([0, 1, 2, 3, 11, 12, 15])('with a mask left in word %i fails the round', (at) => {
    const words = sumOf([1, 2, 3].map(() => encodeHeader(site, plan)))
    words[at]! += at < 12 ? 1 : 3 * 2 ** 24 + 1
    expect(() => readHeaderSum(words, 3, plan)).toThrow(expect.objectContaining({ code: 'update-invalid' }))
  })

  test('of another number of survivors, of too much weight or of fifteen words fails the round', () => {
    const words = sumOf([1, 2, 3].map(() => encodeHeader(site, plan)))
    const refused = expect.objectContaining({ code: 'update-invalid' })
    expect(() => readHeaderSum(words, 4, plan)).toThrow(refused)
    expect(() => readHeaderSum(words.subarray(1), 3, plan)).toThrow(refused)
    expect(() => readHeaderSum(words.with(4, 3001), 3, plan)).toThrow(refused)
    expect(() => readHeaderSum(words.with(5, 4), 3, plan)).toThrow(refused)
  })

  test.for([Number.NaN, Number.POSITIVE_INFINITY])('is refused for a loss of %d', (lossSum) => {
    expect(() => encodeHeader({ ...site, lossSum }, plan)).toThrow(expect.objectContaining({ code: 'update-invalid' }))
  })

  test.for([1001, -1, 0.5, Number.NaN])('is refused for a weight of %d where the plan allows 1000', (weight) => {
    expect(() => encodeHeader({ ...site, weight }, plan)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })

  test('is refused where the weights of the cohort could overflow', () => {
    expect(() => encodeHeader(site, { cohort: 255, weightMax: 2 ** 25 })).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    )
  })
})

describe('histograms', () => {
  test('add up exactly to 2^32 - 1', () => {
    const max = countMax(5)
    const sum = sumOf(Array.from({ length: 5 }, () => encodeCounts([max, 0, 7], 5)))
    expect([...readCounts(sum)]).toEqual([2 ** 32 - 1, 0, 35])
  })

  test.for([-1, 0.5, Number.NaN, 858_993_460])('refuse a count of %d among five sites, naming the bin', (count) => {
    expect(() => encodeCounts([0, count], 5)).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', message: expect.stringContaining('bin 1') }),
    )
  })
})

describe('statistics', () => {
  test('of 255 sites add up as float64 would, and counts exactly, whatever their size', () => {
    const value = fc.oneof(
      fc.integer({ min: 0, max: 2 ** 50 }),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.constantFrom(2 ** 54 - 2, -(2 ** 54) + 2, 0, -0, 1e-20),
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 255 }), (values, n) => {
        const read = readStatistics(sumOf(Array.from({ length: n }, () => encodeStatistics(Float64Array.from(values)))))
        values.forEach((one, i) => {
          if (Number.isInteger(one) && Number.isSafeInteger(one * n)) expect(read[i]! + 0).toBe(one * n + 0)
          else expect(Math.abs(read[i]! - one * n)).toBeLessThanOrEqual(n * 2 ** -36 + Math.abs(one * n) * 2 ** -52)
        })
      }),
      { numRuns: 200 },
    )
  })

  test.for([Number.NaN, Number.POSITIVE_INFINITY, statisticMax, -statisticMax])('refuse %d', (value) => {
    expect(() => encodeStatistics(Float64Array.of(0, value))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', message: expect.stringContaining('statistic 1') }),
    )
  })

  test('of a number of words that is no multiple of four are refused', () => {
    expect(() => readStatistics(new Int32Array(5))).toThrow(expect.objectContaining({ code: 'update-invalid' }))
  })
})
