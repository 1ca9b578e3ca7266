/** One thread of `mask-threads.ts`: adds what it is given and gives the sum back. */
import { parentPort } from 'node:worker_threads'
import { addMasks, addVectors, freeWords, type Mask } from './mask-stream.ts'
import type { MaskJob } from './mask-threads.ts'

parentPort?.on('message', ({ vectors, keys, signs, wordOffset }: MaskJob) => {
  const [sum, ...others] = vectors as [Int32Array<ArrayBuffer>, ...Int32Array[]]
  addVectors(sum, others)
  for (const words of others) freeWords(words)
  const masks = Array.from(
    signs,
    (sign, i): Mask => ({
      key: keys.subarray(32 * i, 32 * i + 32),
      sign: sign === 1 ? 1 : -1,
    }),
  )
  addMasks(sum, masks, wordOffset)
  keys.fill(0)
  parentPort?.postMessage(sum, [sum.buffer])
})
