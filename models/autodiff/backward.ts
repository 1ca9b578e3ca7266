/**
 * Reverse-mode differentiation from ONNX to ONNX: walks the forward nodes backwards, asks the table for each node's
 * rule, sums what meets at a value. Broadcasting is undone here, once, and only nodes on a path from what is wanted to
 * the loss are visited.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { GraphBuilder, Ref } from '../onnx/builder.ts'
import { sameDimensions } from '../onnx/dimensions.ts'
import type { Dimension, Node } from '../onnx/graph.ts'
import { nodeLabel } from '../onnx/graph.ts'
import type { GradientContext } from './gradient-rule.ts'
import { gradientTable } from './gradients/index.ts'
import { differentiableInputs, noGradient } from './gradients/none.ts'

/**
 * Emits into `g` the gradients of the wanted values. `seeds` gives the loss's gradient at some values of `nodes` (all
 * of which are already in `g`). A wanted value that the loss does not depend on is missing from the result.
 */
export function backward(
  g: GraphBuilder,
  nodes: readonly Node[],
  seeds: ReadonlyMap<Ref, Ref>,
  wanted: readonly Ref[],
): Map<Ref, Ref> {
  const onPath = dependents(nodes, wanted)
  const contributions = new Map<Ref, Ref[]>([...seeds].map(([value, gradient]) => [value, [gradient]]))
  const gradientOf = (value: Ref): Ref | undefined => {
    const parts = contributions.get(value)
    if (!parts) return undefined
    const total = parts.reduce((sum, part) => g.within(`${value}/grad`, () => g.add(sum, part)))
    contributions.set(value, [total])
    return total
  }

  for (const node of [...nodes].reverse()) {
    const wantedInputs = differentiableInputs(node).filter((i) => onPath.has(node.inputs[i] as Ref))
    if (wantedInputs.length === 0 || !node.outputs.some((output) => contributions.has(output))) continue
    const dys = node.outputs.map(gradientOf)
    g.within(`${node.name || node.outputs[0]}/grad`, () => {
      const gradients = ruleFor(node)(contextOf(g, node, dys))
      for (const i of wantedInputs) {
        const input = node.inputs[i] as Ref
        const gradient = gradients[i]?.()
        if (gradient === undefined) throw withoutRule(node, `input ${i}`)
        const parts = contributions.get(input) ?? []
        contributions.set(input, [...parts, undoBroadcast(g, gradient, g.dims(input))])
      }
    })
  }
  const results = wanted.map((value) => [value, gradientOf(value)] as const)
  return new Map(results.filter((entry): entry is [Ref, Ref] => entry[1] !== undefined))
}

/** The values among `from` and all that depend on them through inputs that can carry a gradient. */
function dependents(nodes: readonly Node[], from: readonly Ref[]): Set<Ref> {
  const reached = new Set(from)
  for (const node of nodes)
    if (!noGradient.has(node.op) && differentiableInputs(node).some((i) => reached.has(node.inputs[i] as Ref)))
      for (const output of node.outputs) reached.add(output)
  return reached
}

function ruleFor(node: Node) {
  const rule = node.domain === '' && Object.hasOwn(gradientTable, node.op) ? gradientTable[node.op] : undefined
  if (!rule) throw withoutRule(node)
  return rule
}

function withoutRule(node: Node, detail?: string): FederationError {
  const where = `node ${nodeLabel(node)}${detail ? `, ${detail}` : ''}`
  return new FederationError('no-gradient', `no gradient rule for '${node.op}' (${where})`)
}

function contextOf(g: GraphBuilder, node: Node, dys: readonly (Ref | undefined)[]): GradientContext {
  const [a = '', b = '', c = '', ...rest] = node.inputs
  const [y = '', ...others] = node.outputs
  // Every rule but those of operators with several outputs reads dy alone, and then it is there.
  return { g, node, inputs: [a, b, c, ...rest], outputs: [y, ...others], dy: dys[0] ?? '', dys }
}

/** Sums a gradient of the broadcast shape over the axes along which its value was repeated. */
function undoBroadcast(g: GraphBuilder, gradient: Ref, dims: readonly Dimension[]): Ref {
  const given = g.dims(gradient)
  if (sameDimensions(given, dims)) return gradient
  const extra = given.length - dims.length
  const leading = Array.from({ length: Math.max(0, extra) }, (_, i) => i)
  const summed = leading.length > 0 ? g.reduceSum(gradient, leading, false) : gradient
  const repeated = dims.flatMap((dim, i) => (dim === 1 && given[i + extra] !== 1 ? [i] : []))
  const result = repeated.length > 0 ? g.reduceSum(summed, repeated, true) : summed
  if (!sameDimensions(g.dims(result), dims))
    throw new FederationError(
      'shape-mismatch',
      `a gradient of shape [${given}] does not fit its value's shape [${dims}]`,
    )
  return result
}
