/** Gradients of the elementwise operators. Broadcasting is undone in backward.ts, so a rule may ignore it. */
import { floatAttribute, stringAttribute } from '../../onnx/attributes.ts'
import type { GraphBuilder, Ref } from '../../onnx/builder.ts'
import type { GradientContext, GradientTable } from '../gradient-rule.ts'

export const elementwise: GradientTable = {
  Add: ({ dy }) => [() => dy, () => dy],
  Sub: ({ g, dy }) => [() => dy, () => g.neg(dy)],
  Mul: ({ g, inputs: [a, b], dy }) => [() => g.mul(dy, b), () => g.mul(dy, a)],
  // y = a / b, so db = -dy * y / b.
  Div: ({ g, inputs: [, b], outputs: [y], dy }) => [() => g.div(dy, b), () => g.neg(g.div(g.mul(dy, y), b))],
  Neg: ({ g, dy }) => [() => g.neg(dy)],
  Reciprocal: ({ g, outputs: [y], dy }) => [() => g.neg(g.mul(dy, g.mul(y, y)))],
  // y = e^x, so dx = dy * y: the forward value is used again.
  Exp: ({ g, outputs: [y], dy }) => [() => g.mul(dy, y)],
  Log: ({ g, inputs: [x], dy }) => [() => g.div(dy, x)],
  Sqrt: ({ g, outputs: [y], dy }) => [() => g.div(dy, g.add(y, y))],
  // y = x^p, so dx = dy * p * x^(p-1); the exponent is a constant.
  Pow: ({ g, inputs: [x, p], dy }) => [
    () => {
      const exponent = g.cast(p, g.info(x).type)
      return g.mul(dy, g.mul(exponent, g.pow(x, g.sub(exponent, g.like(x, 1)))))
    },
  ],
  Sin: ({ g, inputs: [x], dy }) => [() => g.mul(dy, g.op('Cos', [x]))],
  Cos: ({ g, inputs: [x], dy }) => [() => g.neg(g.mul(dy, g.op('Sin', [x])))],
  Abs: ({ g, inputs: [x], dy }) => [() => g.mul(dy, g.sign(x))],
  // y is 0 or above, so as a truth value it says where dy is kept; Sign or a comparison took 4 to 7 % of an MLP's step more.
  Relu: ({ g, outputs: [y], dy }) => [() => g.mul(dy, g.cast(g.cast(y, 'bool'), g.info(y).type))],
  LeakyRelu: ({ g, node, inputs: [x], dy }) => [
    () => g.where(positive(g, x), dy, g.mul(dy, g.like(x, floatAttribute(node, 'alpha', 0.01)))),
  ],
  // y = alpha * (e^x - 1) below 0, so dx = dy * (y + alpha) there.
  Elu: ({ g, node, inputs: [x], outputs: [y], dy }) => [
    () => g.where(positive(g, x), dy, g.mul(dy, g.add(y, g.like(x, floatAttribute(node, 'alpha', 1))))),
  ],
  Sigmoid: ({ g, outputs: [y], dy }) => [() => g.mul(dy, g.mul(y, g.sub(g.like(y, 1), y)))],
  Tanh: ({ g, outputs: [y], dy }) => [() => g.mul(dy, g.sub(g.like(y, 1), g.mul(y, y)))],
  Softplus: ({ g, inputs: [x], dy }) => [() => g.mul(dy, g.sigmoid(x))],
  // y = x / (1 + |x|), so dx = dy / (1 + |x|)^2.
  Softsign: ({ g, inputs: [x], dy }) => [
    () => {
      const width = g.add(g.like(x, 1), g.abs(x))
      return g.div(dy, g.mul(width, width))
    },
  ],
  // dx = dy * 2 / sqrt(pi) * e^(-x^2).
  Erf: ({ g, inputs: [x], dy }) => [
    () => g.mul(dy, g.mul(g.like(x, 2 / Math.sqrt(Math.PI)), g.exp(g.neg(g.mul(x, x))))),
  ],
  Gelu: (context) => [
    () => (stringAttribute(context.node, 'approximate', 'none') === 'tanh' ? geluTanh(context) : gelu(context)),
  ],
  Where: ({ g, inputs: [condition, yes], dy }) => [
    undefined,
    () => g.where(condition, dy, g.like(yes, 0)),
    () => g.where(condition, g.like(yes, 0), dy),
  ],
  Max: firstEqual,
  Min: firstEqual,
  // Within the bounds, bounds included, y is x.
  Clip: ({ g, inputs: [x], outputs: [y], dy }) => [() => g.where(g.equal(x, y), dy, g.like(x, 0))],
}

function positive(g: GraphBuilder, x: Ref): Ref {
  return g.greater(x, g.like(x, 0))
}

/** The gradient goes to the first input that has the extreme value, as it does in a pooling. */
function firstEqual({ g, node, outputs: [y], dy }: GradientContext): (() => Ref)[] {
  const zero = g.like(y, 0)
  return node.inputs.map((_, i) => () => {
    const earlier = node.inputs.slice(0, i)
    const rest = earlier.reduce((gradient, input) => g.where(g.equal(input, y), zero, gradient), dy)
    return g.where(g.equal(node.inputs[i] as Ref, y), rest, zero)
  })
}

/** y = x * cdf(x) of the normal distribution, so dx = dy * (cdf(x) + x * density(x)). */
function gelu({ g, inputs: [x], dy }: GradientContext): Ref {
  const cdf = g.mul(g.like(x, 0.5), g.add(g.like(x, 1), g.op('Erf', [g.mul(x, g.like(x, Math.SQRT1_2))])))
  const density = g.mul(g.like(x, 1 / Math.sqrt(2 * Math.PI)), g.exp(g.mul(g.like(x, -0.5), g.mul(x, x))))
  return g.mul(dy, g.add(cdf, g.mul(x, density)))
}

/** y = x/2 * (1 + t), t = tanh(k * (x + c x^3)), so dx = dy * ((1 + t)/2 + x/2 * (1 - t^2) * k * (1 + 3c x^2)). */
function geluTanh({ g, inputs: [x], dy }: GradientContext): Ref {
  const [k, c] = [Math.sqrt(2 / Math.PI), 0.044715]
  const square = g.mul(x, x)
  const one = g.like(x, 1)
  const half = g.like(x, 0.5)
  const t = g.tanh(g.mul(g.like(x, k), g.mul(x, g.add(one, g.mul(g.like(x, c), square)))))
  const inner = g.mul(g.like(x, k), g.add(one, g.mul(g.like(x, 3 * c), square)))
  const slope = g.mul(g.mul(half, x), g.mul(g.sub(one, g.mul(t, t)), inner))
  return g.mul(dy, g.add(g.mul(half, g.add(one, t)), slope))
}
