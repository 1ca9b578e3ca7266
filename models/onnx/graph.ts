/**
 * An ONNX model as plain read-only data: what the codec reads and writes, and what every pass takes and gives back.
 * Only what can be written back without loss is representable (no sparse tensors, no sequences, no external data).
 */

export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string'

/** A size, or the name of one known only at run time; the empty name says nothing is known. */
export type Dimension = number | string

/** float16 lies in a Uint16Array as its bits, bool in a Uint8Array as 0 and 1. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | readonly string[]

export type Documented = {
  readonly doc?: string
  /** Key-value pairs (ONNX metadata_props). */
  readonly metadata?: Readonly<Record<string, string>>
}

export type Tensor = Documented & {
  readonly name: string
  readonly type: ElementType
  readonly dims: readonly number[]
  readonly data: TensorData
}

/** A graph's input, output or annotated inner value. Without `dims` its rank is not stated. */
export type Value = Documented & {
  readonly name: string
  readonly type: ElementType
  readonly dims?: readonly Dimension[]
}

export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  /** Inside a function: stands for the function's own attribute of that name. */
  | { readonly kind: 'reference'; readonly value: string; readonly of: Exclude<Attribute['kind'], 'reference'> }

export type Node = Documented & {
  readonly name: string
  readonly op: string
  /** Empty for the standard operators. */
  readonly domain: string
  readonly overload?: string
  /** An empty name is an optional input left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

export type Graph = Documented & {
  readonly name: string
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly initializers: readonly Tensor[]
  readonly nodes: readonly Node[]
  /** Types and shapes of inner values, where stated. */
  readonly values: readonly Value[]
}

export type OperatorSet = { readonly domain: string; readonly version: number }

export type ModelFunction = Documented & {
  readonly name: string
  readonly domain: string
  readonly overload?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Names of attributes without a default. */
  readonly attributes: readonly string[]
  /** Attributes with their defaults. */
  readonly defaults: Readonly<Record<string, Attribute>>
  readonly nodes: readonly Node[]
  readonly operatorSets: readonly OperatorSet[]
  readonly values: readonly Value[]
}

export type Model = Documented & {
  readonly irVersion: number
  readonly operatorSets: readonly OperatorSet[]
  readonly producerName: string
  readonly producerVersion: string
  readonly domain: string
  readonly modelVersion: number
  readonly graph: Graph
  readonly functions: readonly ModelFunction[]
}

/** The operator set every graph of ours is written in. */
const operatorSetVersion = 21

/** A graph of ours as a model: IR version 10, operator set {@link operatorSetVersion}, no functions. */
export function modelOf(graph: Graph, documented: Documented = {}): Model {
  return {
    irVersion: 10,
    operatorSets: [{ domain: '', version: operatorSetVersion }],
    producerName: 'consilium',
    producerVersion: '',
    domain: '',
    modelVersion: 0,
    graph,
    functions: [],
    ...documented,
  }
}

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}

/** The inputs that are not initializers (older files list those as well). */
export function dataInputs(graph: Graph): Graph['inputs'] {
  const initializers = new Set(graph.initializers.map((tensor) => tensor.name))
  return graph.inputs.filter((input) => !initializers.has(input.name))
}

/** The node for messages: its name, or what it yields where exporters left it unnamed. */
export function nodeLabel(node: Node): string {
  return `'${node.name || node.outputs.find((output) => output !== '') || '(unnamed)'}'`
}

/** The whole numbers a tensor holds; undefined where it holds something else. */
export function wholeNumbers(tensor: Tensor): number[] | undefined {
  if (tensor.type !== 'int64' && tensor.type !== 'int32') return undefined
  return Array.from(tensor.data as BigInt64Array | Int32Array, Number)
}
