/**
 * A forward graph made ready for the passes: in operator set 21, ending in logits, with its input and output told. A
 * model that ends in the loss's own activation (Sigmoid, Softmax) loses that node, for the losses start from logits.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Loss } from '@consilium/protos/plan/study.ts'
import { losses } from './losses.ts'
import { int, intAttribute, intsAttribute } from './onnx/attributes.ts'
import type { GraphBuilder, Ref } from './onnx/builder.ts'
import { type Dimension, dataInputs, type Graph, type Model, type Node, type Tensor } from './onnx/graph.ts'
import { inferGraph } from './onnx/shapes.ts'
import type { TensorLayout } from './parameters.ts'

export type ForwardGraph = {
  readonly graph: Graph
  /** Shape of one row: [features] for a table. */
  readonly rowDims: readonly number[]
  /** Logits per row: 1 for binary labels and numbers, K for classes. */
  readonly outputs: number
}

export function forwardGraph(model: Model, loss: Loss): ForwardGraph {
  const version = model.operatorSets.find((set) => set.domain === '')?.version ?? 0
  if (version < 13 || version > 21)
    throw new FederationError(
      'invalid-onnx',
      `the model is written for operator set ${version}; 13 to 21 are supported`,
    )
  const graph = withoutActivation(upgraded(model.graph), loss)
  const inputs = dataInputs(graph)
  const [input, output] = [inputs[0], graph.outputs[0]]
  if (!input || !output || inputs.length > 1 || graph.outputs.length > 1)
    throw new FederationError('invalid-onnx', 'a forward graph has one input and one output')
  const rowDims = (input.dims ?? []).slice(1)
  if (input.dims === undefined || !rowDims.every((dim): dim is number => typeof dim === 'number'))
    throw new FederationError(
      'shape-mismatch',
      `the input '${input.name}' must state its shape, all but the first dimension as numbers`,
    )
  const outputs = outputCount(inferGraph(graph).get(output.name)?.dims ?? [], loss)
  return { graph, rowDims, outputs }
}

/** Puts the forward graph into `g`, on these features and parameters; yields logits [batch, outputs]. */
export function inlineForward(
  g: GraphBuilder,
  forward: ForwardGraph,
  features: Ref,
  layout: TensorLayout,
  parameters: readonly Ref[],
): Ref {
  const input = dataInputs(forward.graph)[0]?.name as string
  const bindings = new Map([[input, features], ...layout.map(({ name }, i) => [name, parameters[i] as Ref] as const)])
  const output = g.inline(forward.graph, bindings).get(forward.graph.outputs[0]?.name as string) as Ref
  return g.rank(output) === 1 ? g.unsqueeze(output, [-1]) : output
}

function outputCount(dims: readonly Dimension[], loss: Loss): number {
  const width = dims.length === 1 ? 1 : dims[1]
  const wanted = loss === 'cross-entropy' ? 'one logit per class: [batch, classes]' : 'one number per row: [batch, 1]'
  const fits = loss === 'cross-entropy' ? typeof width === 'number' && width > 1 : width === 1
  if (dims.length < 1 || dims.length > 2 || !fits)
    throw new FederationError('shape-mismatch', `the model yields [${dims}]; ${loss} needs ${wanted}`)
  return width as number
}

function withoutActivation(graph: Graph, loss: Loss): Graph {
  const output = graph.outputs[0]
  const last = graph.nodes.findIndex((node) => node.outputs[0] === output?.name)
  const node = graph.nodes[last]
  if (!output || !node || node.op !== losses[loss].activation) return graph
  const logits = node.inputs[0] as string
  return { ...graph, nodes: graph.nodes.toSpliced(last, 1), outputs: [{ ...output, name: logits }] }
}

const reductionsWithAxesAttribute = /^Reduce(Mean|Max|Min|L1|L2|LogSumExp|SumSquare)$/

/** What changed between operator sets 13 and 21, for the operators that a forward graph may hold. */
function upgraded(graph: Graph): Graph {
  const added: Tensor[] = []
  const taken = new Set([...graph.inputs, ...graph.initializers].map(({ name }) => name))
  for (const { outputs } of graph.nodes) for (const output of outputs) taken.add(output)
  const nodes = graph.nodes.map((node): Node => {
    const axes = reductionsWithAxesAttribute.test(node.op) ? intsAttribute(node, 'axes') : undefined
    if (axes) {
      let name = `${node.outputs[0]}/axes`
      while (taken.has(name)) name += '_'
      added.push({ name, type: 'int64', dims: [axes.length], data: BigInt64Array.from(axes, BigInt) })
      const { axes: _, ...attributes } = node.attributes
      return { ...node, inputs: [node.inputs[0] as string, name], attributes }
    }
    if (node.op === 'Split' && node.inputs.length === 1)
      return {
        ...node,
        attributes: { ...node.attributes, num_outputs: int(intAttribute(node, 'num_outputs', node.outputs.length)) },
      }
    return node
  })
  return { ...graph, nodes, initializers: [...graph.initializers, ...added] }
}
