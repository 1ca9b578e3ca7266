/** What is known of a value before the run: its type, its shape, and the contents of small tensors of whole numbers. */
import type { Dimension, ElementType, Tensor } from './graph.ts'
import { wholeNumbers } from './graph.ts'

export type ValueInfo = {
  readonly type: ElementType
  readonly dims: readonly Dimension[]
  /** What the value holds, where it is a small tensor of whole numbers known before the run. */
  readonly known?: readonly Dimension[]
}

/** Longest tensor of whole numbers whose contents are followed; a shape has a few. */
export const knownCountMax = 256

/** What a tensor is: type, shape, and its contents where it is small and whole. */
export function tensorInfo(tensor: Tensor): ValueInfo {
  const known = tensor.data.length <= knownCountMax ? wholeNumbers(tensor) : undefined
  return { type: tensor.type, dims: tensor.dims, ...(known ? { known } : {}) }
}
