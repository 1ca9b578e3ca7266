/**
 * Builds graphs so that they read as algebra: `g.relu(g.gemm(x, w, b))`. Every node's types and shapes are inferred as
 * it is added, so rules and losses can ask for them, and names tell the origin (`fc1/grad/Gemm`).
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { algebra } from './algebra.ts'
import type { Attributes } from './attributes.ts'
import { type Constants, constantPool, type Ref, type Values, valueTable } from './builder-values.ts'
import { finishGraph, type NamedOutput } from './finish-graph.ts'
import type { Dimension, Documented, ElementType, Graph, Node } from './graph.ts'
import { inferNode } from './shapes.ts'

export type { Ref } from './builder-values.ts'

/** A pass over the nodes before the outputs get their names; it must keep the values named as outputs. */
export type Rewrite = (nodes: readonly Node[], outputs: readonly Ref[]) => readonly Node[]
export type GraphBuilder = ReturnType<typeof graphBuilder>

/** A builder of one graph; with `parent`, of a subgraph that may use the parent's values and keeps its constants there. */
export function graphBuilder(parent?: Values & Constants) {
  const values = valueTable(parent)
  const constants: Constants = parent ?? constantPool(values)
  const nodes = nodeList(values, constants)
  const ends = graphEnds(values)
  return {
    ...values,
    initializers: constants.initializers,
    initializer: constants.initializer,
    constant: constants.constant,
    numberOf: constants.numberOf,
    /** A scalar of the same element type as `ref`. */
    like: (ref: Ref, value: number): Ref =>
      constants.constant(values.info(ref).type as Exclude<ElementType, 'string'>, value),
    op: nodes.op,
    ops: nodes.ops,
    within: nodes.within,
    inline: nodes.inline,
    /** The nodes so far, for a pass over them. */
    nodes: (): readonly Node[] => nodes.list,
    input: ends.input,
    output: ends.output,
    finish(name: string, documented: Documented = {}, rewrite: Rewrite = (all) => all): Graph {
      const { inputs, outputs } = ends
      const kept = outputs.map(({ ref }) => ref)
      const initializers = parent ? [] : constants.initializers
      return finishGraph({ name, inputs, outputs, initializers, nodes: rewrite(nodes.list, kept), values, documented })
    },
    ...algebra(nodes.op, nodes.ops, constants.constant),
  }
}

/** The graph's inputs and outputs. */
function graphEnds(values: Values) {
  const inputs: { name: string; type: ElementType; dims: readonly Dimension[] }[] = []
  const outputs: NamedOutput[] = []
  return {
    inputs,
    outputs,
    input(name: string, type: ElementType, dims: readonly Dimension[]): Ref {
      const ref = values.claim(name)
      inputs.push({ name: ref, type, dims })
      values.set(ref, { type, dims })
      return ref
    },
    /** Names a value as the graph's next output. */
    output(name: string, ref: Ref): void {
      outputs.push({ name: ref === name ? name : values.claim(name), ref })
    },
  }
}

/** The graph's nodes, in the order they were added. */
function nodeList(values: Values, constants: Constants) {
  const list: Node[] = []
  let scope = ''
  const scoped = (name: string) => values.claim(scope === '' ? name : `${scope}/${name}`)
  const add = (node: Node): Ref[] => {
    const infos = inferNode(node, values.find)
    node.outputs.forEach((ref, i) => {
      const info = infos[i]
      if (ref !== '' && info) values.set(ref, info)
    })
    list.push(node)
    return [...node.outputs]
  }
  const ops = (op: string, inputs: readonly Ref[], attributes: Attributes, count: number): Ref[] => {
    const name = scoped(op)
    const outputs = count === 1 ? [name] : Array.from({ length: count }, (_, i) => values.claim(`${name}.${i}`))
    return add({ name, op, domain: '', inputs: [...inputs], outputs, attributes })
  }
  return {
    list,
    /** Adds an operator with several outputs. */
    ops,
    op: (op: string, inputs: readonly Ref[], attributes: Attributes = {}): Ref =>
      ops(op, inputs, attributes, 1)[0] as Ref,
    /** Names of nodes added inside start with this. */
    within<Result>(name: string, body: () => Result): Result {
      const before = scope
      scope = before === '' ? name : `${before}/${name}`
      try {
        return body()
      } finally {
        scope = before
      }
    },
    /** Copies a graph's nodes in, its inputs (and any initializers named) bound to values here; tells where its values went. */
    inline(graph: Graph, bindings: ReadonlyMap<string, Ref>): Map<string, Ref> {
      const here = new Map(bindings)
      here.set('', '')
      for (const tensor of graph.initializers)
        if (!here.has(tensor.name)) here.set(tensor.name, constants.initializer(tensor))
      for (const node of graph.nodes) {
        const inputs = node.inputs.map((name) => here.get(name) ?? notMade(name))
        const outputs = node.outputs.map((name) => (name === '' ? '' : scoped(name)))
        node.outputs.forEach((name, i) => {
          here.set(name, outputs[i] as Ref)
        })
        add({ ...node, inputs, outputs })
      }
      return here
    },
  }
}

function notMade(name: string): never {
  throw new FederationError('invalid-onnx', `the value '${name}' is used before it is made`)
}
