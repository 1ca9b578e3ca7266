/** The next global parameters from the sum of the masked updates: read, made and written stretch by stretch. */
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { nextModel, type UpdateSum } from '@consilium/protos/strategy/next-model.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type FloatReader, openFloatReader } from './floats.ts'

/** `pieces`: the unmasked words, in order. */
export type UpdatePieces = UpdateSum & { readonly pieces: AsyncIterable<Int32Array> }

/** Stores the next parameters. Rejects with `update-invalid` where the sum is longer than it can be. */
export async function storeNextParameters(model: Sha256, sum: UpdatePieces, objects: ObjectStore): Promise<Sha256> {
  const global = openFloatReader(objects, model)
  try {
    return (await objects.putStream(nextParameters(global, sum))).sha256
  } finally {
    await global.close()
  }
}

async function* nextParameters(global: FloatReader, sum: UpdatePieces): AsyncGenerator<Uint8Array> {
  const made = nextModel(sum)
  for await (const words of sum.pieces) {
    const next = made.next(await global.take(words.length), words)
    yield new Uint8Array(next.buffer, next.byteOffset, next.byteLength)
  }
  await global.end()
  made.end()
}
