/** What a site lets in: the check of a foreign forward graph, against graphs that onnxruntime itself would load. */
import { readFileSync } from 'node:fs'
import { int, ints } from '@consilium/models/onnx/attributes.ts'
import { type GraphBuilder, graphBuilder, type Ref } from '@consilium/models/onnx/builder.ts'
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { checkForwardGraph, forwardLimits, forwardOperators } from '@consilium/models/onnx/forward-check.ts'
import { type Model, modelOf, type Node, type Tensor } from '@consilium/models/onnx/graph.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const fixture = (name: string) => new Uint8Array(readFileSync(`${import.meta.dirname}/fixtures/${name}.onnx`))
const logistic = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 3, outputs: 1 })

describe('the check lets in', () => {
  test.for(['pytorch-mlp', 'pytorch-legacy'])('what PyTorch exports: %s', (name) => {
    expect(checkForwardGraph(fixture(name)).graph.nodes.length).toBeGreaterThan(2)
  })

  test('the models of the zoo, as bytes and decoded', () => {
    expect(checkForwardGraph(encodeModel(logistic))).toEqual(logistic)
    expect(checkForwardGraph(logistic)).toBe(logistic)
    checkForwardGraph(
      zooModel(
        { from: 'zoo', name: 'multi-layer-perceptron', hidden: [8], activation: 'relu' },
        { features: 3, outputs: 2 },
      ),
    )
  })

  test.for([13, 17, 21])('operator set %i', (version) => {
    checkForwardGraph({ ...logistic, operatorSets: [{ domain: '', version }] })
  })
})

describe('the check refuses', () => {
  test.for([
    'If',
    'Loop',
    'Scan',
    'SequenceMap',
    'RandomNormal',
    'RandomUniformLike',
    'Bernoulli',
    'Multinomial',
    'Range',
    'ConstantOfShape',
    'Tile',
    'Resize',
    'Pad',
    'NonZero',
    'StringNormalizer',
    'Optional',
    'ImageDecoder',
    'constructor',
    'toString',
  ])('the operator %s, by name and node', (op) => {
    const refused = { ...logistic, graph: { ...logistic.graph, nodes: [...logistic.graph.nodes, node(op)] } }
    expect(() => checkForwardGraph(refused)).toThrow(
      expect.objectContaining({
        code: 'operator-refused',
        message: `the operator ${op} (node 'extra') is not on the list of operators a study may use`,
      }),
    )
  })

  test('an operator of another domain, even under a listed name', () => {
    const refused = {
      ...logistic,
      graph: { ...logistic.graph, nodes: [...logistic.graph.nodes, { ...node('Relu'), domain: 'com.microsoft' }] },
    }
    expect(() => checkForwardGraph(refused)).toThrow(/the operator com.microsoft.Relu \(node 'extra'\)/)
  })

  test('a listed operator that carries a subgraph', () => {
    const refused = {
      ...logistic,
      graph: {
        ...logistic.graph,
        nodes: [{ ...node('Relu'), attributes: { body: { kind: 'graph', value: logistic.graph } as const } }],
      },
    }
    expect(() => checkForwardGraph(refused)).toThrow(expect.objectContaining({ code: 'operator-refused' }))
  })

  test.for<[string, Partial<Model>, RegExp]>([
    [
      'a second operator set',
      {
        operatorSets: [
          { domain: '', version: 21 },
          { domain: 'com.microsoft', version: 1 },
        ],
      },
      /once, and no other/,
    ],
    [
      'the standard operator set twice',
      {
        operatorSets: [
          { domain: '', version: 21 },
          { domain: '', version: 13 },
        ],
      },
      /once, and no other/,
    ],
    ['an older operator set', { operatorSets: [{ domain: '', version: 12 }] }, /operator set 12; 13 to 21/],
    ['a newer operator set', { operatorSets: [{ domain: '', version: 23 }] }, /operator set 23; 13 to 21/],
    [
      'functions of its own',
      {
        functions: [
          {
            name: 'f',
            domain: 'x',
            inputs: [],
            outputs: [],
            attributes: [],
            defaults: {},
            nodes: [],
            operatorSets: [],
            values: [],
          },
        ],
      },
      /defines the function 'f'/,
    ],
  ])('%s', ([, change, message]) => {
    expect(() => checkForwardGraph({ ...logistic, ...change })).toThrow(
      expect.objectContaining({ code: 'invalid-onnx', message: expect.stringMatching(message) }),
    )
  })

  const tensor = (name: string, dims: number[], values: number[] = []): Tensor => ({
    name,
    type: 'int64',
    dims,
    data: BigInt64Array.from(values, BigInt),
  })
  test.for<[string, (g: GraphBuilder, x: Ref) => Ref, RegExp]>([
    [
      'memory without bound by Expand',
      (g, x) => g.reduceSum(g.op('Expand', [g.unsqueeze(x, [1]), g.constant('int64', [1, 2 ** 27, 3])]), [1], false),
      /more than 67108864 elements a row/,
    ],
    [
      'memory without bound by Expand, in a dimension',
      (g, x) => g.reduceSum(g.op('Expand', [g.unsqueeze(x, [1]), g.constant('int64', [1, 2 ** 40, 3])]), [1], false),
      /dimension of 1099511627776/,
    ],
    [
      'memory that grows with the square of the batch',
      (g, x) => g.matmul(g.matmul(x, g.transpose(x, [1, 0])), x),
      /grows with the square of the batch/,
    ],
    [
      'memory without bound by OneHot',
      (g, x) =>
        g.reduceSum(
          g.op('OneHot', [g.cast(x, 'int64'), g.constant('int64', 2 ** 27), g.constant('float32', [0, 1])], {
            axis: int(-1),
          }),
          [-1],
          false,
        ),
      /more than 67108864 elements a row/,
    ],
    [
      'memory without bound by many values',
      (g, x) => {
        const wide = Array.from({ length: 9 }, () =>
          g.reduceSum(g.op('Expand', [g.unsqueeze(x, [1]), g.constant('int64', [1, 2 ** 22, 3])]), [1], false),
        )
        return wide.reduce((sum, one) => g.add(sum, one))
      },
      /more than 67108864 elements a row/,
    ],
    ['rank 9', (g, x) => g.reshape(g.unsqueeze(x, [1, 2, 3, 4, 5, 6, 7]), [-1, 3]), /rank 9, over the limit of 8/],
    ['an output without the batch', (g, x) => g.reduceSum(x, [0], true), /does not start with the batch/],
    ['text', (g, x) => g.cast(g.cast(x, 'string'), 'float32'), /is string, which is not supported/],
    ['an output that is no float32', (g, x) => g.cast(x, 'float64'), /output 'y' is float64/],
    [
      'dropout in training mode',
      (g, x) => g.op('Dropout', [x, g.constant('float32', 0.5), g.constant('bool', 1)]),
      /training mode, which draws random numbers/,
    ],
  ])('%s', ([, build, message]) => {
    const g = graphBuilder()
    g.output('y', build(g, g.input('x', 'float32', ['batch', 3])))
    const refused = modelOf(g.finish('bomb'))
    expect(() => checkForwardGraph(encodeModel(refused))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    )
    expect(code(() => checkForwardGraph(refused))).toMatch(/^(invalid-onnx|operator-refused)$/)
  })

  test.for<[string, (model: Model) => Model['graph'], RegExp]>([
    [
      'two initializers of one name',
      ({ graph }) => ({ ...graph, initializers: [...graph.initializers, ...graph.initializers] }),
      /'linear.weight' is used twice/,
    ],
    [
      'a value made twice',
      ({ graph }) => ({ ...graph, nodes: [...graph.nodes, ...graph.nodes] }),
      /'logits' is used twice/,
    ],
    [
      'a value used before it is made',
      ({ graph }) => ({ ...graph, nodes: [{ ...node('Relu'), inputs: ['logits'] }, ...graph.nodes] }),
      /uses 'logits' before it is made/,
    ],
    [
      'a cycle',
      ({ graph }) => ({ ...graph, nodes: [...graph.nodes, { ...node('Add'), inputs: ['extra', 'extra'] }] }),
      /uses 'extra' before/,
    ],
    ['an output that nothing makes', ({ graph }) => ({ ...graph, nodes: [] }), /'logits' is never made/],
    [
      'two inputs',
      ({ graph }) => ({ ...graph, inputs: [...graph.inputs, { name: 'z', type: 'float32', dims: ['batch'] }] }),
      /2 inputs/,
    ],
    ['two outputs', ({ graph }) => ({ ...graph, outputs: [...graph.outputs, ...graph.outputs] }), /2 outputs/],
    [
      'a fixed batch size',
      ({ graph }) => ({ ...graph, inputs: [{ name: 'features', type: 'float32', dims: [1, 3] }] }),
      /a named first dimension/,
    ],
    [
      'an input without a shape',
      ({ graph }) => ({ ...graph, inputs: [{ name: 'features', type: 'float32' }] }),
      /a named first dimension/,
    ],
    [
      'whole numbers as input',
      ({ graph }) => ({ ...graph, inputs: [{ name: 'features', type: 'int64', dims: ['n', 3] }] }),
      /is int64, not float32/,
    ],
    [
      'matrices that do not multiply',
      ({ graph }) => ({ ...graph, inputs: [{ name: 'features', type: 'float32', dims: ['n', 4] }] }),
      /do not multiply/,
    ],
    [
      'an Expand whose shape comes from the data',
      ({ graph }) => ({
        ...graph,
        nodes: [
          { ...node('Cast'), attributes: { to: int(7) } },
          { ...node('Expand'), inputs: ['features', 'extra'], outputs: ['logits'] },
        ],
      }),
      /the shape depends on data/,
    ],
    [
      'a huge empty tensor',
      ({ graph }) => ({ ...graph, initializers: [...graph.initializers, tensor('big', [0, 2 ** 40])] }),
      /dimension of 1099511627776/,
    ],
  ])('%s', ([, change, message]) => {
    expect(() => checkForwardGraph({ ...logistic, graph: change(logistic) })).toThrow(
      expect.objectContaining({ code: 'invalid-onnx', message: expect.stringMatching(message) }),
    )
  })

  test('more bytes, nodes or initializers than its limits', () => {
    const bytes = encodeModel(logistic)
    expect(() => checkForwardGraph(bytes, { ...forwardLimits, modelBytesMax: bytes.length - 1 })).toThrow(
      /over the limit of/,
    )
    expect(() => checkForwardGraph(bytes, { ...forwardLimits, nodesMax: 0 })).toThrow(/1 nodes, over the limit of 0/)
    expect(() => checkForwardGraph(bytes, { ...forwardLimits, initializersMax: 1 })).toThrow(
      /2 initializers, over the limit of 1/,
    )
    expect(
      checkForwardGraph(bytes, { ...forwardLimits, modelBytesMax: bytes.length, nodesMax: 1, initializersMax: 2 }),
    ).toEqual(logistic)
  })

  test('or passes any listed operator with any attributes, and never crashes', () => {
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(
        fc.constantFrom(...forwardOperators),
        fc.array(fc.constantFrom('features', 'linear.weight', 'axes', 'shape', 'scalar'), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.dictionary(
          fc.constantFrom(
            'axis',
            'axes',
            'perm',
            'keepdims',
            'to',
            'num_outputs',
            'transA',
            'start',
            'end',
            'value_ints',
          ),
          fc.oneof(fc.integer().map(int), fc.array(fc.integer({ min: -3, max: 5 }), { maxLength: 4 }).map(ints)),
        ),
        (op, inputs, attributes) => {
          const nodes = [{ ...node(op), inputs, attributes, outputs: ['logits'] }]
          const initializers = [
            ...logistic.graph.initializers,
            tensor('axes', [1], [1]),
            tensor('shape', [2], [-1, 3]),
            tensor('scalar', [], [2 ** 50]),
          ]
          outcomes.add(
            code(() => checkForwardGraph({ ...logistic, graph: { ...logistic.graph, nodes, initializers } })),
          )
        },
      ),
      { numRuns: 3000 },
    )
    expect([...outcomes].sort()).toEqual(
      ['invalid-onnx', 'operator-refused', 'passed'].filter((outcome) => outcomes.has(outcome)),
    )
    expect(outcomes).toContain('passed')
  })
})

function node(op: string): Node {
  return { name: 'extra', op, domain: '', inputs: ['features'], outputs: ['extra'], attributes: {} }
}

function code(attempt: () => unknown): string {
  try {
    attempt()
    return 'passed'
  } catch (error) {
    if (error instanceof FederationError) return error.code
    throw error
  }
}
