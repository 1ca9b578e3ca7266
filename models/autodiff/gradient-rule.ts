/** What a row of the gradient table is: from the gradient of a node's outputs to those of its inputs. */
import type { GraphBuilder, Ref } from '../onnx/builder.ts'
import type { Node } from '../onnx/graph.ts'

export type GradientContext = {
  /** Emits the nodes of the gradient. */
  readonly g: GraphBuilder
  readonly node: Node
  /** The node's inputs; empty where one is left out. */
  readonly inputs: readonly [Ref, Ref, Ref, ...Ref[]]
  readonly outputs: readonly [Ref, ...Ref[]]
  /** The gradient of the first output. */
  readonly dy: Ref
  /** The gradients of all outputs; undefined where the loss does not depend on one. */
  readonly dys: readonly (Ref | undefined)[]
}

/**
 * One function per input, called only when that input's gradient is wanted; undefined where there is none. A gradient
 * may have the broadcast shape: backward.ts sums it to its input's.
 */
export type GradientRule = (context: GradientContext) => readonly ((() => Ref) | undefined)[]
export type GradientTable = Readonly<Record<string, GradientRule>>
