/** Gradients of the operators that normalise along an axis. */
import { intAttribute } from '../../onnx/attributes.ts'
import type { GradientTable } from '../gradient-rule.ts'

export const normalization: GradientTable = {
  // y = softmax(x), so dx = y * (dy - sum(dy * y)).
  Softmax: ({ g, node, outputs: [y], dy }) => [
    () => {
      const weighted = g.mul(dy, y)
      return g.sub(weighted, g.mul(y, g.reduceSum(weighted, [intAttribute(node, 'axis', -1)], true)))
    },
  ],
  // y = log softmax(x), so dx = dy - e^y * sum(dy).
  LogSoftmax: ({ g, node, outputs: [y], dy }) => [
    () => g.sub(dy, g.mul(g.exp(y), g.reduceSum(dy, [intAttribute(node, 'axis', -1)], true))),
  ],
}
