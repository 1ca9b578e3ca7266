/**
 * The losses, each from logits: its value per row, its gradient, and the score a person reads. The gradients are the
 * closed forms (softmax minus target and the like), which stay exact where the loss itself saturates.
 */
import type { Loss } from '@consilium/protos/plan/study.ts'
import { int } from './onnx/attributes.ts'
import type { GraphBuilder, Ref } from './onnx/builder.ts'
import type { ElementType } from './onnx/graph.ts'

export type LossFunction = {
  /** float32 [N,1], or int64 [N] for class indices. */
  readonly labelType: ElementType
  readonly labelRank: 1 | 2
  /** What a forward graph's closing activation must be to be taken off, so that its logits remain. */
  readonly activation: 'Sigmoid' | 'Softmax' | undefined
  /** Labels [..., 1], or class indices [...], as float targets [..., outputs]. */
  readonly targets: (g: GraphBuilder, labels: Ref, outputs: number) => Ref
  /** Logits and targets [..., outputs] to losses [...]. */
  readonly rowLosses: (g: GraphBuilder, logits: Ref, targets: Ref) => Ref
  /** The gradient of the sum of `weights` [B,1] times row losses with respect to the logits [B,outputs]. */
  readonly gradient: (g: GraphBuilder, logits: Ref, targets: Ref, weights: Ref) => Ref
  /** Logits [N,outputs] to probabilities [N] (binary), [N,K] (classes), or predictions [N] (numbers). */
  readonly scores: (g: GraphBuilder, logits: Ref) => Ref
}

export const losses: Readonly<Record<Loss, LossFunction>> = {
  'binary-cross-entropy': {
    labelType: 'float32',
    labelRank: 2,
    activation: 'Sigmoid',
    targets: (_g, labels) => labels,
    // -y log p - (1-y) log(1-p) with p = sigmoid(z), as max(z, 0) - z y + log(1 + e^-|z|): no overflow, no log of 0.
    rowLosses: (g, logits, targets) => {
      const linear = g.sub(g.relu(logits), g.mul(logits, targets))
      return g.squeeze(g.add(linear, g.softplus(g.neg(g.abs(logits)))), [-1])
    },
    gradient: (g, logits, targets, weights) => g.mul(g.sub(g.sigmoid(logits), targets), weights),
    scores: (g, logits) => g.squeeze(g.sigmoid(logits), [-1]),
  },
  'cross-entropy': {
    labelType: 'int64',
    labelRank: 1,
    activation: 'Softmax',
    targets: (g, labels, outputs) => {
      const offOn = g.constant('float32', [0, 1])
      return g.op('OneHot', [labels, g.constant('int64', outputs), offOn], { axis: int(-1) })
    },
    rowLosses: (g, logits, targets) => g.neg(g.reduceSum(g.mul(g.logSoftmax(logits), targets), [-1], false)),
    gradient: (g, logits, targets, weights) => g.mul(g.sub(g.softmax(logits), targets), weights),
    scores: (g, logits) => g.softmax(logits),
  },
  'mean-squared-error': {
    labelType: 'float32',
    labelRank: 2,
    activation: undefined,
    targets: (_g, labels) => labels,
    rowLosses: (g, logits, targets) => {
      const difference = g.sub(logits, targets)
      return g.squeeze(g.mul(difference, difference), [-1])
    },
    gradient: (g, logits, targets, weights) => g.mul(g.sub(logits, targets), g.add(weights, weights)),
    scores: (g, logits) => g.squeeze(logits, [-1]),
  },
}
