/**
 * The check of a forward graph that came from outside, before anything of it runs: a fixed list of operators, plain
 * structure, and bounds on what it could make a machine compute or hold. onnxruntime itself loads much of what is
 * refused here, so this is the place where it is refused.
 */
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { checkGraph } from './check.ts'
import { decodeModel } from './codec.ts'
import { sizeOf } from './dimensions.ts'
import {
  type Dimension,
  dataInputs,
  type ElementType,
  type Graph,
  type Model,
  type Node,
  nodeLabel,
  type Value,
} from './graph.ts'
import { inferGraph } from './shapes.ts'

export type ForwardLimits = {
  readonly modelBytesMax: number
  readonly nodesMax: number
  readonly initializersMax: number
  /** Longest name of a value or a node. */
  readonly nameCharactersMax: number
  readonly rankMax: number
  readonly dimensionMax: number
  /** Most elements that all computed values have together for one row of the batch. */
  readonly rowElementsMax: number
  /** Most elements that all computed values have together that do not grow with the batch. */
  readonly fixedElementsMax: number
}

export const forwardLimits: ForwardLimits = {
  modelBytesMax: 1024 * 1024 * 1024,
  nodesMax: 20_000,
  initializersMax: 20_000,
  nameCharactersMax: 1000,
  rankMax: 8,
  dimensionMax: 2 ** 28,
  rowElementsMax: 2 ** 26,
  fixedElementsMax: 2 ** 28,
}

/** The operators a forward graph may use: those the gradient table differentiates or lists as without gradient. */
export const forwardOperators: ReadonlySet<string> = new Set(
  `Abs Add And ArgMax ArgMin Cast Ceil Clip Concat Constant Cos Div Dropout Elu Equal Erf Exp Expand Flatten Floor Gather
   Gelu Gemm Greater GreaterOrEqual Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max Min Mul Neg
   Not OneHot Or Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare
   Relu Reshape Round Shape Sigmoid Sign Sin Size Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Tanh Transpose
   Unsqueeze Where Xor`.split(/\s+/),
)

const elementTypes: ReadonlySet<ElementType> = new Set(['float32', 'float64', 'int32', 'int64', 'bool'])
const operatorSets = { min: 13, max: 21 } as const

/** Throws 'operator-refused' or 'invalid-onnx', naming operator and node; gives the model back, decoded. */
export function checkForwardGraph(source: Uint8Array | Model, limits: ForwardLimits = forwardLimits): Model {
  if (source instanceof Uint8Array && source.length > limits.modelBytesMax)
    throw invalid(`the model has ${source.length} bytes, over the limit of ${limits.modelBytesMax}`)
  const model = source instanceof Uint8Array ? decodeModel(source) : source
  checkOperatorSet(model)
  checkCounts(model.graph, limits)
  checkNames(model.graph, limits)
  for (const node of model.graph.nodes) checkNode(node, model.graph)
  checkEnds(model.graph)
  checkSizes(model.graph, limits)
  return model
}

function checkOperatorSet(model: Model): void {
  const [set, ...others] = model.operatorSets
  if (!set || others.length > 0 || set.domain !== '')
    throw invalid('it must import the standard operator set, once, and no other')
  if (set.version < operatorSets.min || set.version > operatorSets.max)
    throw invalid(
      `it is written for operator set ${set.version}; ${operatorSets.min} to ${operatorSets.max} are supported`,
    )
  if (model.functions.length > 0)
    throw invalid(`it defines the function '${model.functions[0]?.name}': inline functions before export`)
}

function checkCounts(graph: Graph, limits: ForwardLimits): void {
  if (graph.nodes.length > limits.nodesMax)
    throw invalid(`${graph.nodes.length} nodes, over the limit of ${limits.nodesMax}`)
  if (graph.initializers.length > limits.initializersMax)
    throw invalid(`${graph.initializers.length} initializers, over the limit of ${limits.initializersMax}`)
  for (const tensor of graph.initializers) {
    if (!elementTypes.has(tensor.type))
      throw invalid(`the tensor '${tensor.name}' is ${tensor.type}, which is not supported`)
    checkDimensions(tensor.dims, `the tensor '${tensor.name}'`, limits)
  }
}

function checkNames({ inputs, initializers, nodes }: Graph, { nameCharactersMax }: ForwardLimits): void {
  const named = [...inputs, ...initializers, ...nodes].map(({ name }) => name)
  const long = [...named, ...nodes.flatMap((node) => node.outputs)].find((name) => name.length > nameCharactersMax)
  if (long !== undefined)
    throw invalid(
      `the name '${long.slice(0, 40)}...' has ${long.length} characters, over the limit of ${nameCharactersMax}`,
    )
}

function checkNode(node: Node, graph: Graph): void {
  const operator = node.domain === '' ? node.op : `${node.domain}.${node.op}`
  if (node.domain !== '' || !forwardOperators.has(node.op))
    throw new FederationError(
      'operator-refused',
      `the operator ${operator} (node ${nodeLabel(node)}) is not on the list of operators a study may use`,
    )
  for (const [name, { kind }] of Object.entries(node.attributes))
    if (kind === 'graph' || kind === 'graphs' || kind === 'reference')
      throw new FederationError(
        'operator-refused',
        `${operator} (node ${nodeLabel(node)}): the attribute '${name}' holds a ${kind}`,
      )
  if (node.op === 'Dropout' && node.inputs[2]) checkDropout(node, graph)
}

/** Dropout draws random numbers while training: only its other mode, in which it passes its input on, is allowed. */
function checkDropout(node: Node, graph: Graph): void {
  const mode = graph.initializers.find((tensor) => tensor.name === node.inputs[2])
  if (mode?.type !== 'bool' || mode.data[0] !== 0)
    throw new FederationError(
      'operator-refused',
      `Dropout (node ${nodeLabel(node)}) is in training mode, which draws random numbers: export with training_mode false`,
    )
}

function checkEnds(graph: Graph): void {
  const inputs = dataInputs(graph)
  if (inputs.length !== 1) throw invalid(`it has ${inputs.length} inputs; a forward graph has one, the features`)
  if (graph.outputs.length !== 1) throw invalid(`it has ${graph.outputs.length} outputs; a forward graph has one`)
  const [input, output] = [inputs[0] as Value, graph.outputs[0] as Value]
  if (input.type !== 'float32') throw invalid(`its input '${input.name}' is ${input.type}, not float32`)
  if (output.type !== 'float32') throw invalid(`its output '${output.name}' is ${output.type}, not float32`)
  const [batch, ...row] = input.dims ?? []
  if (typeof batch !== 'string' || row.length === 0 || row.some((dim) => typeof dim === 'string' || dim < 1))
    throw invalid(
      `its input '${input.name}' has the shape [${input.dims}]: export it with a named first dimension (the batch) and numbers for the others`,
    )
}

/** Elements of all computed values for one row of the batch, in a graph that has passed the check. */
export function rowElements(model: Model): number {
  return checkSizes(model.graph, forwardLimits)
}

/** Yields the elements for one row. */
function checkSizes(graph: Graph, limits: ForwardLimits): number {
  const values = inferred(graph)
  const batch = values.get(dataInputs(graph)[0]?.name ?? '')?.dims[0]
  const given = new Set(graph.initializers.map((tensor) => tensor.name))
  let [perRow, fixed] = [0, 0]
  for (const [name, { type, dims }] of values) {
    if (!elementTypes.has(type)) throw invalid(`the value '${name}' is ${type}, which is not supported`)
    checkDimensions(dims, `the value '${name}'`, limits)
    if (given.has(name)) continue
    const size = sizeOf(dims)
    if (typeof size === 'number') fixed += size
    else perRow += elementsPerRow(size, batch, `the value '${name}' of shape [${dims}]`)
    if (perRow > limits.rowElementsMax || fixed > limits.fixedElementsMax)
      throw invalid(
        `with the value '${name}' of shape [${dims}] it computes more than ${limits.rowElementsMax} elements a row, or ${limits.fixedElementsMax} in all`,
      )
  }
  const output = values.get(graph.outputs[0]?.name ?? '')?.dims ?? []
  if (output[0] !== batch)
    throw invalid(`its output has the shape [${output}], which does not start with the batch dimension '${batch}'`)
  return perRow
}

function inferred(graph: Graph): ReturnType<typeof inferGraph> {
  try {
    checkGraph(graph)
    return inferGraph(graph)
  } catch (error) {
    if (error instanceof FederationError && error.code !== 'shape-mismatch') throw error
    throw new FederationError('invalid-onnx', errorMessage(error), { cause: error })
  }
}

function checkDimensions(dims: readonly Dimension[], what: string, limits: ForwardLimits): void {
  if (dims.length > limits.rankMax)
    throw invalid(`${what} has rank ${dims.length}, over the limit of ${limits.rankMax}`)
  for (const dim of dims)
    if (typeof dim === 'number' && dim > limits.dimensionMax)
      throw invalid(`${what} has a dimension of ${dim}, over the limit of ${limits.dimensionMax}`)
}

/** Elements for a batch of one; the batch may enter a size once, or memory would grow with its square. */
function elementsPerRow(size: string, batch: Dimension | undefined, what: string): number {
  const factors = size.split('*')
  const names = factors.filter((factor) => !/^\d+$/.test(factor))
  if (names.some((name) => name !== batch)) throw invalid(`the size of ${what} is not known before it runs`)
  if (names.length > 1) throw invalid(`${what} grows with the square of the batch`)
  return names.length === factors.length ? 1 : Number(factors[0])
}

function invalid(message: string): FederationError {
  return new FederationError('invalid-onnx', `the model is refused: ${message}`)
}
