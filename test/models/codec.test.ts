/** The ONNX codec: nothing lost, nothing crashed by, nothing read that another reader would read differently. */
import { readFileSync } from 'node:fs'
import { decodeModel, encodeModel } from '@consilium/models/onnx/codec.ts'
import type { Attribute, Graph, Model, Node, Tensor, Value } from '@consilium/models/onnx/graph.ts'
import { elementCount, modelOf } from '@consilium/models/onnx/graph.ts'
import { printGraph } from '@consilium/models/onnx/print.ts'
import { arrayOf, elementTypeCodes } from '@consilium/models/onnx/tensor-data.ts'
import { parameterLayout } from '@consilium/models/parameters.ts'
import { trainingStep } from '@consilium/models/train-step.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import fc from 'fast-check'
import protobuf from 'protobufjs/minimal.js'
import { describe, expect, test } from 'vitest'
import { float32, numbers, openModel } from '../support/onnx-run.ts'

const fixture = (name: string) => new Uint8Array(readFileSync(`${import.meta.dirname}/fixtures/${name}.onnx`))
const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 3, outputs: 1 })
const step = trainingStep({
  forward,
  layout: parameterLayout(forward),
  loss: 'binary-cross-entropy',
  optimizer: { name: 'sgd', learningRate: 1 },
  batchSize: 2,
  features: 3,
})

describe('a model', () => {
  test.for(['pytorch-mlp', 'pytorch-legacy', 'typed-lists'])(
    'of another tool comes back whole after a round trip: %s',
    (name) => {
      const model = decodeModel(fixture(name))
      expect(decodeModel(encodeModel(model))).toEqual(model)
    },
  )

  test('with a Loop comes back whole after a round trip', () => {
    expect(decodeModel(encodeModel(step.model))).toEqual(step.model)
  })

  test('of any make comes back whole after a round trip', () => {
    fc.assert(
      fc.property(models, (model) => {
        expect(decodeModel(encodeModel(model))).toEqual(model)
      }),
      { numRuns: 150 },
    )
  })

  test('with typed lists reads as its maker wrote it', () => {
    const model = decodeModel(fixture('typed-lists'))
    expect(model).toMatchObject({
      irVersion: 8,
      doc: 'by hand',
      metadata: { key: 'value' },
      operatorSets: [{ domain: '', version: 13 }],
    })
    expect(model.graph.nodes[0]).toMatchObject({
      name: 'dense',
      doc: 'half',
      attributes: { alpha: { kind: 'float', value: 0.5 }, transB: { kind: 'int', value: 1 } },
    })
    expect(model.graph.initializers.at(-3)?.data).toEqual(BigInt64Array.of(-1n, 2n ** 62n))
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "typed(x: float32[n, 2]) -> (y)
        w: float32[3, 2] = [1, 2, 3, 4, 5, 6]
        b: float32[3] = [0.5, -0.5, 0]
        unused: int64[2] = [-1, 4611686018427387904]
        flags: bool[2] = [1, 0]
        text: string[2] = [a, é]
        z: float32[n, 3] = Gemm(x, w, b, alpha=0.5, transB=1)
        y: float32[n, 1] = ReduceMean(z, axes=[-1], keepdims=1)"
    `)
  })

  test('means to onnxruntime what its maker meant: x [1, 1] through half of x w^T, plus b, averaged', async () => {
    const model = decodeModel(fixture('typed-lists'))
    const session = await openModel(model)
    const { y } = await session.run({ x: float32([1, 1], [1, 2]) })
    expect(numbers(y)).toEqual([(1.5 + 0.5 + (3.5 - 0.5) + 5.5) / 3])
  })
})

describe('a damaged file', () => {
  test('is refused wherever it is cut off', () => {
    const { metadata: _, ...plain } = decodeModel(fixture('typed-lists'))
    const bytes = encodeModel(plain)
    for (let length = 0; length < bytes.length; length++)
      expect(outcome(bytes.subarray(0, length)), `${length} bytes`).toBe('invalid-onnx')
    expect(outcome(bytes)).toBe('decoded')
  })

  test('is refused or read, never a crash, whatever its bytes became', () => {
    const originals = [fixture('typed-lists'), fixture('pytorch-legacy'), encodeModel(step.model)]
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        (original, changes) => {
          const bytes = original.slice()
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          const result = outcome(bytes)
          outcomes.add(result)
          if (result === 'decoded') expect(decodeModel(encodeModel(decodeModel(bytes)))).toEqual(decodeModel(bytes))
        },
      ),
      { numRuns: 2000 },
    )
    expect([...outcomes].sort()).toEqual(['decoded', 'invalid-onnx'])
  })

  test('of random bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => outcome(bytes) === 'invalid-onnx'),
      { numRuns: 1000 },
    )
  })
})

describe('what a model here cannot hold is refused, not dropped:', () => {
  const small = encodeModel(modelOf({ name: 'g', inputs: [], outputs: [], initializers: [], nodes: [], values: [] }))
  const withField = (id: number, bytes: Uint8Array) =>
    Buffer.concat([
      small,
      protobuf.Writer.create()
        .uint32((id << 3) | 2)
        .bytes(bytes)
        .finish(),
    ])
  const withTensor = (write: (writer: protobuf.Writer) => protobuf.Writer) => {
    const tensor = write(protobuf.Writer.create().uint32(16).int32(1).uint32(66).string('t')).finish()
    const graph = protobuf.Writer.create().uint32(42).bytes(tensor).finish()
    return Buffer.concat([
      protobuf.Writer.create()
        .uint32(8)
        .int32(8)
        .uint32(58)
        .bytes(graph)
        .uint32(66)
        .bytes(Uint8Array.of(16, 13))
        .finish(),
    ])
  }
  const nested = (depth: number): Uint8Array => {
    let graph: Graph = { name: 'inner', inputs: [], outputs: [], initializers: [], nodes: [], values: [] }
    for (let i = 0; i < depth; i++) {
      const body: Attribute = { kind: 'graph', value: graph }
      graph = {
        ...graph,
        name: `level${i}`,
        nodes: [{ name: '', op: 'If', domain: '', inputs: [], outputs: [], attributes: { body } }],
      }
    }
    return encodeModel(modelOf(graph))
  }
  test.for([
    { what: 'an empty file', bytes: new Uint8Array(), message: /the file is empty/ },
    { what: 'training info', bytes: withField(20, new Uint8Array()), message: /Model.training_info is not supported/ },
    { what: 'an unknown field', bytes: withField(99, Uint8Array.of(1)), message: /Model has an unknown field 99/ },
    { what: 'a second graph', bytes: withField(7, new Uint8Array()), message: /Model.graph is given twice/ },
    { what: 'text that is not UTF-8', bytes: withField(6, Uint8Array.of(0xff)), message: /not UTF-8/ },
    {
      what: 'tensor data in another file',
      bytes: withTensor((w) => w.uint32(106).bytes(new Uint8Array())),
      message: /Tensor.external_data is not supported/,
    },
    {
      what: 'tensor data said to be elsewhere',
      bytes: withTensor((w) => w.uint32(112).int32(1)),
      message: /keeps its data outside the file/,
    },
    {
      what: 'a tensor shorter than its dimensions',
      bytes: withTensor((w) => w.uint32(8).int64(3).uint32(74).bytes(new Uint8Array(8))),
      message: /has 2 values, its dimensions need 3/,
    },
    {
      what: 'a tensor that claims a thousand million million values',
      bytes: withTensor((w) => w.uint32(8).int64(1e15).uint32(74).bytes(new Uint8Array(8))),
      message: /has 2 values/,
    },
    {
      what: 'a tensor that ends inside a value',
      bytes: withTensor((w) => w.uint32(74).bytes(new Uint8Array(7))),
      message: /ends in the middle of a value/,
    },
    { what: 'a negative dimension', bytes: withTensor((w) => w.uint32(8).int64(-1)), message: /impossible dimensions/ },
    {
      what: 'a list of five million numbers',
      bytes: withTensor((w) => w.uint32(58).bytes(new Uint8Array(5 * 2 ** 20))),
      message: /more than 4194304 numbers/,
    },
    {
      what: 'two million empty messages',
      bytes: withField(25, Buffer.alloc(4 * 2 ** 20, Uint8Array.of(58, 0))),
      message: /more than 1048576 messages/,
    },
    { what: 'graphs nested a hundred deep', bytes: nested(100), message: /nested deeper than 64/ },
  ])('$what', ({ bytes, message }) => {
    expect(() => decodeModel(bytes)).toThrow(
      expect.objectContaining({
        name: 'FederationError',
        code: 'invalid-onnx',
        message: expect.stringMatching(message),
      }),
    )
  })
})

function outcome(bytes: Uint8Array): string {
  try {
    decodeModel(bytes)
    return 'decoded'
  } catch (error) {
    if (error instanceof FederationError) return error.code
    throw error
  }
}

const names = fc.string({ maxLength: 8 })
const documented = fc.record(
  {
    doc: fc.string({ minLength: 1, maxLength: 8 }),
    metadata: fc.dictionary(names, names, { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
  },
  { requiredKeys: [] },
)
const elementTypes = Object.keys(elementTypeCodes) as Tensor['type'][]
const tensors: fc.Arbitrary<Tensor> = fc
  .record({
    name: names,
    type: fc.constantFrom(...elementTypes),
    dims: fc.array(fc.nat({ max: 3 }), { maxLength: 3 }),
    seed: fc.uint8Array({ minLength: 216, maxLength: 216 }),
    documented,
  })
  .map(({ name, type, dims, seed, documented }) => ({
    name,
    type,
    dims,
    data: dataOf(type, elementCount(dims), seed),
    ...documented,
  }))
const values: fc.Arbitrary<Value> = fc
  .record({
    name: names,
    type: fc.constantFrom(...elementTypes),
    dims: fc.option(fc.array(fc.oneof(fc.nat(), names), { maxLength: 3 }), { nil: undefined }),
    documented,
  })
  .map(({ name, type, dims, documented }) => ({ name, type, ...(dims ? { dims } : {}), ...documented }))
const wholes = fc.maxSafeInteger()
const floats = fc.float({ noNaN: true })
const { graph: graphs } = fc.letrec<{ graph: Graph; node: Node; attribute: Attribute }>((tie) => ({
  attribute: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    floats.map((value): Attribute => ({ kind: 'float', value })),
    wholes.map((value): Attribute => ({ kind: 'int', value })),
    names.map((value): Attribute => ({ kind: 'string', value })),
    fc.array(floats, { maxLength: 3 }).map((value): Attribute => ({ kind: 'floats', value })),
    fc.array(wholes, { maxLength: 3 }).map((value): Attribute => ({ kind: 'ints', value })),
    fc.array(names, { maxLength: 3 }).map((value): Attribute => ({ kind: 'strings', value })),
    tensors.map((value): Attribute => ({ kind: 'tensor', value })),
    fc.array(tensors, { maxLength: 2 }).map((value): Attribute => ({ kind: 'tensors', value })),
    tie('graph').map((value): Attribute => ({ kind: 'graph', value })),
    fc.array(tie('graph'), { maxLength: 1 }).map((value): Attribute => ({ kind: 'graphs', value })),
    fc.record({
      kind: fc.constant('reference' as const),
      value: fc.string({ minLength: 1, maxLength: 4 }),
      of: fc.constantFrom('float' as const, 'ints' as const),
    }),
  ),
  node: fc
    .record({
      name: names,
      op: names,
      domain: names,
      inputs: fc.array(names, { maxLength: 3 }),
      outputs: fc.array(names, { maxLength: 2 }),
      attributes: fc.dictionary(names, tie('attribute'), { maxKeys: 2, noNullPrototype: true }),
      documented,
    })
    .map(({ documented, ...node }) => ({ ...node, ...documented })),
  graph: fc
    .record({
      name: names,
      inputs: fc.array(values, { maxLength: 2 }),
      outputs: fc.array(values, { maxLength: 2 }),
      initializers: fc.array(tensors, { maxLength: 2 }),
      nodes: fc.array(tie('node'), { maxLength: 2 }),
      values: fc.array(values, { maxLength: 2 }),
      documented,
    })
    .map(({ documented, ...graph }) => ({ ...graph, ...documented })),
}))
const models: fc.Arbitrary<Model> = fc.record({
  irVersion: fc.nat(),
  operatorSets: fc.array(fc.record({ domain: names, version: fc.nat() }), { minLength: 1, maxLength: 2 }),
  producerName: names,
  producerVersion: names,
  domain: names,
  modelVersion: fc.nat(),
  graph: graphs,
  functions: fc.array(
    fc.record({
      name: names,
      domain: names,
      inputs: fc.array(names, { maxLength: 2 }),
      outputs: fc.array(names, { maxLength: 2 }),
      attributes: fc.array(names, { maxLength: 2 }),
      defaults: fc.constant({ alpha: { kind: 'float' as const, value: 0.5 } }),
      nodes: fc.constant([]),
      operatorSets: fc.array(fc.record({ domain: names, version: fc.nat() }), { maxLength: 2 }),
      values: fc.array(values, { maxLength: 1 }),
    }),
    { maxLength: 1 },
  ),
})

function dataOf(type: Tensor['type'], count: number, seed: Uint8Array): Tensor['data'] {
  if (type === 'string') return Array.from({ length: count }, (_, i) => `s${seed[i]}`)
  if (type === 'bool') return seed.slice(0, count).map((byte) => byte & 1)
  const TypedArray = arrayOf[type]
  return new TypedArray(seed.slice(0, count * TypedArray.BYTES_PER_ELEMENT).buffer)
}
