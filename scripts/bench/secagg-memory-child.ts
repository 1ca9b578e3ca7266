/**
 * The process that `secagg-memory.ts` measures: unmasks the sum of so many uploads of so many parameters and writes the new
 * ones, then prints how long it took and the most memory it had. Usage: secagg-memory-child.ts <sites> <parameters>.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileObjectStore } from '@consilium/coordinator/store/file-object-store.ts'
import { storeNextParameters } from '@consilium/coordinator/summing/next-parameters.ts'
import { openStoredSums } from '@consilium/coordinator/summing/stored-sums.ts'
import { sumVector } from '@consilium/coordinator/summing/sum-vector.ts'
import { quantisation } from '@consilium/protos/secagg/fixed-point.ts'
import { headerWords } from '@consilium/protos/secagg/header.ts'
import { maskKey } from '@consilium/protos/secagg/keys.ts'
import { addMasks, type Mask } from '@consilium/protos/secagg/mask-stream.ts'
import { openMaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import { updateName } from '@consilium/protos/secagg/vectors.ts'

const [sites = 0, parameters = 0] = process.argv.slice(2).map(Number)
const weightMax = 1024
const u2Hash = new Uint8Array(32).fill(2)

const folder = await mkdtemp(join(tmpdir(), 'consilium-bench-'))
const threads = openMaskThreads(availableParallelism())
try {
  const objects = await openFileObjectStore({ objects: join(folder, 'objects'), staging: join(folder, 'staging') })
  const { sha256: model } = await objects.putStream(zeros(4 * parameters))
  const started = performance.now()
  const summed = sumVector({ words: parameters, sources: masks(1).map(uploadUnder), masks: masks(-1) }, threads)
  const sums = await openStoredSums(objects).put(afterHeader(summed))
  const quantised = quantisation({ cohort: sites, updateNormMax: 1, weightMax, rounding: 'stochastic' })
  const sum = { sums, survivors: sites, weight: sites * weightMax, quantised }
  // Every update is zero: masks that were left would make the sum too long to be accepted.
  const next = await storeNextParameters(model, sum, objects)
  if (next !== model) throw new Error('the sum of updates of zero changed the parameters')
  const seconds = (performance.now() - started) / 1000
  process.stdout.write(JSON.stringify({ seconds, residentBytesMax: process.resourceUsage().maxRSS * 1024 }))
} finally {
  await threads.close()
  await rm(folder, { recursive: true, force: true })
}

/** A sum as it is stored: a header first. */
async function* afterHeader(pieces: AsyncIterable<Int32Array>): AsyncGenerator<Int32Array> {
  yield new Int32Array(headerWords)
  yield* pieces
}

/** The self masks of all sites; those of pairs cancel. */
function masks(sign: 1 | -1): Mask[] {
  return Array.from({ length: sites }, (_, i) => ({
    key: maskKey(new Uint8Array(32).fill(i + 1), 'self', updateName, u2Hash),
    sign,
  }))
}

/** An update of zeros under one mask, from any byte on. */
function uploadUnder(mask: Mask): (offset: number, bytes: number) => Promise<Uint8Array> {
  return async (offset, bytes) => {
    const words = new Int32Array(bytes / 4)
    addMasks(words, [mask], offset / 4)
    return new Uint8Array(words.buffer)
  }
}

async function* zeros(bytes: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(1024 * 1024)
  for (let at = 0; at < bytes; at += chunk.length) yield chunk.subarray(0, Math.min(chunk.length, bytes - at))
}
