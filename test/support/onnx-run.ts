/** Runs a graph once in onnxruntime at one thread, for tests. */
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import type { Model } from '@consilium/models/onnx/graph.ts'
import * as ort from 'onnxruntime-node'

export type Feeds = Readonly<Record<string, ort.Tensor>>

export async function openModel(model: Model): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(encodeModel(model), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  })
}

export async function runModel(model: Model, feeds: Feeds): Promise<Record<string, ort.Tensor>> {
  const session = await openModel(model)
  return { ...(await session.run(feeds)) }
}

export function float32(data: ArrayLike<number>, dims: readonly number[]): ort.Tensor {
  return new ort.Tensor('float32', Float32Array.from(data), dims)
}

export function int64(data: ArrayLike<number>, dims: readonly number[]): ort.Tensor {
  return new ort.Tensor('int64', BigInt64Array.from(Array.from(data), BigInt), dims)
}

export function numbers(tensor: ort.Tensor | undefined): number[] {
  return Array.from(tensor?.data as ArrayLike<number>, Number)
}

/** A small generator of numbers in [0, 1), the same on every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
