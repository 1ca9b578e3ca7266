/** Worker threads add the same sum as one thread does, and take nobody else's memory. */
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test, vi } from 'vitest'
import { addMasks, addVectors, type Mask } from '../../../protos/secagg/mask-stream.ts'
import { type MaskThreads, openMaskThreads } from '../../../protos/secagg/mask-threads.ts'
import { roundQuantisation } from '../../../protos/secagg/quantise-round.ts'

let pool: MaskThreads
afterEach(async () => {
  vi.restoreAllMocks()
  await pool?.close()
})

const masks = (count: number): Mask[] =>
  Array.from({ length: count }, (_, i) => ({ key: new Uint8Array(32).fill(i + 1), sign: i % 3 === 0 ? -1 : 1 }))

const vectors = (count: number, words: number): Int32Array[] =>
  Array.from({ length: count }, (_, i) => Int32Array.from({ length: words }, (_, at) => Math.imul(at + 1, i + 7919)))

function inline(added: readonly Int32Array[], under: readonly Mask[], wordOffset: number): Int32Array {
  const sum = new Int32Array(added[0]!.length)
  addVectors(sum, added)
  addMasks(sum, under, wordOffset)
  return sum
}

test.for([
  { sites: 1, masked: 0, words: 10, wordOffset: 0 },
  { sites: 3, masked: 5, words: 1000, wordOffset: 3 },
  { sites: 4, masked: 7, words: 100_000, wordOffset: 99_999 },
  { sites: 10, masked: 12, words: 262_144, wordOffset: 2 ** 31 },
])(
  '$sites vectors of $words words and $masked masks from word $wordOffset',
  async ({ sites, masked, words, wordOffset }) => {
    pool = openMaskThreads(2)
    const sum = await pool.add(vectors(sites, words), masks(masked), wordOffset)
    expect(sum).toEqual(inline(vectors(sites, words), masks(masked), wordOffset))
  },
)

test('pieces under way at once each get their own sum', async () => {
  pool = openMaskThreads(2)
  const offsets = [0, 1, 2, 3, 4, 5]
  const sums = await Promise.all(offsets.map((offset) => pool.add(vectors(2, 80_000), masks(4), offset)))
  offsets.forEach((offset, i) => {
    expect(sums[i]).toEqual(inline(vectors(2, 80_000), masks(4), offset))
  })
})

test('a view of a larger buffer leaves the rest of it usable', async () => {
  pool = openMaskThreads(1)
  const whole = vectors(1, 300_000)[0]!
  const part = whole.subarray(0, 200_000)
  const expected = inline([part], masks(4), 0)
  expect(await pool.add([part], masks(4), 0)).toEqual(expected)
  expect(whole.at(-1)).toBe(vectors(1, 300_000)[0]!.at(-1))
})

test.for([{ words: 10 }, { words: 300_000 }])(
  'vectors of different lengths are refused ($words words)',
  async ({ words }) => {
    pool = openMaskThreads(1)
    const odd = [new Int32Array(words), new Int32Array(words + 1)]
    await expect(pool.add(odd, masks(3), 0)).rejects.toMatchObject({ code: 'update-invalid' })
  },
)

test('closing rejects what is under way and everything after', async () => {
  pool = openMaskThreads(1)
  const running = [pool.add(vectors(2, 300_000), masks(4), 0), pool.add(vectors(2, 300_000), masks(4), 0)]
  const outcomes = Promise.allSettled(running)
  await pool.close()
  for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'cancelled' } })
  await expect(pool.add(vectors(1, 10), [], 0)).rejects.toMatchObject({ code: 'cancelled' })
})

test('a sum that comes while the threads are being closed is too late', async () => {
  pool = openMaskThreads(1)
  const outcome = Promise.allSettled([pool.add(vectors(2, 300_000), masks(4), 0)])
  const { terminate } = Worker.prototype
  vi.spyOn(Worker.prototype, 'terminate').mockImplementation(function (this: Worker) {
    this.emit('message', new Int32Array(300_000))
    return terminate.call(this)
  })
  await pool.close()
  expect(await outcome).toMatchObject([{ reason: { code: 'cancelled' } }])
})

test('the fixed-point numbers of a round follow from the length of its cohort and from its study', () => {
  const study = { updateNormMax: 10, aggregation: { mode: 'secure', weights: 'exact', weightMax: 512 } } as const
  const quantised = roundQuantisation({ cohort: ['a', 'b', 'c', 'd'] }, study)
  expect(quantised).toMatchObject({ cohort: 4, updateNormMax: 10, weightMax: 512, rounding: 'stochastic' })
  expect(4 * quantised.levels).toBeLessThan(2 ** 31)
  const sealed = { ...study, aggregation: { mode: 'sealed' } } as const
  expect(() => roundQuantisation({ cohort: ['a', 'b', 'c'] }, sealed)).toThrow('seals its own')
})
