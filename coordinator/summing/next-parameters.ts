/** The next global parameters from a stored sum: read, made and written stretch by stretch. */
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { headerWords } from '@consilium/protos/secagg/header.ts'
import { nextModel, type UpdateSum } from '@consilium/protos/strategy/next-model.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type FloatReader, openFloatReader } from './floats.ts'

/** `sums`: the object that holds the header's words and then the update's. */
export type StoredUpdateSum = UpdateSum & { readonly sums: Sha256 }

/** Stores the next parameters. Rejects with `update-invalid` where the sum is longer than it can be. */
export async function storeNextParameters(model: Sha256, sum: StoredUpdateSum, objects: ObjectStore): Promise<Sha256> {
  const global = openFloatReader(objects, model)
  const words = openFloatReader(objects, sum.sums)
  try {
    const length = (await objects.size(model))! / 4
    return (await objects.putStream(nextParameters(global, words, length, sum))).sha256
  } finally {
    await global.close()
    await words.close()
  }
}

/** Parameters taken at once: 1 MiB of each. */
const stretchMax = 2 ** 18

async function* nextParameters(
  global: FloatReader,
  words: FloatReader,
  length: number,
  sum: UpdateSum,
): AsyncGenerator<Uint8Array> {
  const made = nextModel(sum)
  await words.take(headerWords)
  for (let from = 0; from < length; from += stretchMax) {
    const count = Math.min(stretchMax, length - from)
    const next = made.next(await global.take(count), new Int32Array((await words.take(count)).buffer))
    yield new Uint8Array(next.buffer, next.byteOffset, next.byteLength)
  }
  await global.end()
  await words.end()
  made.end()
}
