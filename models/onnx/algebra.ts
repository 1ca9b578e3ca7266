/** The operators as functions on values, with the arguments a formula would have. */
import { type Attributes, int, ints } from './attributes.ts'
import type { Constants, Ref } from './builder-values.ts'
import type { ElementType } from './graph.ts'
import { elementTypeCodes } from './tensor-data.ts'

type Op = (op: string, inputs: readonly Ref[], attributes?: Attributes) => Ref
type Ops = (op: string, inputs: readonly Ref[], attributes: Attributes, count: number) => Ref[]

export function algebra(op: Op, ops: Ops, constant: Constants['constant']) {
  return { ...elementwise(op), ...movement(op, ops, constant), ...products(op), ...alongAxes(op, constant) }
}

function elementwise(op: Op) {
  const unary = (name: string) => (x: Ref) => op(name, [x])
  const binary = (name: string) => (a: Ref, b: Ref) => op(name, [a, b])
  return {
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    pow: binary('Pow'),
    greater: binary('Greater'),
    less: binary('Less'),
    equal: binary('Equal'),
    neg: unary('Neg'),
    exp: unary('Exp'),
    log: unary('Log'),
    sqrt: unary('Sqrt'),
    abs: unary('Abs'),
    sign: unary('Sign'),
    relu: unary('Relu'),
    sigmoid: unary('Sigmoid'),
    tanh: unary('Tanh'),
    softplus: unary('Softplus'),
    where: (condition: Ref, yes: Ref, no: Ref): Ref => op('Where', [condition, yes, no]),
    cast: (x: Ref, type: ElementType): Ref => op('Cast', [x], { to: int(elementTypeCodes[type]) }),
  }
}

function products(op: Op) {
  return {
    matmul: (a: Ref, b: Ref): Ref => op('MatMul', [a, b]),
    gemm: (a: Ref, b: Ref, c?: Ref, attributes: Attributes = {}): Ref =>
      op('Gemm', c === undefined ? [a, b] : [a, b, c], attributes),
  }
}

function movement(op: Op, ops: Ops, constant: Constants['constant']) {
  const whole = (...values: number[]) => constant('int64', values)
  return {
    shape: (x: Ref): Ref => op('Shape', [x]),
    transpose: (x: Ref, perm: readonly number[]): Ref => op('Transpose', [x], { perm: ints(perm) }),
    reshape: (x: Ref, dims: readonly number[]): Ref => op('Reshape', [x, whole(...dims)]),
    unsqueeze: (x: Ref, axes: readonly number[]): Ref => op('Unsqueeze', [x, whole(...axes)]),
    squeeze: (x: Ref, axes: readonly number[]): Ref => op('Squeeze', [x, whole(...axes)]),
    /** One part is itself. */
    concat: (parts: readonly Ref[], axis: number): Ref =>
      parts.length === 1 ? (parts[0] as Ref) : op('Concat', parts, { axis: int(axis) }),
    /** Into one part is the whole. */
    split: (x: Ref, sizes: readonly number[], axis: number): Ref[] =>
      sizes.length === 1 ? [x] : ops('Split', [x, whole(...sizes)], { axis: int(axis) }, sizes.length),
    slice: (x: Ref, start: number, end: number, axis: number): Ref =>
      op('Slice', [x, whole(start), whole(end), whole(axis)]),
    gather: (x: Ref, indices: Ref, axis = 0): Ref => op('Gather', [x, indices], { axis: int(axis) }),
  }
}

function alongAxes(op: Op, constant: Constants['constant']) {
  return {
    softmax: (x: Ref, axis = -1): Ref => op('Softmax', [x], { axis: int(axis) }),
    logSoftmax: (x: Ref, axis = -1): Ref => op('LogSoftmax', [x], { axis: int(axis) }),
    /** With `keep`, the summed axes stay as ones. */
    reduceSum: (x: Ref, axes: readonly number[], keep: boolean): Ref =>
      op('ReduceSum', [x, constant('int64', axes)], { keepdims: int(keep ? 1 : 0) }),
  }
}
