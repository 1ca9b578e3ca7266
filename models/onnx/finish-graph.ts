/** The last step of building: outputs get their names, by renaming where a node makes the value, else through an Identity. */
import type { Ref, Values } from './builder-values.ts'
import type { Documented, Graph, Node, Tensor } from './graph.ts'

export type NamedOutput = { readonly name: string; readonly ref: Ref }

type Unfinished = {
  readonly name: string
  readonly inputs: Graph['inputs']
  readonly outputs: readonly NamedOutput[]
  readonly initializers: readonly Tensor[]
  readonly nodes: readonly Node[]
  readonly values: Values
  readonly documented: Documented
}

export function finishGraph(graph: Unfinished): Graph {
  const { values } = graph
  const made = new Set(graph.nodes.flatMap((node) => node.outputs))
  const renamed = new Map<Ref, string>()
  const copies: Node[] = []
  // A subgraph uses a captured value by its name, so that one keeps it.
  for (const { name, ref } of graph.outputs)
    if (made.has(ref) && !values.captured.has(ref) && !renamed.has(ref)) renamed.set(ref, name)
    else copies.push(copy(values.claim(`${name}/Identity`), renamed.get(ref) ?? ref, name))
  const rename = (ref: Ref) => renamed.get(ref) ?? ref
  const own = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }))
  const nodes = [...own, ...copies]
  const used = new Set(nodes.flatMap((node) => node.inputs))
  return {
    name: graph.name,
    inputs: graph.inputs,
    outputs: graph.outputs.map(({ name, ref }) => ({ name, type: values.info(ref).type, dims: values.dims(ref) })),
    initializers: graph.initializers.filter(({ name }) => used.has(name) || values.captured.has(name)),
    nodes,
    values: [],
    ...graph.documented,
  }
}

function copy(name: string, from: Ref, to: string): Node {
  return { name, op: 'Identity', domain: '', inputs: [from], outputs: [to], attributes: {} }
}
