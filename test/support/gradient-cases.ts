/** One case or more for every row of the gradient table: an operator, its attributes, and inputs at which to check it. */
import { type Attributes, float, int, ints } from '@consilium/models/onnx/attributes.ts'
import type { ElementType } from '@consilium/models/onnx/graph.ts'

export type CaseInput = {
  readonly dims: readonly number[]
  /** Left out: seeded numbers between -2 and 2, kept off 0. */
  readonly values?: readonly number[]
  /** Left out: floating point, in the case's precision, with a gradient. Otherwise a constant. */
  readonly type?: ElementType
}
export type GradientCase = {
  readonly op: string
  readonly title: string
  readonly inputs: readonly CaseInput[]
  readonly attributes: Attributes
  readonly outputs: number
  /** Name among the reference operators, where onnxruntime has no double kernel. */
  readonly reference?: string
}

const matrix: CaseInput = { dims: [2, 3] }
const positive: CaseInput = { dims: [2, 3], values: [0.3, 1.7, 2.2, 0.9, 0.05, 3.1] }
const constant = (
  type: ElementType,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): CaseInput => ({ dims, values, type })
const whole = (...values: number[]): CaseInput => constant('int64', values)
const string = (value: string) => ({ kind: 'string', value }) as const
const keep = { keepdims: int(1) }
const drop = { keepdims: int(0) }

export const gradientCases: readonly GradientCase[] = [
  ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'].flatMap((op) => [
    a(op, 'of equal shapes', [matrix, matrix]),
    a(op, 'of a matrix and a row', [matrix, { dims: [3] }]),
    a(op, 'of a column and a matrix', [{ dims: [2, 1] }, matrix]),
    a(op, 'of a scalar and a tensor', [{ dims: [] }, { dims: [2, 1, 3] }]),
    a(op, 'of two that both broadcast', [{ dims: [2, 1, 3] }, { dims: [4, 1] }]),
  ]),
  a('Max', 'of three', [matrix, matrix, { dims: [3] }]),
  a('Min', 'of one', [matrix]),
  ...['Neg', 'Exp', 'Abs', 'Relu', 'Sigmoid', 'Tanh', 'Sin', 'Cos', 'Reciprocal', 'Identity', 'Dropout'].map((op) =>
    a(op, 'of a matrix', [matrix]),
  ),
  a('Log', 'of positive numbers', [positive]),
  a('Sqrt', 'of positive numbers', [positive]),
  a('Pow', 'to a fraction', [positive, constant('float64', [1.5], [])]),
  a('Pow', 'to the square of negative numbers', [matrix, constant('int64', [2], [])]),
  a('Pow', 'to a row of exponents', [positive, constant('float64', [1, 2, 3])]),
  single('LeakyRelu', 'LeakyRelu', { alpha: float(0.1) }),
  single('Elu', 'Elu', { alpha: float(1.5) }),
  single('Softplus', 'Softplus'),
  single('Softsign', 'Softsign'),
  single('Erf', 'Erf'),
  single('Gelu', 'Gelu'),
  single('Gelu', 'Gelu tanh', { approximate: string('tanh') }),
  a('Where', 'with a broadcast branch', [constant('bool', [1, 0, 0, 1, 1, 0], [2, 3]), matrix, { dims: [3] }]),
  a('Where', 'with a broadcast condition', [constant('bool', [1, 0], [2, 1]), { dims: [] }, matrix]),
  a('Clip', 'at both ends', [matrix, constant('float64', [-0.5], []), constant('float64', [1], [])]),
  a('Clip', 'at the lower end', [matrix, constant('float64', [-0.5], [])]),
  a('Cast', 'to the same precision', [matrix], { to: int(11) }),
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB) =>
      a(
        'Gemm',
        `transA ${transA}, transB ${transB}, scaled, with a bias row`,
        [{ dims: transA ? [4, 2] : [2, 4] }, { dims: transB ? [3, 4] : [4, 3] }, { dims: [3] }],
        {
          transA: int(transA),
          transB: int(transB),
          alpha: float(0.5),
          beta: float(2),
        },
      ),
    ),
  ),
  a('Gemm', 'without a bias', [{ dims: [2, 4] }, { dims: [4, 3] }]),
  a('Gemm', 'with a column as bias', [{ dims: [2, 4] }, { dims: [4, 3] }, { dims: [2, 1] }]),
  a('Gemm', 'with a scalar as bias', [{ dims: [2, 4] }, { dims: [4, 3] }, { dims: [] }]),
  a('MatMul', 'of matrices', [{ dims: [2, 4] }, { dims: [4, 3] }]),
  a('MatMul', 'of a batch and a matrix', [{ dims: [3, 2, 4] }, { dims: [4, 3] }]),
  a('MatMul', 'of two batches', [{ dims: [3, 2, 4] }, { dims: [3, 4, 2] }]),
  a('MatMul', 'of batches that broadcast', [{ dims: [2, 1, 2, 3] }, { dims: [3, 3, 2] }]),
  a('MatMul', 'of a matrix and a batch', [{ dims: [2, 4] }, { dims: [3, 4, 2] }]),
  a('MatMul', 'of a vector and a matrix', [{ dims: [4] }, { dims: [4, 3] }]),
  a('MatMul', 'of a matrix and a vector', [{ dims: [2, 4] }, { dims: [4] }]),
  a('MatMul', 'of two vectors', [{ dims: [4] }, { dims: [4] }]),
  a('MatMul', 'of a batch and a vector', [{ dims: [3, 2, 4] }, { dims: [4] }]),
  a('MatMul', 'of a vector and a batch', [{ dims: [4] }, { dims: [3, 4, 2] }]),
  a('Softmax', 'over the last axis', [matrix]),
  a('Softmax', 'over an inner axis', [{ dims: [2, 3, 2] }], { axis: int(1) }),
  a('LogSoftmax', 'over the last axis', [matrix]),
  a('LogSoftmax', 'over the first axis', [matrix], { axis: int(0) }),
  ...['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin'].map((op) =>
    a(op, 'over no axis, which leaves the input as it is', [matrix], { noop_with_empty_axes: int(1) }),
  ),
  ...[
    'ReduceSum',
    'ReduceMean',
    'ReduceMax',
    'ReduceMin',
    'ReduceL1',
    'ReduceL2',
    'ReduceSumSquare',
    'ReduceLogSumExp',
  ].flatMap((op) => [
    a(op, 'over one axis, kept', [{ dims: [2, 3, 2] }, whole(1)], keep),
    a(op, 'over two axes, dropped', [{ dims: [2, 3, 2] }, whole(0, -1)], drop),
    a(op, 'over all axes, dropped', [matrix], drop),
    a(op, 'over all axes, kept', [matrix], keep),
  ]),
  a('Transpose', 'reversed', [{ dims: [2, 3, 4] }]),
  a('Transpose', 'by a cycle', [{ dims: [2, 3, 4] }], { perm: ints([1, 2, 0]) }),
  a('Reshape', 'with an open dimension', [{ dims: [2, 3, 2] }, whole(0, -1)]),
  a('Flatten', 'from axis 1', [{ dims: [2, 3, 2] }]),
  a('Flatten', 'from axis 2', [{ dims: [2, 3, 2] }], { axis: int(2) }),
  a('Squeeze', 'of a given axis', [{ dims: [2, 1, 3] }, whole(1)]),
  a('Squeeze', 'of every axis of one', [{ dims: [1, 2, 1] }]),
  a('Unsqueeze', 'at both ends', [matrix, whole(0, -1)]),
  a('Expand', 'over a new axis and one of one', [{ dims: [2, 1] }, whole(3, 2, 4)]),
  a('Concat', 'of three on axis 1', [{ dims: [2, 1] }, { dims: [2, 3] }, { dims: [2, 2] }], { axis: int(1) }),
  a('Concat', 'on the last axis, counted from the end', [{ dims: [2, 1] }, { dims: [2, 3] }], { axis: int(-1) }),
  a('Split', 'into unequal parts', [{ dims: [2, 5] }, whole(1, 3, 1)], { axis: int(1) }, 3),
  a('Split', 'into equal parts', [{ dims: [4, 2] }], { axis: int(0), num_outputs: int(2) }, 2),
  a('Slice', 'of the middle of two axes', [{ dims: [3, 5] }, whole(1, 1), whole(3, -1), whole(0, 1)]),
  a('Slice', 'to far beyond the end', [{ dims: [3, 5] }, whole(-2), whole(2 ** 40), whole(-1)]),
  a('Slice', 'without axes', [{ dims: [3, 5] }, whole(0, 2), whole(2, 4)]),
  a('Gather', 'of rows, one twice', [{ dims: [4, 3] }, whole(2, 0, 2)]),
  a('Gather', 'of columns by a matrix of indices', [{ dims: [2, 4] }, constant('int64', [1, -1, 3, 1], [2, 2])], {
    axis: int(1),
  }),
  a('Gather', 'of one position in a sequence', [{ dims: [2, 4, 3] }, constant('int64', [0], [])], { axis: int(1) }),
]

function a(
  op: string,
  title: string,
  inputs: readonly CaseInput[],
  attributes: Attributes = {},
  outputs = 1,
): GradientCase {
  return { op, title, inputs, attributes, outputs }
}

function single(op: string, reference: string, attributes: Attributes = {}): GradientCase {
  return {
    op,
    title: reference === op ? 'of a matrix' : `(${reference})`,
    inputs: [matrix],
    attributes,
    outputs: 1,
    reference,
  }
}
