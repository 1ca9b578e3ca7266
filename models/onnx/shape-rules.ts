/**
 * The table of shape rules: operator to the types and shapes of its outputs. Axes and the like are read from the
 * attribute (older operator sets) or from the input (newer ones), whichever the node has.
 */
import { intAttribute, intsAttribute } from './attributes.ts'
import { broadcast, quotient, sameDimensions, sizeOf, unknownDimension } from './dimensions.ts'
import type { Dimension, ElementType, Node } from './graph.ts'
import { elementTypeCodes } from './tensor-data.ts'
import { tensorInfo, type ValueInfo } from './value-info.ts'

type Context = {
  readonly node: Node
  readonly inputs: readonly (ValueInfo | undefined)[]
  readonly input: (i: number) => ValueInfo
  readonly fail: (reason: string) => never
}
type ShapeRule = (context: Context) => ValueInfo[]

const same: ShapeRule = ({ input }) => [{ type: input(0).type, dims: input(0).dims }]
const numeric = rowsOf(
  same,
  `Abs Ceil Clip Cos Elu Erf Exp Floor Gelu LeakyRelu Log LogSoftmax Neg Not Reciprocal Relu Round Sigmoid Sign Sin
   Softmax Softplus Softsign Sqrt Tanh`,
)
const binary = rowsOf((context) => [elementwise(context, context.input(0).type)], 'Add Sub Mul Div Pow Max Min')
const comparison = rowsOf(
  (context) => [elementwise(context, 'bool')],
  'Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor',
)
const reduction = rowsOf(
  reduce,
  'ReduceSum ReduceMean ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare',
)

export const shapeRules: Readonly<Record<string, ShapeRule>> = {
  ...numeric,
  ...binary,
  ...comparison,
  ...reduction,
  Identity: ({ input }) => [input(0)],
  IsNaN: ({ input }) => [{ type: 'bool', dims: input(0).dims }],
  IsInf: ({ input }) => [{ type: 'bool', dims: input(0).dims }],
  Cast: cast,
  Dropout: ({ input }) => [
    { type: input(0).type, dims: input(0).dims },
    { type: 'bool', dims: input(0).dims },
  ],
  Where: (context) => {
    const branches = broadcast(context.input(1).dims, context.input(2).dims)
    const dims = branches && broadcast(context.input(0).dims, branches)
    return [{ type: context.input(1).type, dims: dims ?? context.fail(`${shapes(context)} do not broadcast`) }]
  },
  Gemm: gemm,
  MatMul: matmul,
  Transpose: (context) => {
    const { type, dims } = context.input(0)
    const perm = intsAttribute(context.node, 'perm') ?? dims.map((_, i) => dims.length - 1 - i)
    if ([...perm].sort((a, b) => a - b).some((axis, i) => axis !== i) || perm.length !== dims.length)
      context.fail(`perm [${perm}] is no permutation of rank ${dims.length}`)
    return [{ type, dims: perm.map((axis) => dims[axis] as Dimension) }]
  },
  Reshape: reshape,
  Flatten: (context) => {
    const { type, dims } = context.input(0)
    const axis = axisOf(context, intAttribute(context.node, 'axis', 1), dims.length + 1)
    return [{ type, dims: [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis))] }]
  },
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  Expand: (context) => {
    const shape = knownInput(context, 1, 'the shape')
    const dims = broadcast(context.input(0).dims, shape)
    return [
      {
        type: context.input(0).type,
        dims: dims ?? context.fail(`[${context.input(0).dims}] does not expand to [${shape}]`),
      },
    ]
  },
  Shape: ({ node, input }) => {
    const dims = input(0).dims.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', input(0).dims.length))
    return [{ type: 'int64', dims: [dims.length], known: dims }]
  },
  Size: ({ input }) => [{ type: 'int64', dims: [], known: [sizeOf(input(0).dims)] }],
  Constant: constant,
  ArgMax: (context) => [{ ...argReduce(context), type: 'int64' }],
  ArgMin: (context) => [{ ...argReduce(context), type: 'int64' }],
  OneHot: (context) => {
    const { dims } = context.input(0)
    const depth = knownInput(context, 1, 'the depth')[0] ?? context.fail('the depth is empty')
    const axis = axisOf(context, intAttribute(context.node, 'axis', -1), dims.length + 1)
    return [{ type: context.input(2).type, dims: dims.toSpliced(axis, 0, depth) }]
  },
  Pad: (context) => {
    const { type, dims } = context.input(0)
    const pads = numbers(context, 1, 'the pads')
    const axes = context.inputs[3] ? numbers(context, 3, 'the axes') : dims.map((_, i) => i)
    const padded = [...dims]
    axes.forEach((given, i) => {
      const axis = axisOf(context, given, dims.length)
      const size = dims[axis]
      const extra = (pads[i] ?? 0) + (pads[i + axes.length] ?? 0)
      padded[axis] = typeof size === 'number' ? size + extra : unknown(context.node, axis)
    })
    return [{ type, dims: padded }]
  },
  ScatterND: same,
  Range: ({ node, input }) => [{ type: input(0).type, dims: [unknown(node, 0)] }],
}

function rowsOf(rule: ShapeRule, operators: string): Record<string, ShapeRule> {
  return Object.fromEntries(operators.split(/\s+/).map((operator) => [operator, rule]))
}

function elementwise(context: Context, type: ElementType): ValueInfo {
  let dims: readonly Dimension[] = context.input(0).dims
  for (const input of context.inputs.slice(1))
    dims = broadcast(dims, input?.dims ?? []) ?? context.fail(`${shapes(context)} do not broadcast`)
  const known = knownArithmetic(context)
  return { type, dims, ...(known && isExact(type, known) ? { known } : {}) }
}

/** Whether a run computes these very numbers: int32 wraps around, and beyond 2^53 they are not exact here. */
function isExact(type: ElementType, known: readonly Dimension[]): boolean {
  if (type !== 'int64' && type !== 'int32') return false
  const max = type === 'int64' ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1
  return known.every((value) => typeof value === 'string' || Math.abs(value) <= max)
}

/** Contents are followed only from whole numbers to whole numbers: a float rounds, a bool forgets. */
function cast(context: Context): ValueInfo[] {
  const type = castType(context)
  const { dims, known } = context.input(0)
  return [{ type, dims, ...(known && isExact(type, known) ? { known } : {}) }]
}

/** The contents of a sum, difference, product or quotient of two known whole tensors, as shape computations need them. */
function knownArithmetic({ node, inputs }: Context): Dimension[] | undefined {
  const [a, b] = [inputs[0]?.known, inputs[1]?.known]
  if (!a || !b || !isExact('int64', [...a, ...b]) || (a.length !== b.length && a.length !== 1 && b.length !== 1))
    return undefined
  const result = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    const left = a[a.length === 1 ? 0 : i] as Dimension
    const right = b[b.length === 1 ? 0 : i] as Dimension
    if (node.op === 'Mul') return sizeOf([left, right])
    if (node.op === 'Div') return quotient([left], [right])
    if (typeof left !== 'number' || typeof right !== 'number') return undefined
    return node.op === 'Add' ? left + right : node.op === 'Sub' ? left - right : undefined
  })
  return result.every((value) => value !== undefined) ? result : undefined
}

function reduce(context: Context): ValueInfo[] {
  const { type, dims } = context.input(0)
  const given = intsAttribute(context.node, 'axes') ?? (context.inputs[1] ? numbers(context, 1, 'the axes') : undefined)
  const none = !given || given.length === 0
  if (none && intAttribute(context.node, 'noop_with_empty_axes', 0) === 1) return [{ type, dims }]
  const axes = new Set(none ? dims.map((_, i) => i) : given.map((axis) => axisOf(context, axis, dims.length)))
  const keep = intAttribute(context.node, 'keepdims', 1) === 1
  return [{ type, dims: dims.flatMap((dim, i) => (axes.has(i) ? (keep ? [1] : []) : [dim])) }]
}

function argReduce(context: Context): ValueInfo {
  const { type, dims } = context.input(0)
  const axis = axisOf(context, intAttribute(context.node, 'axis', 0), dims.length)
  const keep = intAttribute(context.node, 'keepdims', 1) === 1
  return { type, dims: dims.flatMap((dim, i) => (i === axis ? (keep ? [1] : []) : [dim])) }
}

function gemm(context: Context): ValueInfo[] {
  const matrix = (i: number, transposed: boolean): readonly [Dimension, Dimension] => {
    const { dims } = context.input(i)
    const [rows, columns] = dims.length === 2 ? dims : context.fail(`input ${i} has rank ${dims.length}, not 2`)
    return transposed ? [columns as Dimension, rows as Dimension] : [rows as Dimension, columns as Dimension]
  }
  const [rows, inner] = matrix(0, intAttribute(context.node, 'transA', 0) === 1)
  const [inner2, columns] = matrix(1, intAttribute(context.node, 'transB', 0) === 1)
  if (typeof inner === 'number' && typeof inner2 === 'number' && inner !== inner2)
    context.fail(`${shapes(context)} do not multiply`)
  const bias = context.inputs[2]
  if (bias && !sameDimensions(broadcast([rows, columns], bias.dims) ?? [], [rows, columns]))
    context.fail(`${shapes(context)}: C does not broadcast`)
  return [{ type: context.input(0).type, dims: [rows, columns] }]
}

function matmul(context: Context): ValueInfo[] {
  const a = context.input(0).dims
  const b = context.input(1).dims
  if (a.length === 0 || b.length === 0) context.fail('a scalar does not multiply')
  const left = a.length === 1 ? [1, ...a] : a
  const right = b.length === 1 ? [...b, 1] : b
  const inner = [left.at(-1), right.at(-2)]
  if (typeof inner[0] === 'number' && typeof inner[1] === 'number' && inner[0] !== inner[1])
    context.fail(`${shapes(context)} do not multiply`)
  const batch = broadcast(left.slice(0, -2), right.slice(0, -2)) ?? context.fail(`${shapes(context)} do not broadcast`)
  const rows = a.length === 1 ? [] : [left.at(-2) as Dimension]
  const columns = b.length === 1 ? [] : [right.at(-1) as Dimension]
  return [{ type: context.input(0).type, dims: [...batch, ...rows, ...columns] }]
}

function reshape(context: Context): ValueInfo[] {
  const { type, dims, known } = context.input(0)
  const target = knownInput(context, 1, 'the shape')
  const copy = intAttribute(context.node, 'allowzero', 0) === 0
  const shape = target.map((dim, i) =>
    dim === 0 && copy ? (dims[i] ?? context.fail('0 copies a dimension that is not there')) : dim,
  )
  const open = shape.indexOf(-1)
  const rest = shape.filter((_, i) => i !== open)
  if (rest.includes(-1)) context.fail(`the shape [${target}] leaves two dimensions open`)
  const missing = quotient(dims, rest)
  if (open >= 0) shape[open] = missing ?? unknown(context.node, open)
  else if (typeof sizeOf(dims) === 'number' && typeof sizeOf(shape) === 'number' && missing !== 1)
    context.fail(`[${dims}] does not reshape to [${target}]`)
  if (open >= 0 && missing === undefined && typeof sizeOf(dims) === 'number')
    context.fail(`[${dims}] does not reshape to [${target}]`)
  return [{ type, dims: shape, ...(known ? { known } : {}) }]
}

function squeeze(context: Context): ValueInfo[] {
  const { type, dims, known } = context.input(0)
  const given = intsAttribute(context.node, 'axes') ?? (context.inputs[1] ? numbers(context, 1, 'the axes') : undefined)
  const axes = new Set(
    given ? given.map((axis) => axisOf(context, axis, dims.length)) : dims.flatMap((dim, i) => (dim === 1 ? [i] : [])),
  )
  for (const axis of axes)
    if (typeof dims[axis] === 'number' && dims[axis] !== 1) context.fail(`axis ${axis} of [${dims}] is not 1`)
  return [{ type, dims: dims.filter((_, i) => !axes.has(i)), ...(known ? { known } : {}) }]
}

function unsqueeze(context: Context): ValueInfo[] {
  const { type, dims, known } = context.input(0)
  const given = intsAttribute(context.node, 'axes') ?? numbers(context, 1, 'the axes')
  const rank = dims.length + given.length
  const axes = new Set(given.map((axis) => axisOf(context, axis, rank)))
  if (axes.size !== given.length) context.fail(`the axes [${given}] repeat`)
  const rest = dims.values()
  const result = Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (rest.next().value as Dimension)))
  return [{ type, dims: result, ...(known ? { known } : {}) }]
}

function concat(context: Context): ValueInfo[] {
  const { type, dims } = context.input(0)
  const axis = axisOf(context, intAttribute(context.node, 'axis', 0), dims.length)
  const parts = context.inputs.map((_, i) => context.input(i))
  for (const part of parts)
    if (
      part.dims.length !== dims.length ||
      part.dims.some(
        (dim, i) => i !== axis && typeof dim === 'number' && typeof dims[i] === 'number' && dim !== dims[i],
      )
    )
      context.fail(`${shapes(context)} do not concatenate on axis ${axis}`)
  const lengths = parts.map((part) => part.dims[axis] as Dimension)
  const total = lengths.every((length) => typeof length === 'number')
    ? lengths.reduce((sum, length) => sum + length, 0)
    : lengths.length === 1
      ? (lengths[0] as Dimension)
      : unknown(context.node, axis)
  const known =
    dims.length === 1 && parts.every((part) => part.known) ? parts.flatMap((part) => part.known ?? []) : undefined
  return [{ type, dims: dims.with(axis, total), ...(known ? { known } : {}) }]
}

function split(context: Context): ValueInfo[] {
  const { type, dims } = context.input(0)
  const axis = axisOf(context, intAttribute(context.node, 'axis', 0), dims.length)
  const whole = dims[axis] as Dimension
  const given =
    intsAttribute(context.node, 'split') ?? (context.inputs[1] ? numbers(context, 1, 'the sizes') : undefined)
  const count = intAttribute(context.node, 'num_outputs', context.node.outputs.length)
  if (count < 1 || count > context.node.outputs.length)
    context.fail(`it splits into ${count}, but names ${context.node.outputs.length} outputs`)
  if (!given && typeof whole !== 'number') context.fail(`axis ${axis} has no known size`)
  const chunk = Math.ceil((whole as number) / count)
  const sizes = given ?? Array.from({ length: count }, (_, i) => Math.min(chunk, (whole as number) - i * chunk))
  if (typeof whole === 'number' && sizes.reduce((sum, size) => sum + size, 0) !== whole)
    context.fail(`the sizes [${sizes}] do not add up to ${whole}`)
  return sizes.map((size) => ({ type, dims: dims.with(axis, size) }))
}

function slice(context: Context): ValueInfo[] {
  const { type, dims, known } = context.input(0)
  const starts = numbers(context, 1, 'the starts')
  const ends = numbers(context, 2, 'the ends')
  const axes = context.inputs[3] ? numbers(context, 3, 'the axes') : starts.map((_, i) => i)
  const steps = context.inputs[4] ? numbers(context, 4, 'the steps') : starts.map(() => 1)
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    context.fail('starts, ends, axes and steps differ in length')
  let contents = known
  const result = [...dims]
  axes.forEach((given, i) => {
    const axis = axisOf(context, given, dims.length)
    const [start, end, step] = [starts[i] as number, ends[i] as number, steps[i] as number]
    if (step === 0) context.fail('a step of 0')
    const size = dims[axis] as Dimension
    if (typeof size === 'string') {
      if (!(start === 0 && end >= 2 ** 31 - 1 && step === 1)) result[axis] = unknown(context.node, axis)
      return
    }
    const { from, length } = sliceRange(size, start, end, step)
    result[axis] = length
    contents =
      contents && dims.length === 1
        ? Array.from({ length }, (_, k) => contents?.[from + k * step] as Dimension)
        : undefined
  })
  return [{ type, dims: result, ...(contents ? { known: contents } : {}) }]
}

/** Where a slice starts and how many elements it takes (ONNX Slice: negative ends count from the end, both are clamped). */
export function sliceRange(
  size: number,
  start: number,
  end: number,
  step: number,
): { readonly from: number; readonly length: number } {
  const clamp = (at: number, low: number, high: number) => Math.min(Math.max(at < 0 ? at + size : at, low), high)
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1)
  const to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1)
  return { from, length: Math.max(0, Math.ceil((to - from) / step)) }
}

function gather(context: Context): ValueInfo[] {
  const { type, dims, known } = context.input(0)
  const indices = context.input(1)
  const axis = axisOf(context, intAttribute(context.node, 'axis', 0), dims.length)
  const contents =
    known && dims.length === 1 && indices.known?.every((index) => typeof index === 'number')
      ? indices.known.map(
          (index) =>
            known[(index as number) < 0 ? (index as number) + known.length : (index as number)] ??
            context.fail('an index lies outside'),
        )
      : undefined
  return [{ type, dims: dims.toSpliced(axis, 1, ...indices.dims), ...(contents ? { known: contents } : {}) }]
}

function constant(context: Context): ValueInfo[] {
  const { value, value_float, value_floats, value_int, value_ints } = context.node.attributes
  if (value?.kind === 'tensor') return [tensorInfo(value.value)]
  if (value_float?.kind === 'float') return [{ type: 'float32', dims: [] }]
  if (value_floats?.kind === 'floats') return [{ type: 'float32', dims: [value_floats.value.length] }]
  if (value_int?.kind === 'int') return [{ type: 'int64', dims: [], known: [value_int.value] }]
  if (value_ints?.kind === 'ints') return [{ type: 'int64', dims: [value_ints.value.length], known: value_ints.value }]
  return context.fail('it holds no tensor, number or list of numbers')
}

/** A dimension known only at run time, named after the value it belongs to. */
function unknown(node: Node, axis: number): string {
  return unknownDimension(node.outputs[0] ?? node.name, axis)
}

function castType(context: Context): ElementType {
  const code = intAttribute(context.node, 'to', 0)
  const found = (Object.keys(elementTypeCodes) as ElementType[]).find((type) => elementTypeCodes[type] === code)
  return found ?? context.fail(`the element type ${code} is not supported`)
}

function knownInput(context: Context, i: number, what: string): readonly Dimension[] {
  return context.input(i).known ?? context.fail(`${what} depends on data: only constants and shapes are supported`)
}

function numbers(context: Context, i: number, what: string): number[] {
  return knownInput(context, i, what).map((value) =>
    typeof value === 'number' ? value : context.fail(`${what} depends on the dimension '${value}'`),
  )
}

function axisOf(context: Context, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis
  return positive >= 0 && positive < rank ? positive : context.fail(`axis ${axis} is outside rank ${rank}`)
}

function shapes(context: Context): string {
  return context.inputs.map((input) => `[${input?.dims ?? ''}]`).join(' and ')
}
