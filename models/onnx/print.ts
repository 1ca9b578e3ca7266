/** A graph as text, one value a line with its type and shape, for people and for tests. */
import type { Attribute, Dimension, Graph, Node, Tensor } from './graph.ts'
import { inferGraph } from './shapes.ts'
import type { ValueInfo } from './value-info.ts'

export function printGraph(graph: Graph): string {
  return printLines(graph, () => undefined, '').join('\n')
}

function printLines(graph: Graph, outer: (name: string) => ValueInfo | undefined, indent: string): string[] {
  const values = inferGraph(graph, outer)
  const find = (name: string) => values.get(name) ?? outer(name)
  const typed = (name: string) => `${name}: ${printInfo(find(name))}`
  const inputs = graph.inputs.map((input) => typed(input.name)).join(', ')
  const outputs = graph.outputs.map((output) => output.name).join(', ')
  return [
    `${indent}${graph.name}(${inputs}) -> (${outputs})`,
    ...graph.initializers.map((tensor) => `${indent}  ${typed(tensor.name)} = ${printData(tensor)}`),
    ...graph.nodes.flatMap((node) => [
      `${indent}  ${node.outputs.map((name) => (name === '' ? '_' : typed(name))).join(', ')} = ${printNode(node)}`,
      ...Object.values(node.attributes).flatMap((attribute) =>
        attribute.kind === 'graph' ? printLines(attribute.value, find, `${indent}    `) : [],
      ),
    ]),
  ]
}

function printNode(node: Node): string {
  const attributes = Object.entries(node.attributes).map(
    ([name, attribute]) => `, ${name}=${printAttribute(attribute)}`,
  )
  const operator = node.domain === '' ? node.op : `${node.domain}.${node.op}`
  return `${operator}(${node.inputs.map((name) => name || '_').join(', ')}${attributes.join('')})`
}

function printAttribute(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'graph':
      return attribute.value.name
    case 'graphs':
      return `[${attribute.value.map((graph) => graph.name).join(', ')}]`
    case 'tensor':
      return printData(attribute.value)
    case 'tensors':
      return `[${attribute.value.map(printData).join(', ')}]`
    case 'floats':
    case 'ints':
    case 'strings':
      return `[${attribute.value.join(', ')}]`
    case 'float':
      return String(Number(attribute.value.toPrecision(7)))
    default:
      return String(attribute.value)
  }
}

function printInfo(info: ValueInfo | undefined): string {
  return info ? `${info.type}[${info.dims.map((dim: Dimension) => String(dim)).join(', ')}]` : '?'
}

/** Up to eight values; of more, how many. */
function printData(tensor: Tensor): string {
  if (tensor.data.length > 8) return `${tensor.data.length} values`
  const values = Array.from(tensor.data as ArrayLike<unknown>, String).join(', ')
  return tensor.dims.length === 0 ? values : `[${values}]`
}
