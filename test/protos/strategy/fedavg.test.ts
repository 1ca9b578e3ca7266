/** Federated averaging against a naive reference in double precision. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { weightedMean } from '../../../coordinator/statistics/weighted-mean.ts'
import { chunkElements, fedAvg } from '../../../protos/strategy/fedavg.ts'

const float = fc.float({ min: -100, max: 100, noNaN: true })
const round = fc.integer({ min: 1, max: 40 }).chain((length) =>
  fc.record({
    parameters: fc.array(float, { minLength: length, maxLength: length }),
    updates: fc.array(
      fc.record({
        update: fc.array(float, { minLength: length, maxLength: length }),
        examples: fc.integer({ min: 1, max: 100_000 }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  }),
)

function average(parameters: readonly number[], updates: readonly { update: readonly number[]; examples: number }[]) {
  const mean = weightedMean(parameters.length)
  for (const { update, examples } of updates) mean.add(Float32Array.from(update), examples)
  return fedAvg.nextParameters(Float32Array.from(parameters), mean.mean())
}

test('the next parameters are the old ones and the mean update weighted by examples', () => {
  fc.assert(
    fc.property(round, ({ parameters, updates }) => {
      const next = average(parameters, updates)
      const total = updates.reduce((sum, { examples }) => sum + examples, 0)
      next.forEach((value, i) => {
        const naive =
          parameters[i]! + updates.reduce((sum, { update, examples }) => sum + (examples / total) * update[i]!, 0)
        expect(Math.abs(value - naive)).toBeLessThanOrEqual(2 ** -23 * Math.max(1, Math.abs(naive)) * 2)
      })
    }),
  )
})

test('the same sites in the same order give the same bits', () => {
  fc.assert(
    fc.property(round, ({ parameters, updates }) => {
      const [left, right] = [average(parameters, updates), average(parameters, updates)]
      expect(Buffer.from(left.buffer).equals(Buffer.from(right.buffer))).toBe(true)
    }),
  )
})

test('one site alone moves the parameters by its whole update, also across chunks', () => {
  const length = 2 * chunkElements + 3
  const update = new Float32Array(length).map((_, i) => (i % 7) - 3)
  const mean = weightedMean(length)
  mean.add(update, 5)
  expect(mean.examples).toBe(5)
  expect(fedAvg.nextParameters(new Float32Array(length), mean.mean())).toEqual(update)
})

test('parameters made stretch by stretch are those made whole', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(float, float), { maxLength: 40 }), fc.nat(40), (pairs, cut) => {
      const parameters = Float32Array.from(pairs, ([parameter]) => parameter)
      const mean = Float64Array.from(pairs, ([, update]) => update)
      const stretches = [
        fedAvg.nextParameters(parameters.subarray(0, cut), mean.subarray(0, cut)),
        fedAvg.nextParameters(parameters.subarray(cut), mean.subarray(cut)),
      ]
      expect(stretches.flatMap((stretch) => [...stretch])).toEqual([...fedAvg.nextParameters(parameters, mean)])
    }),
  )
})
