/**
 * SGD, momentum and Adam as chains of small transformations of the gradient, each emitting nodes; the parameters lose
 * what comes out. Momentum is Polyak's as Keras writes it (the velocity carries the learning rate); Adam is Kingma and
 * Ba, arXiv:1412.6980, with the bias correction moved into two numbers per step.
 */
import type { Optimizer } from '@consilium/protos/plan/study.ts'
import type { GraphBuilder, Ref } from './onnx/builder.ts'

type Transformed = { readonly gradient: Ref; readonly slots: readonly Ref[] }

/** A step of the chain. A slot is a vector of state, as long as the parameters. */
type Transformation = {
  readonly slots: number
  /** Numbers that change from step to step, each [steps], computed before the loop from the step numbers (1, 2, ...) in double precision. */
  readonly perStep?: (g: GraphBuilder, learningRate: Ref, stepNumbers: Ref) => readonly Ref[]
  readonly apply: (g: GraphBuilder, gradient: Ref, slots: readonly Ref[], perStep: readonly Ref[]) => Transformed
}

export type OptimizerChain = {
  readonly transformations: readonly Transformation[]
  /**
   * Whether the learning rate scales the loss, and so every gradient, before the chain. Right for a chain that is linear
   * in the gradient, and one product on the logits is cheaper than one on every parameter.
   */
  readonly scalesLoss: boolean
  /** Whether the chain runs once on all parameters packed in one vector: pays where it has many elementwise nodes. */
  readonly packed: boolean
}

export function optimizerChain(optimizer: Optimizer): OptimizerChain {
  switch (optimizer.name) {
    case 'sgd':
      return { transformations: [], scalesLoss: true, packed: false }
    case 'momentum':
      return { transformations: [accumulate(optimizer.momentum)], scalesLoss: true, packed: false }
    case 'adam':
      return {
        transformations: [scaleByAdam(optimizer.beta1, optimizer.beta2, optimizer.epsilon)],
        scalesLoss: false,
        packed: true,
      }
  }
}

/** State vectors the chain carries: 0 for SGD, 1 for momentum, 2 for Adam. */
export function slotCount(chain: OptimizerChain): number {
  return chain.transformations.reduce((count, transformation) => count + transformation.slots, 0)
}

/** u' = momentum * u + gradient. */
function accumulate(momentum: number): Transformation {
  return {
    slots: 1,
    apply: (g, gradient, [velocity = '']) => {
      const next = g.add(g.mul(velocity, g.like(velocity, momentum)), gradient)
      return { gradient: next, slots: [next] }
    },
  }
}

/**
 * Adam's m and v are kept divided by (1 - beta1) and (1 - beta2), which spares two products: m' = beta1 m + gradient,
 * v' = beta2 v + gradient^2, change = rate_t * m' / (sqrt(v') + epsilon_t).
 */
function scaleByAdam(beta1: number, beta2: number, epsilon: number): Transformation {
  return {
    slots: 2,
    perStep: (g, learningRate, stepNumbers) => {
      const one = g.constant('float64', 1)
      const correction = (beta: number) => g.sub(one, g.pow(g.constant('float64', beta), stepNumbers))
      const rootCorrection2 = g.sqrt(g.div(correction(beta2), g.constant('float64', 1 - beta2)))
      const rate = g.mul(
        g.cast(learningRate, 'float64'),
        g.div(g.mul(rootCorrection2, g.constant('float64', 1 - beta1)), correction(beta1)),
      )
      const epsilons = g.mul(rootCorrection2, g.constant('float64', epsilon))
      return [g.cast(rate, 'float32'), g.cast(epsilons, 'float32')]
    },
    apply: (g, gradient, [m = '', v = ''], [rate = '', epsilonNow = '']) => {
      const m2 = g.add(g.mul(m, g.like(m, beta1)), gradient)
      const v2 = g.add(g.mul(v, g.like(v, beta2)), g.mul(gradient, gradient))
      const change = g.div(g.mul(m2, rate), g.add(g.sqrt(v2), epsilonNow))
      return { gradient: change, slots: [m2, v2] }
    },
  }
}
