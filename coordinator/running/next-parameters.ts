/**
 * The next global parameters from the sum of the masked updates: read, made and written stretch by stretch. An update that
 * is longer than the survivors' clipped ones can add up to is refused (fedsum, section A.10: overflow by a malicious site).
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { dequantise, type Quantisation } from '@consilium/protos/secagg/fixed-point.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { Strategy } from '../strategy/strategy.ts'
import { type FloatReader, openFloatReader } from './floats.ts'

export type UpdateSum = {
  /** The unmasked words, in order. */
  readonly pieces: AsyncIterable<Int32Array>
  readonly survivors: number
  /** Sum of the survivors' weights, positive. */
  readonly weight: number
  readonly quantised: Quantisation
}

/** Stores the next parameters. Rejects with `update-invalid` where the sum is longer than it can be. */
export async function storeNextParameters(
  model: Sha256,
  sum: UpdateSum,
  strategy: Strategy,
  objects: ObjectStore,
): Promise<Sha256> {
  const global = openFloatReader(objects, model)
  try {
    return (await objects.putStream(nextParameters(global, sum, strategy))).sha256
  } finally {
    await global.close()
  }
}

async function* nextParameters(global: FloatReader, sum: UpdateSum, strategy: Strategy): AsyncGenerator<Uint8Array> {
  let squares = 0
  let count = 0
  for await (const words of sum.pieces) {
    squares += sumOfSquares(words)
    count += words.length
    const mean = new Float64Array(words.length)
    dequantise(mean, words, sum.quantised, sum.weight)
    const next = strategy.nextParameters(await global.take(words.length), mean)
    yield new Uint8Array(next.buffer, next.byteOffset, next.byteLength)
  }
  await global.end()
  checkNorm(Math.sqrt(squares), count, sum)
}

/** What adding many squares in float64 can be off by. */
const normTolerance = 1e-6

/** Each survivor's norm is at most `normLevels`, and its rounding moves every coordinate by less than one level. */
function checkNorm(norm: number, coordinates: number, { survivors, quantised }: UpdateSum): void {
  const normMax = survivors * (quantised.normLevels + Math.sqrt(coordinates))
  if (norm <= normMax * (1 + normTolerance)) return
  const times = (norm / normMax).toPrecision(3)
  throw new FederationError('update-invalid', `the sum of the updates is ${times} times as long as it can be`)
}

function sumOfSquares(words: Int32Array): number {
  let sum = 0
  for (let i = 0; i < words.length; i++) sum += words[i]! * words[i]!
  return sum
}
