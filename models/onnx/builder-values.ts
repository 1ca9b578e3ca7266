/** What a graph builder knows of its values: unique names, types and shapes, and the constants, each kept once. */
import { FederationError } from '@consilium/protos/errors.ts'
import { type Dimension, type ElementType, elementCount, type Tensor, type TensorData } from './graph.ts'
import { arrayOf } from './tensor-data.ts'
import { tensorInfo, type ValueInfo } from './value-info.ts'

/** A value of the graph being built, by its name. */
export type Ref = string
export type Values = ReturnType<typeof valueTable>
export type Constants = ReturnType<typeof constantPool>

type Outer = {
  readonly names: Set<string>
  readonly captured: Set<Ref>
  readonly find: (ref: Ref) => ValueInfo | undefined
}

/** The values of one graph, and through `outer` those of the graph around it. */
export function valueTable(outer?: Outer) {
  const infos = new Map<Ref, ValueInfo>()
  /** Names taken here or in a graph around or inside: ONNX wants them unique across all. */
  const names: Set<string> = outer?.names ?? new Set()
  const find = (ref: Ref): ValueInfo | undefined => {
    const own = infos.get(ref)
    if (own || !outer) return own
    const found = outer.find(ref)
    if (found) outer.captured.add(ref)
    return found
  }
  const info = (ref: Ref): ValueInfo => {
    const found = find(ref)
    if (!found) throw new FederationError('internal', `the graph being built has no value '${ref}'`)
    return found
  }
  return {
    names,
    /** Values that a subgraph uses by name. */
    captured: new Set<Ref>(),
    find,
    info,
    set: (ref: Ref, value: ValueInfo): void => {
      infos.set(ref, value)
    },
    dims: (ref: Ref): readonly Dimension[] => info(ref).dims,
    rank: (ref: Ref): number => info(ref).dims.length,
    /** The name itself, or with a number where it is taken. */
    claim: (name: string): string => {
      let unique = name
      for (let k = 2; names.has(unique); k++) unique = `${name}_${k}`
      names.add(unique)
      return unique
    },
  }
}

/** The initializers of a graph. */
export function constantPool(values: Values) {
  const initializers: Tensor[] = []
  const refs = new Map<string, Ref>()
  const scalars = new Map<Ref, number>()
  const initializer = (tensor: Tensor): Ref => {
    const name = values.claim(tensor.name)
    initializers.push({ ...tensor, name })
    values.set(name, tensorInfo(tensor))
    return name
  }
  return {
    initializers,
    initializer,
    /** The number that a scalar constant holds. */
    numberOf: (ref: Ref): number | undefined => scalars.get(ref),
    /** A constant tensor; the same one twice is one initializer. Without dims, a scalar or a list by the kind of value. */
    constant(
      type: Exclude<ElementType, 'string'>,
      value: number | readonly number[],
      dims: readonly number[] = typeof value === 'number' ? [] : [value.length],
    ): Ref {
      const list = typeof value === 'number' ? [value] : value
      const key = `${type}[${dims}]${list.map((number) => (Object.is(number, -0) ? '-0' : number))}`
      const existing = refs.get(key)
      if (existing !== undefined) return existing
      const label = list.length === 1 ? String(list[0]) : `list${refs.size}`
      const ref = initializer({ name: `constant/${type}/${label}`, type, dims, data: dataOf(type, list, dims) })
      refs.set(key, ref)
      if (typeof value === 'number') scalars.set(ref, value)
      return ref
    },
  }
}

function dataOf(type: Exclude<ElementType, 'string'>, list: readonly number[], dims: readonly number[]): TensorData {
  if (list.length !== elementCount(dims))
    throw new FederationError('internal', `${list.length} values for the shape [${dims}]`)
  return type === 'int64' || type === 'uint64' ? new arrayOf[type](list.map(BigInt)) : new arrayOf[type](list)
}
