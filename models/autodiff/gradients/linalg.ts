/** Gradients of the matrix products. */
import { float, floatAttribute, int, intAttribute } from '../../onnx/attributes.ts'
import type { GraphBuilder, Ref } from '../../onnx/builder.ts'
import type { GradientContext, GradientTable } from '../gradient-rule.ts'

export const linalg: GradientTable = {
  // Y = alpha A' B' + beta C, where ' transposes if so asked: dA' = alpha dY B'^T, dB' = alpha A'^T dY, dC = beta dY.
  Gemm: ({ g, node, inputs: [a, b], dy }) => {
    const transA = intAttribute(node, 'transA', 0)
    const transB = intAttribute(node, 'transB', 0)
    const alpha = floatAttribute(node, 'alpha', 1)
    const beta = floatAttribute(node, 'beta', 1)
    return [
      () => (transA === 0 ? product(g, dy, 0, b, 1 - transB, alpha) : product(g, b, transB, dy, 1, alpha)),
      () => (transB === 0 ? product(g, a, 1 - transA, dy, 0, alpha) : product(g, dy, 1, a, transA, alpha)),
      () => (beta === 1 ? dy : g.mul(dy, g.like(dy, beta))),
    ]
  },
  // Y = A B over the last two axes: dA = dY B^T, dB = A^T dY.
  MatMul: (context) => {
    const {
      g,
      inputs: [a, b],
      dy,
    } = context
    if (g.rank(a) === 2 && g.rank(b) === 2) return [() => product(g, dy, 0, b, 1, 1), () => product(g, a, 1, dy, 0, 1)]
    return batched(context)
  },
}

function product(g: GraphBuilder, a: Ref, transA: number, b: Ref, transB: number, alpha: number): Ref {
  return g.gemm(a, b, undefined, {
    ...(transA === 1 ? { transA: int(1) } : {}),
    ...(transB === 1 ? { transB: int(1) } : {}),
    ...(alpha === 1 ? {} : { alpha: float(alpha) }),
  })
}

/** A vector takes part as a matrix of one row (left) or one column (right); that axis is dropped again at the end. */
function batched({ g, inputs: [a, b], dy }: GradientContext): (() => Ref)[] {
  const aVector = g.rank(a) === 1
  const bVector = g.rank(b) === 1
  const column = () => (bVector ? g.unsqueeze(dy, [-1]) : dy)
  const gradient = () => (aVector ? g.unsqueeze(column(), [-2]) : column())
  return [
    () => {
      const da = g.matmul(gradient(), swapped(g, bVector ? g.unsqueeze(b, [1]) : b))
      return aVector ? g.squeeze(da, [-2]) : da
    },
    () => {
      const rows = g.dims(a).at(-1)
      const columns = g.dims(dy).at(-1)
      // One matrix used for a whole batch: all rows of the batch in one product, rather than one each and a sum.
      if (g.rank(b) === 2 && g.rank(a) > 2 && typeof rows === 'number' && typeof columns === 'number')
        return product(g, g.reshape(a, [-1, rows]), 1, g.reshape(dy, [-1, columns]), 0, 1)
      const db = g.matmul(swapped(g, aVector ? g.unsqueeze(a, [0]) : a), gradient())
      return bVector ? g.squeeze(db, [-1]) : db
    },
  ]
}

function swapped(g: GraphBuilder, x: Ref): Ref {
  const rank = g.rank(x)
  return g.transpose(x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2])
}
