/** The operators that carry no gradient, listed rather than forgotten, and the inputs of others that carry none. */
import { intAttribute } from '../../onnx/attributes.ts'
import type { Node } from '../../onnx/graph.ts'

/** Piecewise constant, yielding whole numbers or truth values, or without inputs: the gradient is zero or has no meaning. */
export const noGradient: ReadonlySet<string> = new Set([
  'And',
  'ArgMax',
  'ArgMin',
  'Ceil',
  'Constant',
  'Equal',
  'Floor',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'Not',
  'OneHot',
  'Or',
  'Round',
  'Shape',
  'Sign',
  'Size',
  'Xor',
])

/** Inputs of differentiable operators that are settings, not values: shapes, axes, indices, bounds, conditions. */
const settings: Readonly<Record<string, readonly number[]>> = {
  Clip: [1, 2],
  Dropout: [1, 2],
  Expand: [1],
  Gather: [1],
  Pow: [1],
  ReduceL1: [1],
  ReduceL2: [1],
  ReduceLogSumExp: [1],
  ReduceMax: [1],
  ReduceMean: [1],
  ReduceMin: [1],
  ReduceSum: [1],
  ReduceSumSquare: [1],
  Reshape: [1],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  Unsqueeze: [1],
  Where: [0],
}

/** TensorProto.DataType of float32, float16 and float64. */
const floatingPoint = [1, 10, 11]

/** Which inputs of a node can carry a gradient; none where a Cast rounds to whole numbers. */
export function differentiableInputs(node: Node): number[] {
  if (node.op === 'Cast' && !floatingPoint.includes(intAttribute(node, 'to', 0))) return []
  return node.inputs.flatMap((name, i) => (name !== '' && !settings[node.op]?.includes(i) ? [i] : []))
}
