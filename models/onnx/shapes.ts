/**
 * Type and shape inference for the operators the house knows, with named dimensions and with the contents of small
 * shape tensors followed through Shape, Gather, Concat and their like, as exporters chain them. It computes sizes only
 * and allocates nothing, so it is safe on a foreign graph.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { dimensionName, unknownDimension } from './dimensions.ts'
import type { Graph, Node } from './graph.ts'
import { nodeLabel } from './graph.ts'
import { shapeRules } from './shape-rules.ts'
import { knownCountMax, tensorInfo, type ValueInfo } from './value-info.ts'

/** Highest rank that is followed; each node could add 256 axes. */
const rankMax = 64

type Lookup = (name: string) => ValueInfo | undefined

/** The outputs of one node, given its inputs; throws 'shape-mismatch' where they do not fit, 'operator-refused' where the operator is not known. */
export function inferNode(node: Node, lookup: Lookup): ValueInfo[] {
  if (node.domain === '' && node.op === 'Loop') return inferLoop(node, lookup)
  const rule = node.domain === '' && Object.hasOwn(shapeRules, node.op) ? shapeRules[node.op] : undefined
  const operator = node.domain === '' ? node.op : `${node.domain}.${node.op}`
  if (!rule)
    throw new FederationError('operator-refused', `the operator ${operator} (node ${nodeLabel(node)}) is not supported`)
  const fail = (reason: string): never => {
    throw new FederationError('shape-mismatch', `${operator} (node ${nodeLabel(node)}): ${reason}`)
  }
  const inputs = node.inputs.map((name) =>
    name === '' ? undefined : (lookup(name) ?? fail(`its input '${name}' is not known`)),
  )
  const outputs = rule({ node, inputs, fail, input: (i) => inputs[i] ?? fail(`input ${i} is missing`) })
  if (outputs.length < node.outputs.length) fail(`it yields ${outputs.length} values, ${node.outputs.length} are named`)
  for (const output of outputs) {
    if (output.dims.length > rankMax) fail(`an output would have the rank ${output.dims.length}`)
    for (const dim of output.dims)
      if (typeof dim === 'number' && !(Number.isSafeInteger(dim) && dim >= 0))
        fail(`an output would have the dimension ${dim}`)
  }
  return outputs.map((output) =>
    output.known && output.known.length > knownCountMax ? { type: output.type, dims: output.dims } : output,
  )
}

/** Every value of a graph by name, in order of appearance; `outer` finds the values of the graph around it. */
export function inferGraph(graph: Graph, outer: Lookup = () => undefined): Map<string, ValueInfo> {
  const values = new Map<string, ValueInfo>()
  for (const input of graph.inputs) {
    const dims = (input.dims ?? unknownRank(input.name)).map((dim, i) =>
      typeof dim === 'number' || /^[A-Za-z_][^*]*$/.test(dim) ? dim : dimensionName(input.name, i),
    )
    values.set(input.name, { type: input.type, dims })
  }
  for (const tensor of graph.initializers) values.set(tensor.name, tensorInfo(tensor))
  for (const node of graph.nodes) {
    const outputs = inferNode(node, (name) => values.get(name) ?? outer(name))
    node.outputs.forEach((name, i) => {
      if (name !== '') values.set(name, outputs[i] as ValueInfo)
    })
  }
  return values
}

function unknownRank(name: string): never {
  throw new FederationError('shape-mismatch', `the graph input '${name}' states no shape: export the model with one`)
}

/** A Loop's carried values keep the shapes its body yields; what it scans gains the number of iterations in front. */
function inferLoop(node: Node, lookup: Lookup): ValueInfo[] {
  const body = node.attributes.body
  if (body?.kind !== 'graph') throw new FederationError('invalid-onnx', `Loop (node ${nodeLabel(node)}) has no body`)
  const values = inferGraph(body.value, lookup)
  const carried = node.inputs.length - 2
  const iterations = lookup(node.inputs[0] ?? '')?.known?.[0] ?? unknownDimension(node.outputs[0] ?? '', 0)
  return body.value.outputs.slice(1).map((output, i) => {
    const info = values.get(output.name)
    if (!info)
      throw new FederationError('invalid-onnx', `the Loop body (node ${nodeLabel(node)}) lacks '${output.name}'`)
    return { type: info.type, dims: i < carried ? info.dims : [iterations, ...info.dims] }
  })
}
