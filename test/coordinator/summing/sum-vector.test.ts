/** The streamed sum of masked vectors, and the parameters made of it, against the whole done at once. */
import { randomBytes } from 'node:crypto'
import { quantisation } from '@consilium/protos/secagg/fixed-point.ts'
import { headerWords } from '@consilium/protos/secagg/header.ts'
import { addMasks, type Mask } from '@consilium/protos/secagg/mask-stream.ts'
import { type MaskThreads, openMaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import { afterEach, expect, test } from 'vitest'
import { openMemoryObjectStore } from '../../../coordinator/store/memory-object-store.ts'
import { storeNextParameters } from '../../../coordinator/summing/next-parameters.ts'
import { openStoredSums } from '../../../coordinator/summing/stored-sums.ts'
import { pieceWordsMax, sumVector } from '../../../coordinator/summing/sum-vector.ts'
import { collect } from '../../support/collect.ts'
import { iterate } from '../../support/coordinator-fixture.ts'

let threads: MaskThreads
afterEach(() => threads?.close())

const newKey = (): Uint8Array => new Uint8Array(randomBytes(32))

test.for([
  { sites: 3, words: 5 },
  { sites: 2, words: pieceWordsMax },
  { sites: 3, words: 2 * pieceWordsMax + 7 },
  { sites: 40, words: 100_001 },
])('$sites vectors of $words words add up, without the masks each came under', async ({ sites, words }) => {
  threads = openMaskThreads(2)
  const keys = Array.from({ length: sites }, newKey)
  const masked = keys.map((key, site) => {
    const vector = Int32Array.from({ length: words }, (_, i) => site + 1 + i)
    addMasks(vector, [{ key, sign: 1 }], 0)
    return new Uint8Array(vector.buffer)
  })
  let largest = 0
  const sources = masked.map((bytes) => async (offset: number, length: number) => {
    largest = Math.max(largest, length)
    return bytes.slice(offset, offset + length)
  })
  const masks = keys.map((key): Mask => ({ key, sign: -1 }))
  const sum = new Int32Array(words)
  let at = 0
  for await (const piece of sumVector({ words, sources, masks }, threads)) {
    sum.set(piece, at)
    at += piece.length
  }
  expect(at).toBe(words)
  const constant = (sites * (sites + 1)) / 2
  expect(sum.findIndex((word, i) => word !== constant + sites * i)).toBe(-1)
  expect(largest).toBeLessThanOrEqual(4 * pieceWordsMax)
})

test('a source that fails ends the sum with its error', async () => {
  threads = openMaskThreads(1)
  const sources = [async () => Promise.reject(new Error('the disk is gone'))]
  await expect(collect(sumVector({ words: 3 * pieceWordsMax, sources, masks: [] }, threads))).rejects.toThrow('disk')
})

const quantised = quantisation({ cohort: 3, updateNormMax: 3, weightMax: 8, rounding: 'stochastic' })

async function nextOf(words: Int32Array, length = words.length) {
  const objects = openMemoryObjectStore()
  const global = Float32Array.from({ length }, (_, i) => i / 3)
  const { sha256 } = await objects.put(new Uint8Array(global.buffer))
  const sums = await openStoredSums(objects).put(iterate([new Int32Array(headerWords), words]))
  const sum = { sums, survivors: 3, weight: 16, quantised }
  const stored = await storeNextParameters(sha256, sum, objects)
  return { global, next: new Float32Array(new Uint8Array(await objects.get(stored)).buffer) }
}

test('the next parameters are the old ones plus the mean that the sum stands for', async () => {
  const mean = [0.5, -0.25, 0, 1, -1]
  const { global, next } = await nextOf(Int32Array.from(mean, (value) => (value * quantised.scale * 16) / 8))
  next.forEach((value, i) => {
    expect(value).toBeCloseTo(global[i]! + mean[i]!, 6)
  })
})

test('a sum as long as three clipped updates can be is taken, a longer one is not', async () => {
  const most = Math.floor((3 * quantised.normLevels) / Math.sqrt(4))
  await nextOf(Int32Array.of(most, -most, most, most))
  await expect(nextOf(Int32Array.of(most, -most, most, most, 2 ** 24))).rejects.toMatchObject({
    code: 'update-invalid',
  })
})

test.for([4, 6])('a sum for %i parameters does not fit five', async (length) => {
  await expect(nextOf(Int32Array.of(1, 2, 3, 4, 5), length)).rejects.toMatchObject({ code: 'shape-mismatch' })
})
