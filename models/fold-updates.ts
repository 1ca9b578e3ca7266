/**
 * A pass over a training step's nodes: an update that follows a matrix product becomes part of it. `w - x'd` and
 * `mu * u + x'd` are what Gemm computes anyway with alpha, beta and C, so a step touches each matrix once.
 */
import { float, floatAttribute } from './onnx/attributes.ts'
import type { GraphBuilder, Ref } from './onnx/builder.ts'
import { sameDimensions } from './onnx/dimensions.ts'
import type { Node } from './onnx/graph.ts'

/** The same values from fewer nodes; `kept` names the values that must stay. */
export function foldUpdates(g: GraphBuilder, nodes: readonly Node[], kept: readonly Ref[]): readonly Node[] {
  const uses = countUses(nodes, kept)
  const producers = new Map(nodes.map((node) => [node.outputs[0] as Ref, node]))
  const folded = new Set<Node>()
  /** The node that makes a value, if it is that operator and nothing else uses the value. */
  const only = (ref: Ref, op: string): Node | undefined => {
    const node = producers.get(ref)
    return node?.op === op && uses.get(ref) === 1 && !folded.has(node) ? node : undefined
  }
  const bare = (ref: Ref, like: Ref): Node | undefined => {
    const product = only(ref, 'Gemm')
    return product?.inputs.length === 2 && sameDimensions(g.dims(ref), g.dims(like)) ? product : undefined
  }
  const result = nodes.map((node): Node => {
    const [a = '', b = ''] = node.inputs
    if (node.op === 'Sub') {
      const product = bare(b, a)
      if (!product) return node
      folded.add(product)
      return merged(node, product, a, -1, 1)
    }
    const scaled = node.op === 'Add' ? only(a, 'Mul') : undefined
    const factor = scaled && g.numberOf(scaled.inputs[1] as Ref)
    const product = scaled && factor !== undefined ? bare(b, scaled.inputs[0] as Ref) : undefined
    if (!scaled || factor === undefined || !product) return node
    folded.add(product).add(scaled)
    return merged(node, product, scaled.inputs[0] as Ref, 1, factor)
  })
  return result.filter((_, i) => !folded.has(nodes[i] as Node))
}

/** sign * product + beta * c, under the name of the node it replaces. */
function merged(node: Node, product: Node, c: Ref, sign: number, beta: number): Node {
  const alpha = sign * floatAttribute(product, 'alpha', 1)
  return {
    ...product,
    name: node.name,
    inputs: [...product.inputs, c],
    outputs: node.outputs,
    attributes: { ...product.attributes, alpha: float(alpha), beta: float(beta) },
  }
}

function countUses(nodes: readonly Node[], kept: readonly Ref[]): Map<Ref, number> {
  const uses = new Map<Ref, number>()
  for (const ref of [...nodes.flatMap((node) => node.inputs), ...kept]) uses.set(ref, (uses.get(ref) ?? 0) + 1)
  return uses
}
