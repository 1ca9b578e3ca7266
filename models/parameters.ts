/**
 * A model's parameters as the rest of the house knows them: one flat float32 vector, the trainable tensors one after
 * the other in the order of the graph.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { differentiableInputs, noGradient } from './autodiff/gradients/none.ts'
import type { GraphBuilder, Ref } from './onnx/builder.ts'
import { elementCount, type Graph, type Model, type Tensor } from './onnx/graph.ts'

export type TensorLayout = readonly { readonly name: string; readonly dims: readonly number[] }[]

/**
 * The tensors that training changes: float32 initializers of rank 1 or more that the output depends on, less the frozen
 * ones. Scalars stay as they are, since exporters write an expression's constants (the 0.5 of a GELU) as such.
 */
export function parameterLayout(model: Model, frozen: readonly string[] = []): TensorLayout {
  const { graph } = model
  const names = new Set(graph.initializers.map((tensor) => tensor.name))
  const unknown = frozen.find((name) => !names.has(name))
  if (unknown !== undefined)
    throw new FederationError('invalid-argument', `the frozen tensor '${unknown}' is not in the model`)
  const skipped = new Set(frozen)
  const reached = reachedByGradient(graph)
  const trainable = graph.initializers.filter(
    (tensor) =>
      tensor.type === 'float32' && tensor.dims.length > 0 && !skipped.has(tensor.name) && reached.has(tensor.name),
  )
  return trainable.map(({ name, dims }) => ({ name, dims }))
}

/** How many numbers the parameter vector has. */
export function parameterCount(layout: TensorLayout): number {
  return layout.reduce((sum, { dims }) => sum + elementCount(dims), 0)
}

/**
 * A start drawn from the seed: Glorot's uniform distribution for matrices and kernels (Glorot and Bengio 2010), zero for
 * biases, other vectors (scales) as the model has them. A model linear in its parameters starts at zero.
 */
export function initialParameters(model: Model, layout: TensorLayout, seed: number): Float32Array {
  const parameters = readParameters(model, layout)
  const random = uniform(seed)
  const linear = isLinear(model.graph, layout)
  const beyondBias = usedBeyondBias(model.graph)
  forEachTensor(layout, (name, dims, from, to) => {
    const part = parameters.subarray(from, to)
    if (linear || (dims.length === 1 && !beyondBias.has(name))) part.fill(0)
    else if (dims.length > 1) {
      const limit = glorotLimit(dims)
      for (let i = 0; i < part.length; i++) part[i] = (2 * random() - 1) * limit
    }
  })
  return parameters
}

/** The parameters that the model file holds. */
export function readParameters(model: Model, layout: TensorLayout): Float32Array {
  const parameters = new Float32Array(parameterCount(layout))
  const tensors = new Map(model.graph.initializers.map((tensor) => [tensor.name, tensor]))
  forEachTensor(layout, (name, dims, from) => parameters.set(tensorOf(tensors, name, dims).data as Float32Array, from))
  return parameters
}

/** The vector as it is hashed, stored and sent: float32, little-endian. */
export function parameterBytes(parameters: Float32Array): Uint8Array {
  const bytes = new Uint8Array(4 * parameters.length)
  const view = new DataView(bytes.buffer)
  parameters.forEach((value, i) => {
    view.setFloat32(4 * i, value, true)
  })
  return bytes
}

/** The model with these parameters in place of its own. */
export function withParameters(model: Model, layout: TensorLayout, parameters: Float32Array): Model {
  checkLength(layout, parameters)
  const tensors = new Map(model.graph.initializers.map((tensor) => [tensor.name, tensor]))
  const replaced = new Map<string, Tensor>()
  forEachTensor(layout, (name, dims, from, to) =>
    replaced.set(name, { ...tensorOf(tensors, name, dims), data: parameters.slice(from, to) }),
  )
  const initializers = model.graph.initializers.map((tensor) => replaced.get(tensor.name) ?? tensor)
  return { ...model, graph: { ...model.graph, initializers } }
}

/** Throws 'shape-mismatch' where the model lacks a tensor of the layout, or has it in another shape. */
export function checkLayout(model: Model, layout: TensorLayout): void {
  const tensors = new Map(model.graph.initializers.map((tensor) => [tensor.name, tensor]))
  for (const { name, dims } of layout) tensorOf(tensors, name, dims)
}

/** Cuts the flat vector into the tensors of the layout, inside a graph. */
export function splitParameters(g: GraphBuilder, layout: TensorLayout, vector: Ref): Ref[] {
  const parts = g.split(
    vector,
    layout.map(({ dims }) => elementCount(dims)),
    0,
  )
  return parts.map((part, i) => (layout[i]?.dims.length === 1 ? part : g.reshape(part, layout[i]?.dims ?? [])))
}

/** Joins tensors to the flat vector again, inside a graph. */
export function joinParameters(g: GraphBuilder, tensors: readonly Ref[]): Ref {
  return g.concat(
    tensors.map((tensor) => (g.rank(tensor) === 1 ? tensor : g.reshape(tensor, [-1]))),
    0,
  )
}

function checkLength(layout: TensorLayout, parameters: Float32Array): void {
  const count = parameterCount(layout)
  if (parameters.length !== count)
    throw new FederationError('shape-mismatch', `${parameters.length} parameters given, the model has ${count}`)
}

function forEachTensor(
  layout: TensorLayout,
  body: (name: string, dims: readonly number[], from: number, to: number) => void,
): void {
  let from = 0
  for (const { name, dims } of layout) {
    const to = from + elementCount(dims)
    body(name, dims, from, to)
    from = to
  }
}

function tensorOf(tensors: ReadonlyMap<string, Tensor>, name: string, dims: readonly number[]): Tensor {
  const tensor = tensors.get(name)
  if (tensor?.type !== 'float32' || String(tensor.dims) !== String(dims))
    throw new FederationError('shape-mismatch', `the model has no float32 tensor '${name}' of shape [${dims}]`)
  return tensor
}

/** The values that carry a gradient from the output. */
function reachedByGradient(graph: Graph): Set<string> {
  const reached = new Set(graph.outputs.map((output) => output.name))
  for (const node of graph.nodes.toReversed())
    if (!noGradient.has(node.op) && node.outputs.some((output) => reached.has(output)))
      for (const i of differentiableInputs(node)) reached.add(node.inputs[i] as string)
  return reached
}

/** The values that are used as something else than what is added to a product or sum. */
function usedBeyondBias(graph: Graph): Set<string> {
  const used = new Set<string>()
  for (const node of graph.nodes)
    for (const i of differentiableInputs(node)) {
      const added = node.op === 'Add' || node.op === 'Sub' || (node.op === 'Gemm' && i === 2)
      if (!added) used.add(node.inputs[i] as string)
    }
  return used
}

/** One matrix, and no operator that bends: zero is as good a start as any, and the same on every machine. */
function isLinear(graph: Graph, layout: TensorLayout): boolean {
  const straight = ['Gemm', 'MatMul', 'Add', 'Flatten', 'Identity', 'Sigmoid', 'Softmax']
  return (
    layout.filter(({ dims }) => dims.length > 1).length <= 1 && graph.nodes.every((node) => straight.includes(node.op))
  )
}

/** sqrt(6 / (fan in + fan out)): the same whichever of the two axes is the input's. */
function glorotLimit(dims: readonly number[]): number {
  const [first = 1, second = 1, ...kernel] = dims
  return Math.sqrt(6 / ((first + second) * elementCount(kernel)))
}

/** Numbers in [0, 1) from a 32-bit seed (Mulberry32: small, and the same everywhere). */
function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
