/** The contribution's codec: what a site encodes is what the coordinator reads, and nothing else is read. */
import {
  type Contribution,
  type ContributionHeader,
  contributionLength,
  decodeContribution,
  encodeContribution,
} from '@consilium/protos/plan/contribution.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const refused = expect.objectContaining({ code: 'update-invalid' })
const count = fc.integer({ min: 0, max: 2 ** 40 })
const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const float32s = fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 40 })
const float64s = fc.float64Array({ noNaN: true, noDefaultInfinity: true, maxLength: 40 })

const contributions: fc.Arbitrary<Contribution> = fc.oneof(
  fc.record({
    header: fc.record({ purpose: fc.constant('statistics' as const), examples: count }),
    vector: float64s,
  }),
  fc.record({
    header: fc.record({
      purpose: fc.constant('train' as const),
      examples: count,
      steps: count,
      loss: finite,
      clipped: fc.boolean(),
    }),
    vector: float32s,
  }),
  fc.record({
    header: fc.record({
      purpose: fc.constant('evaluate' as const),
      examples: count,
      lossSum: finite.map(Math.abs),
      correct: count,
    }),
    vector: float64s,
  }),
)

const train: Contribution = {
  header: { purpose: 'train', examples: 199, steps: 100, loss: 0.5, clipped: false },
  vector: Float32Array.of(0.5, -0.25, 1e-30),
}

const raw = (vector: Contribution['vector']) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)

function withHeader(json: string, vectorBytes = 12): Uint8Array {
  const head = Buffer.alloc(8)
  head.write('CSU1', 'latin1')
  head.writeUInt32LE(Buffer.byteLength(json), 4)
  const unpadded = Buffer.concat([head, Buffer.from(json)])
  return Buffer.concat([unpadded, Buffer.alloc((8 - (unpadded.length % 8)) % 8), Buffer.alloc(vectorBytes)])
}

describe('a contribution', () => {
  test('is read as it was written, header and every bit of the vector', () => {
    fc.assert(
      fc.property(contributions, (contribution) => {
        const { header, vector } = contribution
        const read = decodeContribution(encodeContribution(contribution), header.purpose, vector.length)
        // JSON has no negative zero: 0 and -0 are the same loss.
        expect(JSON.stringify(read.header)).toBe(JSON.stringify(sortedLike(header, read.header)))
        expect(raw(read.vector).equals(raw(vector))).toBe(true)
      }),
    )
  })

  test('is read from any offset of a larger buffer', () => {
    const bytes = encodeContribution(train)
    for (let offset = 0; offset < 9; offset++) {
      const larger = Buffer.concat([Buffer.alloc(offset), bytes])
      expect(decodeContribution(larger.subarray(offset), 'train', 3)).toEqual(train)
    }
  })

  test('is written from a view into a larger vector without its neighbours', () => {
    const vector = Float32Array.of(9, 0.5, -0.25, 9).subarray(1, 3)
    const read = decodeContribution(encodeContribution({ ...train, vector }), 'train', 2)
    expect([...read.vector]).toEqual([0.5, -0.25])
  })

  test('has its vector at a multiple of eight bytes', () => {
    fc.assert(
      fc.property(contributions, (contribution) => {
        const bytes = encodeContribution(contribution)
        expect((bytes.length - contribution.vector.byteLength) % 8).toBe(0)
      }),
      { numRuns: 30 },
    )
  })

  test('is refused cut at any length, and with bytes added', () => {
    const bytes = encodeContribution(train)
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeContribution(bytes.subarray(0, length), 'train', 3)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(update|message)-invalid$/) }),
      )
    expect(() => decodeContribution(Buffer.concat([bytes, Buffer.alloc(4)]), 'train', 3)).toThrow(refused)
  })

  test('is refused in a round with another purpose or another number of parameters', () => {
    const bytes = encodeContribution(train)
    expect(() => decodeContribution(bytes, 'evaluate', 3)).toThrow(refused)
    expect(() => decodeContribution(bytes, 'statistics', 3)).toThrow(refused)
    expect(() => decodeContribution(bytes, 'train', 2)).toThrow(refused)
    expect(() => decodeContribution(bytes, 'train', 4)).toThrow(refused)
  })

  test.for([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'is refused with %d anywhere in its vector',
    (value) => {
      for (let at = 0; at < 3; at++) {
        const vector = Float32Array.of(0, 0, 0)
        vector[at] = value
        expect(() => decodeContribution(encodeContribution({ ...train, vector }), 'train', 3)).toThrow(refused)
      }
    },
  )

  test('cannot be written with a loss that is not finite', () => {
    const header = { purpose: 'train', examples: 1, steps: 1, loss: Number.NaN, clipped: false } as const
    expect(() => encodeContribution({ header, vector: train.vector })).toThrow(
      expect.objectContaining({ code: 'message-invalid' }),
    )
  })

  const header = (change: object) => JSON.stringify({ ...train.header, ...change })
  test.for([
    ['a negative number of examples', header({ examples: -1 })],
    ['half an example', header({ examples: 0.5 })],
    ['more examples than there can be', header({ examples: 2 ** 40 + 1 })],
    ['a loss that is text', header({ loss: 'NaN' })],
    ['a loss too large for a double', header({}).replace('0.5', '1e999')],
    ['a field that nobody knows', header({ patient: 'x' })],
    ['a missing field', JSON.stringify({ purpose: 'train', examples: 1 })],
    ['no purpose', '{}'],
    ['no object', '[]'],
  ] as const)('is refused with %s in its header', ([, json]) => {
    expect(() => decodeContribution(withHeader(json), 'train', 3)).toThrow(refused)
  })

  test('is refused where its header is no JSON, or says it is longer than the whole', () => {
    expect(() => decodeContribution(withHeader('{'), 'train', 3)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(update|message)-invalid$/) }),
    )
    const bytes = Buffer.from(encodeContribution(train))
    for (const length of [bytes.length, 64 * 1024 + 1, 0xffffffff]) {
      bytes.writeUInt32LE(length, 4)
      expect(() => decodeContribution(bytes, 'train', 3)).toThrow(refused)
    }
  })

  test('is refused with any other first four bytes', () => {
    for (let at = 0; at < 4; at++) {
      const bytes = encodeContribution(train)
      bytes[at]! ^= 1
      expect(() => decodeContribution(bytes, 'train', 3)).toThrow(refused)
    }
  })
})

test.for([
  ['statistics', true, 36],
  ['statistics', false, 36],
  ['train', true, 13],
  ['evaluate', true, 1024],
  ['evaluate', false, 0],
] as const)('the vector of a %s round with a binary label (%s) has %i numbers', ([purpose, binary, length]) => {
  expect(contributionLength(purpose, { parameters: 13, columns: 12, bins: 512, binary })).toBe(length)
})

/** `header` with the keys in the order of `like`. */
function sortedLike(header: ContributionHeader, like: ContributionHeader): Record<string, unknown> {
  return Object.fromEntries(Object.keys(like).map((key) => [key, header[key as keyof ContributionHeader]]))
}
