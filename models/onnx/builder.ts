/**
 * Builds graphs so that they read as algebra: `g.relu(g.gemm(x, w, b))`. Every node's types and shapes are inferred as
 * it is added, so rules and losses can ask for them, and names tell the origin (`fc1/grad/Gemm`).
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Attribute, Dimension, Documented, ElementType, Graph, Node, Tensor, TensorData } from './graph.ts'
import { elementCount } from './graph.ts'
import { inferNode } from './shapes.ts'
import { arrayOf, elementTypeCodes } from './tensor-data.ts'
import { tensorInfo, type ValueInfo } from './value-info.ts'

/** A value of the graph being built, by its name. */
export type Ref = string
/** A pass over the nodes before the outputs get their names; it must keep the values named as outputs. */
export type Rewrite = (nodes: readonly Node[], outputs: readonly Ref[]) => readonly Node[]
export type Attributes = Readonly<Record<string, Attribute>>

export const int = (value: number): Attribute => ({ kind: 'int', value })
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value })
export const float = (value: number): Attribute => ({ kind: 'float', value })

export type GraphBuilder = ReturnType<typeof graphBuilder>

/** What a subgraph's builder needs of the builder of the graph around it. */
type Surrounding = {
  readonly names: Set<string>
  readonly capturedBySubgraphs: Set<string>
  readonly find: (ref: Ref) => ValueInfo | undefined
  readonly initializer: (tensor: Tensor) => Ref
  readonly numberOf: (ref: Ref) => number | undefined
  readonly constant: (type: NumberType, value: number | readonly number[], dims?: readonly number[]) => Ref
}
type NumberType = Exclude<ElementType, 'string'>

/** A builder of one graph; with `parent`, of a subgraph that may use the parent's values and keeps its constants there. */
export function graphBuilder(parent?: Surrounding) {
  const nodes: Node[] = []
  const initializers: Tensor[] = []
  const inputs: { name: string; type: ElementType; dims: readonly Dimension[] }[] = []
  const outputs: { name: string; ref: Ref }[] = []
  const infos = new Map<string, ValueInfo>()
  const constants = new Map<string, Ref>()
  const scalars = new Map<Ref, number>()
  const capturedBySubgraphs = new Set<string>()
  let scope = ''

  const names: Set<string> = parent?.names ?? new Set()
  const claim = (name: string): string => {
    let unique = name
    for (let k = 2; names.has(unique); k++) unique = `${name}_${k}`
    names.add(unique)
    return unique
  }
  const find = (ref: Ref): ValueInfo | undefined => {
    const own = infos.get(ref)
    if (own || !parent) return own
    const outer = parent.find(ref)
    if (outer) parent.capturedBySubgraphs.add(ref)
    return outer
  }
  const info = (ref: Ref): ValueInfo => {
    const found = find(ref)
    if (!found) throw new FederationError('internal', `the graph being built has no value '${ref}'`)
    return found
  }

  /** Adds an operator with several outputs. */
  const ops = (op: string, refs: readonly Ref[], attributes: Attributes, count: number): Ref[] => {
    const name = claim(scope === '' ? op : `${scope}/${op}`)
    const results = Array.from({ length: count }, (_, i) => (count === 1 ? `${name}` : claim(`${name}.${i}`)))
    return add({ name, op, domain: '', inputs: [...refs], outputs: results, attributes })
  }
  const add = (node: Node): Ref[] => {
    const results = inferNode(node, find)
    node.outputs.forEach((ref, i) => {
      if (ref !== '') infos.set(ref, results[i] as ValueInfo)
    })
    nodes.push(node)
    return [...node.outputs]
  }
  const op = (name: string, refs: readonly Ref[], attributes: Attributes = {}): Ref =>
    ops(name, refs, attributes, 1)[0] as Ref

  const initializer = (tensor: Tensor): Ref => {
    if (parent) return parent.initializer(tensor)
    const name = claim(tensor.name)
    initializers.push({ ...tensor, name })
    infos.set(name, tensorInfo(tensor))
    return name
  }
  /** A constant tensor; the same one twice is one initializer. Without dims, a scalar or a list by the number of values. */
  const constant = (type: NumberType, value: number | readonly number[], dims?: readonly number[]): Ref => {
    if (parent) return parent.constant(type, value, dims)
    const values = typeof value === 'number' ? [value] : value
    const shape = dims ?? (typeof value === 'number' ? [] : [values.length])
    const key = `${type}[${shape}]${values.map((v) => (Object.is(v, -0) ? '-0' : v))}`
    const existing = constants.get(key)
    if (existing !== undefined) return existing
    const label = values.length === 1 ? String(values[0]) : `list${constants.size}`
    const data: TensorData =
      type === 'int64' || type === 'uint64'
        ? new arrayOf[type](values.map((v) => BigInt(v)))
        : new arrayOf[type](values)
    if (data.length !== elementCount(shape))
      throw new FederationError('internal', `${data.length} values for the shape [${shape}]`)
    const ref = initializer({ name: `constant/${type}/${label}`, type, dims: shape, data })
    constants.set(key, ref)
    if (typeof value === 'number') scalars.set(ref, value)
    return ref
  }

  const numberOf = (ref: Ref): number | undefined => parent?.numberOf(ref) ?? scalars.get(ref)
  const axesList = (axes: readonly number[]): Ref => constant('int64', axes)
  const elementwise = (name: string) => (a: Ref, b: Ref) => op(name, [a, b])
  const unary = (name: string) => (x: Ref) => op(name, [x])

  return {
    names,
    capturedBySubgraphs,
    find,
    info,
    op,
    ops,
    initializer,
    constant,
    /** The number that a scalar constant holds. */
    numberOf,
    dims: (ref: Ref): readonly Dimension[] => info(ref).dims,
    rank: (ref: Ref): number => info(ref).dims.length,
    /** A scalar of the same element type as `ref`. */
    like: (ref: Ref, value: number): Ref => constant(info(ref).type as NumberType, value),

    input(name: string, type: ElementType, dims: readonly Dimension[]): Ref {
      const ref = claim(name)
      inputs.push({ name: ref, type, dims })
      infos.set(ref, { type, dims })
      return ref
    },
    /** Names a value as the graph's next output. */
    output(name: string, ref: Ref): void {
      outputs.push({ name: ref === name ? name : claim(name), ref })
    },
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
    /** Copies a graph's nodes in, with its inputs (and any initializers named) bound to values here; returns where its values went. */
    inline(graph: Graph, bindings: ReadonlyMap<string, Ref>): Map<string, Ref> {
      const here = new Map(bindings)
      for (const tensor of graph.initializers) if (!here.has(tensor.name)) here.set(tensor.name, initializer(tensor))
      const refOf = (name: string): Ref => {
        const ref = name === '' ? '' : here.get(name)
        if (ref === undefined)
          throw new FederationError('invalid-onnx', `the value '${name}' is used before it is made`)
        return ref
      }
      for (const node of graph.nodes) {
        const results = node.outputs.map((name) => (name === '' ? '' : claim(scope === '' ? name : `${scope}/${name}`)))
        add({ ...node, inputs: node.inputs.map(refOf), outputs: results })
        node.outputs.forEach((name, i) => {
          if (name !== '') here.set(name, results[i] as Ref)
        })
      }
      return here
    },
    /** The nodes so far, for a pass over them. */
    nodes: (): readonly Node[] => nodes,
    finish(name: string, documented: Documented = {}, rewrite: Rewrite = (all) => all): Graph {
      return finishGraph(
        {
          name,
          inputs,
          outputs,
          initializers,
          nodes: rewrite(
            nodes,
            outputs.map((output) => output.ref),
          ),
          info,
          claim,
          fixed: capturedBySubgraphs,
          own: infos,
        },
        documented,
      )
    },

    add: elementwise('Add'),
    sub: elementwise('Sub'),
    mul: elementwise('Mul'),
    div: elementwise('Div'),
    pow: elementwise('Pow'),
    greater: elementwise('Greater'),
    less: elementwise('Less'),
    equal: elementwise('Equal'),
    matmul: elementwise('MatMul'),
    neg: unary('Neg'),
    exp: unary('Exp'),
    log: unary('Log'),
    sqrt: unary('Sqrt'),
    abs: unary('Abs'),
    sign: unary('Sign'),
    relu: unary('Relu'),
    sigmoid: unary('Sigmoid'),
    tanh: unary('Tanh'),
    softplus: unary('Softplus'),
    identity: unary('Identity'),
    not: unary('Not'),
    shape: unary('Shape'),
    where: (condition: Ref, yes: Ref, no: Ref): Ref => op('Where', [condition, yes, no]),
    gemm: (a: Ref, b: Ref, c?: Ref, attributes: Attributes = {}): Ref =>
      op('Gemm', c === undefined ? [a, b] : [a, b, c], attributes),
    transpose: (x: Ref, perm: readonly number[]): Ref => op('Transpose', [x], { perm: ints(perm) }),
    reshape: (x: Ref, dims: readonly number[]): Ref => op('Reshape', [x, constant('int64', dims)]),
    unsqueeze: (x: Ref, axes: readonly number[]): Ref => op('Unsqueeze', [x, axesList(axes)]),
    squeeze: (x: Ref, axes: readonly number[]): Ref => op('Squeeze', [x, axesList(axes)]),
    concat: (parts: readonly Ref[], axis: number): Ref =>
      parts.length === 1 ? (parts[0] as Ref) : op('Concat', parts, { axis: int(axis) }),
    split: (x: Ref, sizes: readonly number[], axis: number): Ref[] =>
      sizes.length === 1 ? [x] : ops('Split', [x, constant('int64', sizes)], { axis: int(axis) }, sizes.length),
    slice: (x: Ref, start: number, end: number, axis: number): Ref =>
      op('Slice', [x, axesList([start]), axesList([end]), axesList([axis])]),
    gather: (x: Ref, indices: Ref, axis = 0): Ref => op('Gather', [x, indices], { axis: int(axis) }),
    cast: (x: Ref, type: ElementType): Ref => op('Cast', [x], { to: int(elementTypeCodes[type]) }),
    softmax: (x: Ref, axis = -1): Ref => op('Softmax', [x], { axis: int(axis) }),
    logSoftmax: (x: Ref, axis = -1): Ref => op('LogSoftmax', [x], { axis: int(axis) }),
    reduceSum: (x: Ref, axes: readonly number[], keep: boolean): Ref =>
      op('ReduceSum', [x, axesList(axes)], { keepdims: int(keep ? 1 : 0) }),
    reduceMean: (x: Ref, axes: readonly number[], keep: boolean): Ref =>
      op('ReduceMean', [x, axesList(axes)], { keepdims: int(keep ? 1 : 0) }),
  }
}

type Unfinished = {
  readonly name: string
  readonly inputs: Graph['inputs']
  readonly outputs: readonly { readonly name: string; readonly ref: Ref }[]
  readonly initializers: readonly Tensor[]
  readonly nodes: readonly Node[]
  readonly info: (ref: Ref) => ValueInfo
  readonly claim: (name: string) => string
  /** Values a subgraph uses by name. */
  readonly fixed: ReadonlySet<string>
  readonly own: ReadonlyMap<string, ValueInfo>
}

/** Gives the outputs their names: by renaming where a node here makes the value, else through an Identity. */
function finishGraph(graph: Unfinished, documented: Documented): Graph {
  const made = new Set(graph.nodes.flatMap((node) => node.outputs))
  const renamed = new Map<string, string>()
  const copies: Node[] = []
  for (const { name, ref } of graph.outputs)
    if (made.has(ref) && !graph.fixed.has(ref) && !renamed.has(ref)) renamed.set(ref, name)
    else
      copies.push({
        name: graph.claim(`${name}/Identity`),
        op: 'Identity',
        domain: '',
        inputs: [renamed.get(ref) ?? ref],
        outputs: [name],
        attributes: {},
      })
  const rename = (ref: string) => renamed.get(ref) ?? ref
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }))
  const used = new Set([...nodes, ...copies].flatMap((node) => node.inputs))
  return {
    name: graph.name,
    inputs: graph.inputs,
    outputs: graph.outputs.map(({ name, ref }) => ({ name, type: graph.info(ref).type, dims: graph.info(ref).dims })),
    initializers: graph.initializers.filter((tensor) => used.has(tensor.name) || graph.fixed.has(tensor.name)),
    nodes: [...nodes, ...copies],
    values: [],
    ...documented,
  }
}
