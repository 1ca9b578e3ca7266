/** Gradients of the operators that move elements without changing them: the gradient moves back. */
import { FederationError } from '@consilium/protos/errors.ts'
import { intAttribute, intsAttribute } from '../../onnx/attributes.ts'
import type { GraphBuilder, Ref } from '../../onnx/builder.ts'
import { nodeLabel } from '../../onnx/graph.ts'
import { sliceRange } from '../../onnx/shape-rules.ts'
import type { GradientContext, GradientTable } from '../gradient-rule.ts'

export const movement: GradientTable = {
  Identity: ({ dy }) => [() => dy],
  // Not training: it passes its input on.
  Dropout: ({ dy }) => [() => dy],
  Cast: ({ g, inputs: [x], dy }) => [() => g.cast(dy, g.info(x).type)],
  Transpose: ({ g, node, inputs: [x], dy }) => {
    const rank = g.rank(x)
    const perm = intsAttribute(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    return [
      () =>
        g.transpose(
          dy,
          Array.from({ length: rank }, (_, axis) => perm.indexOf(axis)),
        ),
    ]
  },
  Reshape: shapedBack,
  Flatten: shapedBack,
  Squeeze: shapedBack,
  Unsqueeze: shapedBack,
  // backward.ts sums over what was repeated.
  Expand: ({ dy }) => [() => dy],
  Concat: (context) => {
    const { g, node, dy } = context
    const axis = intAttribute(node, 'axis', 0)
    let parts: Ref[] | undefined
    const part = (i: number) => {
      parts ??= g.split(
        dy,
        node.inputs.map((input) => sizeOf(context, input, axis)),
        axis,
      )
      return parts[i] as Ref
    }
    return node.inputs.map((_, i) => () => part(i))
  },
  Split: ({ g, node, outputs, dys }) => [
    () =>
      g.concat(
        outputs.map((output, i) => dys[i] ?? zeros(g, output)),
        intAttribute(node, 'axis', 0),
      ),
  ],
  Slice: (context) => [() => padded(context)],
  Gather: (context) => [() => scattered(context)],
}

function shapedBack({ g, inputs: [x], dy }: GradientContext): (() => Ref)[] {
  const dims = g.dims(x)
  const named = dims.filter((dim) => typeof dim === 'string').length
  if (named > 1) return [() => g.op('Reshape', [dy, g.shape(x)])]
  return [
    () =>
      g.reshape(
        dy,
        dims.map((dim) => (typeof dim === 'string' ? -1 : dim)),
      ),
  ]
}

function sizeOf({ g, node }: GradientContext, ref: Ref, axis: number): number {
  const size = g.dims(ref).at(axis)
  if (typeof size !== 'number') throw unsupported(node, 'an axis of unknown size')
  return size
}

function zeros(g: GraphBuilder, like: Ref): Ref {
  return g.op('Expand', [g.like(like, 0), g.shape(like)])
}

/** The slice's gradient with zeros around it. */
function padded(context: GradientContext): Ref {
  const { g, node, inputs, dy } = context
  const [x, starts, ends] = inputs
  const numbers = (ref: Ref | undefined) => (ref ? (g.info(ref).known as number[] | undefined) : undefined)
  const from = numbers(starts) ?? []
  const to = numbers(ends) ?? []
  const axes = (numbers(inputs[3]) ?? from.map((_, i) => i)).map((axis) => (axis < 0 ? axis + g.rank(x) : axis))
  if (numbers(inputs[4])?.some((step) => step !== 1)) throw unsupported(node, 'a step other than 1')
  const before: number[] = []
  const after: number[] = []
  axes.forEach((axis, i) => {
    const size = g.dims(x)[axis]
    if (typeof size === 'string') {
      // A named axis is only ever taken whole: shape inference has seen to it, or the shapes differ below.
      before.push(0)
      after.push(0)
      return
    }
    const range = sliceRange(size as number, from[i] as number, to[i] as number, 1)
    before.push(range.from)
    after.push((size as number) - range.from - range.length)
  })
  return g.op('Pad', [dy, g.constant('int64', [...before, ...after]), g.like(x, 0), g.constant('int64', axes)])
}

/** Each gathered element's gradient added where it came from; an element gathered twice gets the sum. */
function scattered({ g, node, inputs: [x, indices], dy }: GradientContext): Ref {
  const rank = g.rank(x)
  const given = intAttribute(node, 'axis', 0)
  const axis = given < 0 ? given + rank : given
  const indexRank = g.rank(indices)
  const rows = g.unsqueeze(g.cast(indices, 'int64'), [-1])
  if (axis === 0) return addedAt(g, zeros(g, x), rows, dy)
  // ScatterND scatters over the first axis: bring the gathered one there, and back.
  const first = [axis, ...range(rank).filter((i) => i !== axis)]
  const gathered = range(indexRank, axis)
  const rest = range(g.rank(dy)).filter((i) => !gathered.includes(i))
  const target = zeros(g, g.transpose(x, first))
  return g.transpose(
    addedAt(g, target, rows, g.transpose(dy, [...gathered, ...rest])),
    range(rank).map((i) => first.indexOf(i)),
  )
}

function addedAt(g: GraphBuilder, target: Ref, rows: Ref, updates: Ref): Ref {
  return g.op('ScatterND', [target, rows, updates], { reduction: { kind: 'string', value: 'add' } })
}

function range(length: number, from = 0): number[] {
  return Array.from({ length }, (_, i) => from + i)
}

function unsupported(node: GradientContext['node'], what: string): FederationError {
  return new FederationError('no-gradient', `no gradient rule for '${node.op}' with ${what} (node ${nodeLabel(node)})`)
}
