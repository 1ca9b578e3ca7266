/** Which vectors a site uploads for each purpose, their lengths, and the counts of an evaluation that one of them holds. */
import { contributionLength } from '@consilium/protos/plan/contribution.ts'
import {
  evaluationCounts,
  evaluationCountsLength,
  readEvaluationCounts,
} from '@consilium/protos/secagg/evaluation-counts.ts'
import { encodeCounts, readCounts } from '@consilium/protos/secagg/histograms.ts'
import { vectorNamePattern } from '@consilium/protos/secagg/keys.ts'
import { addVectors } from '@consilium/protos/secagg/mask-stream.ts'
import { encodeStatistics } from '@consilium/protos/secagg/statistics.ts'
import { secureUploadBytes, secureVectors } from '@consilium/protos/secagg/vectors.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const sizes = { parameters: 21, columns: 5, bins: 512, binary: true }

describe('the vectors of an upload', () => {
  test.for([
    { purpose: 'train', second: { name: 'update', words: 21 }, bytes: 4 * (16 + 21) },
    { purpose: 'statistics', second: { name: 'statistics', words: 60 }, bytes: 4 * (16 + 60) },
    { purpose: 'evaluate', second: { name: 'histograms', words: 1028 }, bytes: 4 * (16 + 1028) },
  ] as const)('to $purpose are the header and $second.name', ({ purpose, second, bytes }) => {
    const vectors = secureVectors(purpose, sizes)
    expect(vectors).toEqual([{ name: 'hdr', words: 16 }, second])
    expect(secureUploadBytes(vectors)).toBe(bytes)
    for (const { name } of vectors) expect(name).toMatch(vectorNamePattern)
  })

  test('hold what their encoders make: no word more, none less', () => {
    const statistics = encodeStatistics(new Float64Array(contributionLength('statistics', sizes)))
    expect(secureVectors('statistics', sizes)[1]!.words).toBe(statistics.length)
    for (const binary of [true, false]) {
      const histogram = new Float64Array(contributionLength('evaluate', { ...sizes, binary }))
      const counts = evaluationCounts({ examples: 3, correct: 2, histogram })
      expect(secureVectors('evaluate', { ...sizes, binary })[1]!.words).toBe(encodeCounts(counts, 4).length)
    }
  })

  test('to an evaluation of other labels than yes and no hold counts alone', () => {
    expect(secureVectors('evaluate', { ...sizes, binary: false })[1]!.words).toBe(evaluationCountsLength(0))
  })
})

describe('the counts of an evaluation', () => {
  const bins = 3
  const site = fc
    .tuple(fc.array(fc.nat(50), { minLength: 2 * bins, maxLength: 2 * bins }), fc.nat(100))
    .map(([histogram, percent]) => {
      const examples = histogram.reduce((sum, count) => sum + count, 0)
      return { examples, correct: Math.floor((examples * percent) / 100), histogram: Float64Array.from(histogram) }
    })

  test('add up to those of all sites, and to the mean accuracy of those with a row', () => {
    fc.assert(
      fc.property(fc.array(site, { minLength: 3, maxLength: 20 }), (sites) => {
        const read = readEvaluationCounts(sumOfCounts(sites), sites.length)
        const withRows = sites.filter(({ examples }) => examples > 0)
        expect(read.examples).toBe(total(sites.map(({ examples }) => examples)))
        expect(read.correct).toBe(total(sites.map(({ correct }) => correct)))
        expect([...read.histogram]).toEqual(
          [...read.histogram.keys()].map((i) => total(sites.map((s) => s.histogram[i]!))),
        )
        expect(read.sites).toBe(withRows.length)
        if (withRows.length === 0) return expect(read.meanSiteAccuracy).toBeUndefined()
        const mean = total(withRows.map(({ examples, correct }) => correct / examples)) / withRows.length
        expect(Math.abs(read.meanSiteAccuracy! - mean)).toBeLessThan(2 ** -20)
      }),
      { numRuns: 100 },
    )
  })

  test('fit their words for 255 sites that are always right', () => {
    const sites = Array.from({ length: 255 }, () => ({ examples: 1, correct: 1, histogram: new Float64Array() }))
    expect(readEvaluationCounts(sumOfCounts(sites), 255).meanSiteAccuracy).toBe(1)
  })

  test.for([
    ['more rows right than there are', [1, 2, 0, 1]],
    ['more sites than survived', [4, 1, 0, 4]],
    ['a better accuracy than all right', [4, 1, 2 ** 21 + 1, 2]],
  ] as const)('with %s fail the round', ([, counts]) => {
    expect(() => readEvaluationCounts(Float64Array.from(counts), 3)).toThrow(
      expect.objectContaining({ code: 'update-invalid' }),
    )
  })

  function sumOfCounts(sites: readonly Parameters<typeof evaluationCounts>[0][]): Float64Array {
    const words = sites.map((one) => encodeCounts(evaluationCounts(one), sites.length))
    const sum = new Int32Array(words[0]!.length)
    addVectors(sum, words)
    return readCounts(sum)
  }
})

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0)
}
