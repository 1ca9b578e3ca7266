/** The check at the end of every pass: names unique, each value made before it is used, every type and shape known. */
import { FederationError } from '@consilium/protos/errors.ts'
import { sameDimensions } from './dimensions.ts'
import type { Graph } from './graph.ts'
import { nodeLabel } from './graph.ts'
import { inferGraph } from './shapes.ts'

export function checkGraph(graph: Graph): Graph {
  checkNames(graph, new Set())
  const values = inferGraph(graph)
  for (const output of graph.outputs) {
    const info = values.get(output.name)
    if (!info) throw invalid(`the output '${output.name}' is never made`)
    if (info.type !== output.type) throw invalid(`the output '${output.name}' is ${info.type}, not ${output.type}`)
    const stated = output.dims
    if (stated?.every((dim) => typeof dim === 'number') && info.dims.every((dim) => typeof dim === 'number'))
      if (!sameDimensions(stated, info.dims))
        throw invalid(`the output '${output.name}' has the shape [${info.dims}], not [${stated}]`)
  }
  return graph
}

function checkNames(graph: Graph, outer: ReadonlySet<string>): void {
  const made = new Set(outer)
  const make = (name: string, what: string) => {
    if (name === '') throw invalid(`${what} has no name`)
    if (made.has(name)) throw invalid(`the name '${name}' is used twice`)
    made.add(name)
  }
  const inputs = new Set(graph.inputs.map((input) => input.name))
  for (const input of graph.inputs) make(input.name, 'an input')
  const initializers = new Set<string>()
  for (const tensor of graph.initializers) {
    if (initializers.has(tensor.name)) throw invalid(`the name '${tensor.name}' is used twice`)
    initializers.add(tensor.name)
    // Before IR version 4 an initializer is listed among the inputs too, as its default.
    if (!inputs.has(tensor.name)) make(tensor.name, 'an initializer')
  }
  for (const node of graph.nodes) {
    for (const name of node.inputs)
      if (name !== '' && !made.has(name)) throw invalid(`the node ${nodeLabel(node)} uses '${name}' before it is made`)
    for (const attribute of Object.values(node.attributes))
      if (attribute.kind === 'graph') checkNames(attribute.value, made)
    for (const name of node.outputs) if (name !== '') make(name, 'an output')
  }
  for (const output of graph.outputs)
    if (!made.has(output.name)) throw invalid(`the output '${output.name}' is never made`)
}

function invalid(message: string): FederationError {
  return new FederationError('invalid-onnx', `ONNX: ${message}`)
}
