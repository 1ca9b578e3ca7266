/** Gradients of the reductions: the gradient is spread over the elements that were reduced. */
import { intAttribute } from '../../onnx/attributes.ts'
import type { Ref } from '../../onnx/builder.ts'
import { quotient } from '../../onnx/dimensions.ts'
import type { GradientContext, GradientTable } from '../gradient-rule.ts'

export const reduction: GradientTable = {
  ReduceSum: (context) => [() => expanded(context, context.dy)],
  ReduceMean: (context) => [() => expanded(context, context.g.div(context.dy, reducedCount(context)))],
  ReduceMax: (context) => [() => extreme(context)],
  ReduceMin: (context) => [() => extreme(context)],
  ReduceL1: (context) => [() => context.g.mul(kept(context, context.dy), context.g.sign(context.inputs[0]))],
  // y = sqrt(sum x^2), so dx = dy * x / y.
  ReduceL2: (context) => {
    const {
      g,
      inputs: [x],
      outputs: [y],
      dy,
    } = context
    return [() => g.mul(x, kept(context, g.div(dy, y)))]
  },
  ReduceSumSquare: (context) => {
    const {
      g,
      inputs: [x],
      dy,
    } = context
    return [() => g.mul(x, kept(context, g.add(dy, dy)))]
  },
  // y = log sum e^x, so dx = dy * e^(x - y).
  ReduceLogSumExp: (context) => {
    const {
      g,
      inputs: [x],
      outputs: [y],
      dy,
    } = context
    return [() => g.mul(kept(context, dy), g.exp(g.sub(x, kept(context, y))))]
  },
}

/** The reduced value with its axes put back as ones, so that it broadcasts against the input. */
function kept({ g, node, inputs: [x, axes] }: GradientContext, value: Ref): Ref {
  if (intAttribute(node, 'keepdims', 1) === 1 || g.rank(value) === g.rank(x)) return value
  if (axes !== '') return g.op('Unsqueeze', [value, axes])
  return g.reshape(
    value,
    g.dims(x).map(() => 1),
  )
}

function expanded(context: GradientContext, value: Ref): Ref {
  const {
    g,
    inputs: [x],
  } = context
  return g.op('Expand', [kept(context, value), g.shape(x)])
}

function reducedCount({ g, inputs: [x], outputs: [y] }: GradientContext): Ref {
  const count = quotient(g.dims(x), g.dims(y))
  if (typeof count === 'number') return g.like(x, count)
  return g.cast(g.div(g.op('Size', [x]), g.op('Size', [y])), g.info(x).type)
}

/** The gradient is shared evenly among the elements that have the extreme value. */
function extreme(context: GradientContext): Ref {
  const {
    g,
    inputs: [x, axes],
    outputs: [y],
    dy,
    node,
  } = context
  const hit = g.cast(g.equal(x, kept(context, y)), g.info(x).type)
  const count = g.op('ReduceSum', axes === '' ? [hit] : [hit, axes], node.attributes)
  return g.mul(hit, kept(context, g.div(dy, count)))
}
