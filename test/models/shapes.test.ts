/** Shape inference against what onnxruntime yields, and with dimensions that are only names; the checker and the printer. */
import { type Attributes, float, int } from '@consilium/models/onnx/attributes.ts'
import { graphBuilder, type Ref } from '@consilium/models/onnx/builder.ts'
import { checkGraph } from '@consilium/models/onnx/check.ts'
import { broadcast, quotient, sizeOf } from '@consilium/models/onnx/dimensions.ts'
import { type Graph, modelOf, type Node } from '@consilium/models/onnx/graph.ts'
import { printGraph } from '@consilium/models/onnx/print.ts'
import { inferGraph } from '@consilium/models/onnx/shapes.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { float32, runModel } from '../support/onnx-run.ts'

describe('the shape and type of what carries no gradient are those that onnxruntime yields:', () => {
  type Case = {
    readonly op: string
    readonly attributes?: Attributes
    readonly inputs?: (g: ReturnType<typeof graphBuilder>, x: Ref) => Ref[]
    readonly type: string
    readonly dims: readonly number[]
  }
  const twice = (_g: unknown, x: Ref) => [x, x]
  const truths = (g: ReturnType<typeof graphBuilder>, x: Ref) => [g.greater(x, g.like(x, 0)), g.less(x, g.like(x, 1))]
  const cases: Case[] = [
    ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map((op) => ({
      op,
      inputs: twice,
      type: 'bool',
      dims: [2, 3],
    })),
    ...['And', 'Or', 'Xor'].map((op) => ({ op, inputs: truths, type: 'bool', dims: [2, 3] })),
    { op: 'Not', inputs: (g, x) => truths(g, x).slice(0, 1), type: 'bool', dims: [2, 3] },
    ...['IsNaN', 'IsInf'].map((op) => ({ op, type: 'bool', dims: [2, 3] })),
    ...['Ceil', 'Floor', 'Round', 'Sign'].map((op) => ({ op, type: 'float32', dims: [2, 3] })),
    { op: 'ArgMax', attributes: { axis: int(1), keepdims: int(0) }, type: 'int64', dims: [2] },
    { op: 'ArgMin', type: 'int64', dims: [1, 3] },
    { op: 'Shape', type: 'int64', dims: [2] },
    { op: 'Shape', attributes: { start: int(-1) }, type: 'int64', dims: [1] },
    { op: 'Size', type: 'int64', dims: [] },
    { op: 'Constant', inputs: () => [], attributes: { value_float: float(2) }, type: 'float32', dims: [] },
    {
      op: 'OneHot',
      inputs: (g, x) => [g.cast(x, 'int64'), g.constant('int64', 5), g.constant('float32', [0, 1])],
      type: 'float32',
      dims: [2, 3, 5],
    },
    {
      op: 'OneHot',
      attributes: { axis: int(0) },
      inputs: (g, x) => [g.cast(x, 'int64'), g.constant('int64', 5), g.constant('float32', [0, 1])],
      type: 'float32',
      dims: [5, 2, 3],
    },
  ]
  test.for(cases)('$op', async ({ op, attributes = {}, inputs = (_g, x) => [x], type, dims }) => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2, 3])
    g.output('y', g.op(op, inputs(g, x), attributes))
    const model = modelOf(checkGraph(g.finish('one')))
    expect(model.graph.outputs[0]).toEqual({ name: 'y', type, dims })
    const { y } = await runModel(model, { x: float32([1, 2, 3, 4, 5, 6], [2, 3]) })
    expect([y?.type, y?.dims]).toEqual([type, dims])
  })
})

describe('named dimensions', () => {
  test('pass through the chains that exporters write to flatten a batch', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['batch', 3, 4])
    const batch = g.unsqueeze(g.gather(g.shape(x), g.constant('int64', 0)), [0])
    const flat = g.op('Reshape', [x, g.concat([batch, g.constant('int64', [-1])], 0)])
    expect(g.dims(flat)).toEqual(['batch', 12])
    expect(g.dims(g.reshape(x, [-1, 12]))).toEqual(['batch', 12])
    expect(g.dims(g.reshape(x, [-1, 4]))).toEqual(['3*batch', 4])
    expect(g.dims(g.reshape(g.reshape(x, [-1, 4]), [-1, 3, 4]))).toEqual(['batch', 3, 4])
    expect(
      g.dims(
        g.op('Reshape', [x, g.concat([batch, g.op('Mul', [g.constant('int64', [3]), g.constant('int64', [4])])], 0)]),
      ),
    ).toEqual(['batch', 12])
  })

  test('multiply and divide back', () => {
    const dimension = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom('a', 'b', 'c'))
    fc.assert(
      fc.property(fc.array(dimension, { maxLength: 4 }), fc.array(dimension, { maxLength: 4 }), (a, b) => {
        expect(quotient([...a, ...b], b)).toEqual(sizeOf(a))
      }),
    )
  })

  test('broadcast as the sizes they stand for', () => {
    expect(broadcast(['batch', 1], [3])).toEqual(['batch', 3])
    expect(broadcast(['batch', 3], ['batch', 1])).toEqual(['batch', 3])
    expect(broadcast(['batch', 3], [4])).toBeUndefined()
    expect(broadcast([], ['batch'])).toEqual(['batch'])
  })
})

describe('the checker refuses', () => {
  const relu: Node = { name: 'n', op: 'Relu', domain: '', inputs: ['x'], outputs: ['y'], attributes: {} }
  const graph: Graph = {
    name: 'g',
    inputs: [{ name: 'x', type: 'float32', dims: ['n', 2] }],
    outputs: [{ name: 'y', type: 'float32', dims: ['n', 2] }],
    initializers: [],
    nodes: [relu],
    values: [],
  }
  test.for<[string, Partial<Graph>, RegExp]>([
    [
      'nodes out of order',
      {
        nodes: [
          { ...relu, inputs: ['z'] },
          { ...relu, outputs: ['z'] },
        ],
      },
      /uses 'z' before it is made/,
    ],
    ['a name made twice', { nodes: [relu, relu] }, /'y' is used twice/],
    [
      'an output of another type than stated',
      { outputs: [{ name: 'y', type: 'int64', dims: ['n', 2] }] },
      /is float32, not int64/,
    ],
    [
      'an output of another shape than stated',
      {
        inputs: [{ name: 'x', type: 'float32', dims: [3, 2] }],
        outputs: [{ name: 'y', type: 'float32', dims: [2, 3] }],
      },
      /has the shape \[3,2\], not \[2,3\]/,
    ],
    ['an input of unknown rank', { inputs: [{ name: 'x', type: 'float32' }] }, /states no shape/],
    [
      'an operator without a shape rule',
      { nodes: [{ ...relu, op: 'GridSample' }] },
      /the operator GridSample \(node 'n'\) is not supported/,
    ],
  ])('%s', ([, change, message]) => {
    expect(() => checkGraph(graph)).not.toThrow()
    expect(() => checkGraph({ ...graph, ...change })).toThrow(message)
  })

  test('shapes that do not fit, with the node and both shapes', () => {
    const g = graphBuilder()
    const [a, b] = [g.input('a', 'float32', ['n', 3]), g.input('b', 'float32', [4, 2])]
    expect(() => g.within('layer1', () => g.gemm(a, b))).toThrow(
      expect.objectContaining({
        code: 'shape-mismatch',
        message: "Gemm (node 'layer1/Gemm'): [n,3] and [4,2] do not multiply",
      }),
    )
  })
})

test('a graph prints itself, types and shapes included', () => {
  const g = graphBuilder()
  const x = g.input('x', 'float32', ['n', 2])
  const scale = g.initializer({ name: 'scale', type: 'float32', dims: [2], data: Float32Array.of(1, 2) })
  const parts = g.split(g.mul(x, scale), [1, 1], 1)
  g.output('y', g.op('LeakyRelu', [parts[1] as Ref], { alpha: float(0.1) }))
  const graph = checkGraph(g.finish('second_column'))
  expect(inferGraph(graph).get('y')).toEqual({ type: 'float32', dims: ['n', 1] })
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "second_column(x: float32[n, 2]) -> (y)
      scale: float32[2] = [1, 2]
      constant/int64/list0: int64[2] = [1, 1]
      Mul: float32[n, 2] = Mul(x, scale)
      Split.0: float32[n, 1], Split.1: float32[n, 1] = Split(Mul, constant/int64/list0, axis=1)
      y: float32[n, 1] = LeakyRelu(Split.1, alpha=0.1)"
  `)
})
