/** Updates as fixed-point numbers: no overflow, the bound on the error of the mean, unbiased and repeatable rounding. */
import {
  dequantise,
  prepareUpdate,
  type Quantisation,
  type QuantisationPlan,
  quantisation,
  quantise,
  roundingKey,
} from '@consilium/protos/secagg/fixed-point.ts'
import { addVectors } from '@consilium/protos/secagg/mask-stream.ts'
import { assertWeightsFit, siteWeight, weightModes } from '@consilium/protos/secagg/weights.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededNumbers } from '../../support/seeded.ts'

const plan = (over: Partial<QuantisationPlan> = {}): QuantisationPlan => ({
  cohort: 5,
  updateNormMax: 1,
  weightMax: 1000,
  rounding: 'stochastic',
  ...over,
})
const key = new Uint8Array(32).fill(3)

function quantised(update: Float32Array, weight: number, by: Quantisation, rounding: Uint8Array = key): Int32Array {
  const words = new Int32Array(update.length)
  quantise(words, prepareUpdate(update, weight, by, rounding), 0)
  return words
}

describe('the scale', () => {
  test.for([
    [3, 715_827_882],
    [10, 214_748_364],
    [50, 42_949_672],
    [200, 10_737_418],
  ] as const)('gives %i sites %i levels a side', ([cohort, levels]) => {
    expect(quantisation(plan({ cohort })).levels).toBe(levels)
  })

  test('leaves room for twelve deviations of the noise of all sites', () => {
    const noise = { multiplier: 2, sites: 4 }
    const { scale, levels } = quantisation(plan({ cohort: 9, updateNormMax: 0.5, noise }))
    const deviation = noise.multiplier * 0.5 * scale * Math.sqrt(9 / 4)
    expect(9 * levels + 12 * deviation).toBeLessThan(2 ** 31)
    expect(9 * levels + 12 * deviation).toBeGreaterThan(0.999 * 2 ** 31)
  })

  test('makes S B and S C whole, and n S B less than 2^31', () => {
    const plans = fc.record({
      cohort: fc.integer({ min: 1, max: 255 }),
      updateNormMax: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      multiple: fc.integer({ min: 1, max: 1000 }),
    })
    fc.assert(
      fc.property(plans, ({ cohort, updateNormMax, multiple }) => {
        // What is not exactly C over a whole number is refused, so only such bounds are tried.
        const coordinateMax = updateNormMax / multiple
        fc.pre(updateNormMax / coordinateMax === multiple)
        const { scale, levels, normLevels } = quantisation(plan({ cohort, updateNormMax, coordinateMax }))
        expect(Number.isInteger(levels) && Number.isInteger(normLevels)).toBe(true)
        expect(scale * coordinateMax).toBeCloseTo(levels, 5)
        expect(cohort * levels).toBeLessThan(2 ** 31)
      }),
    )
  })

  test.for([
    ['a coordinate bound that does not divide the norm', { coordinateMax: 0.4 }, 'invalid-argument'],
    ['a coordinate bound above the norm', { coordinateMax: 2 }, 'invalid-argument'],
    ['a norm of zero', { updateNormMax: 0 }, 'invalid-argument'],
    ['an infinite norm', { updateNormMax: Number.POSITIVE_INFINITY }, 'invalid-argument'],
    ['a norm that is no number', { updateNormMax: Number.NaN }, 'invalid-argument'],
    ['no cohort', { cohort: 0 }, 'invalid-argument'],
    ['256 sites', { cohort: 256 }, 'invalid-argument'],
    ['weights whose sum could reach 2^32', { weightMax: 2 ** 30 }, 'limit-exceeded'],
    ['a weight of zero at most', { weightMax: 0 }, 'invalid-argument'],
    ['noise that leaves no level', { noise: { multiplier: 1e12, sites: 3 } }, 'limit-exceeded'],
    ['noise that is no number', { noise: { multiplier: Number.NaN, sites: 3 } }, 'limit-exceeded'],
  ] as const)('is refused for %s', ([, over, code]) => {
    expect(() => quantisation(plan(over))).toThrow(expect.objectContaining({ code }))
  })
})

describe('a quantised update', () => {
  const values = fc.float32Array({ minLength: 1, maxLength: 200, noNaN: true, min: -1e10, max: 1e10 })
  const plans = fc.record({
    cohort: fc.integer({ min: 3, max: 255 }),
    updateNormMax: fc.constantFrom(0.001, 0.3, 1, 7.7, 100),
    divisor: fc.constantFrom(1, 2, 8),
    rounding: fc.constantFrom('stochastic' as const, 'truncate' as const),
  })

  test('never exceeds S B in a coordinate, nor, truncated, S C in its norm, whatever the update', () => {
    fc.assert(
      fc.property(values, plans, fc.integer({ min: 0, max: 1000 }), (update, { divisor, ...rest }, weight) => {
        const by = quantisation(plan({ ...rest, coordinateMax: rest.updateNormMax / divisor }))
        const words = quantised(update, weight, by)
        expect(words.every((word) => Math.abs(word) <= by.levels)).toBe(true)
        const squares = words.reduce((sum, word) => sum + BigInt(word) ** 2n, 0n)
        if (rest.rounding === 'truncate') expect(squares <= BigInt(by.normLevels) ** 2n).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('of one coordinate at the very bound stays at S B, for any bound and either sign', () => {
    for (const updateNormMax of [0.1, 1 / 3, 1, 9.81, 12_345.678])
      for (const sign of [1, -1]) {
        const by = quantisation(plan({ updateNormMax }))
        const [word] = quantised(Float32Array.of(sign * 3e38), 1000, by)
        expect(Math.abs(sign * by.levels - word!)).toBeLessThanOrEqual(1)
      }
  })

  test('is the same for any cutting into chunks and for the same round again, and another in another round', () => {
    const next = seededNumbers(1)
    const update = Float32Array.from({ length: 40_000 }, () => (next() - 0.5) / 100)
    const by = quantisation(plan())
    const planHash = new Uint8Array(32).fill(9)
    const keyOf = (round: number, purpose = 'train', vector = 'update') =>
      roundingKey(key, planHash, { vector, round, purpose })
    const whole = quantised(update, 700, by, keyOf(4))
    const prepared = prepareUpdate(update, 700, by, keyOf(4))
    const pieces = new Int32Array(update.length)
    for (const [from, to] of [
      [17_001, 40_000],
      [0, 5],
      [5, 17_001],
    ] as const)
      quantise(pieces.subarray(from, to), prepared, from)
    expect(Buffer.compare(Buffer.from(pieces.buffer), Buffer.from(whole.buffer))).toBe(0)
    for (const other of [keyOf(5), keyOf(4, 'evaluate'), keyOf(4, 'train', 'statistics')])
      expect(quantised(update, 700, by, other)).not.toEqual(whole)
  })

  test('is unbiased: over many draws the mean of a coordinate between two levels is that coordinate', () => {
    const by = quantisation(plan({ cohort: 255, weightMax: 2 ** 24 }))
    const update = new Float32Array(20_000).fill(1e-9)
    const exact = Math.fround(1e-9) * (1000 / 2 ** 24) * by.scale
    const words = quantised(update, 1000, by)
    const mean = words.reduce((sum, word) => sum + word, 0) / words.length
    // The deviation of the mean of 20,000 Bernoulli draws; six of them pass once in 10^9.
    expect(Math.abs(mean - exact)).toBeLessThan(6 * Math.sqrt((exact * (1 - exact)) / words.length) + 1e-12)
  })

  test('counts what it clips and clamps', () => {
    const by = quantisation(plan({ coordinateMax: 0.25 }))
    const within = prepareUpdate(Float32Array.of(0.2, -0.2, 0), 1, by, key)
    expect([within.clipped, within.clampedCoordinates, within.clipScale]).toEqual([false, 0, 1])
    const beyond = prepareUpdate(Float32Array.of(3, -4, 0.1), 1, by, key)
    expect([beyond.clipped, beyond.clampedCoordinates]).toEqual([true, 2])
    expect(prepareUpdate(Float32Array.of(7), 1, quantisation(plan()), key).clampedCoordinates).toBe(0)
  })

  test.for([
    ['NaN', Float32Array.of(1, Number.NaN), 1, key, 'update-invalid'],
    ['infinity', Float32Array.of(Number.NEGATIVE_INFINITY), 1, key, 'update-invalid'],
    ['a weight above the largest', Float32Array.of(1), 1001, key, 'invalid-argument'],
    ['a negative weight', Float32Array.of(1), -1, key, 'invalid-argument'],
    ['half a weight', Float32Array.of(1), 0.5, key, 'invalid-argument'],
    ['no key to round with', Float32Array.of(1), 1, undefined, 'invalid-argument'],
    ['a short key to round with', Float32Array.of(1), 1, key.subarray(1), 'invalid-argument'],
  ] as const)('is refused for %s', ([, update, weight, rounding, code]) => {
    expect(() => prepareUpdate(update, weight, quantisation(plan()), rounding)).toThrow(
      expect.objectContaining({ code }),
    )
  })

  test('is refused where a chunk leaves the update', () => {
    const prepared = prepareUpdate(new Float32Array(10), 1, quantisation(plan()), key)
    expect(() => quantise(new Int32Array(5), prepared, 6)).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    )
  })
})

describe('the weighted mean', () => {
  test('of the sum differs from the exact one by less than n Wmax / (S sum of weights), with every weight mode', () => {
    const sites = fc.array(
      fc.record({
        update: fc.float32Array({ minLength: 8, maxLength: 8, noNaN: true, min: -2, max: 2 }),
        examples: fc.integer({ min: 1, max: 5000 }),
      }),
      { minLength: 3, maxLength: 12 },
    )
    fc.assert(
      fc.property(sites, fc.constantFrom(...weightModes), (cohort, mode) => {
        const by = quantisation(plan({ cohort: cohort.length, updateNormMax: 2 }))
        const weights = cohort.map(({ examples }) => siteWeight(examples, mode, 1000))
        const total = weights.reduce((a, b) => a + b)
        const prepared = cohort.map(({ update }, i) => prepareUpdate(update, weights[i]!, by, key))
        const sum = new Int32Array(8)
        addVectors(
          sum,
          cohort.map(({ update }, i) => quantised(update, weights[i]!, by)),
        )
        const mean = new Float64Array(8)
        dequantise(mean, sum, by, total)
        const bound = (cohort.length * by.weightMax) / (by.scale * total)
        mean.forEach((value, k) => {
          const exact = prepared.reduce((s, one, i) => s + one.update[k]! * one.clipScale * weights[i]!, 0) / total
          expect(Math.abs(value - exact)).toBeLessThan(bound * 1.001)
        })
      }),
      { numRuns: 200 },
    )
  })

  test('does not exist where no survivor has an example', () => {
    const by = quantisation(plan())
    expect(() => dequantise(new Float64Array(1), new Int32Array(1), by, 0)).toThrow(
      expect.objectContaining({ code: 'data-empty' }),
    )
  })
})

describe("a site's weight", () => {
  test.for([
    ['exact', 700, 700],
    ['exact', 5000, 1000],
    ['bucket', 1, 1],
    ['bucket', 511, 256],
    ['bucket', 512, 512],
    ['bucket', 5000, 1000],
    ['uniform', 1, 1000],
    ['uniform', 0, 0],
    ['bucket', 0, 0],
  ] as const)('in mode %s with %i examples is %i of at most 1000', ([mode, examples, weight]) => {
    expect(siteWeight(examples, mode, 1000)).toBe(weight)
  })

  test('is a power of two up to 2^40 examples, never more than they are', () => {
    for (let power = 0; power <= 40; power++)
      for (const examples of [2 ** power, 2 ** (power + 1) - 1])
        expect(siteWeight(examples, 'bucket', 2 ** 50)).toBe(2 ** power)
  })

  test.for([-1, 0.5, Number.NaN, 2 ** 53])('is refused for %d examples', (examples) => {
    expect(() => siteWeight(examples, 'exact', 10)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })

  test('fits: the sum of all stays below 2^32', () => {
    expect(() => assertWeightsFit(16, 2 ** 28 - 1)).not.toThrow()
    expect(() => assertWeightsFit(16, 2 ** 28)).toThrow(expect.objectContaining({ code: 'limit-exceeded' }))
  })
})
