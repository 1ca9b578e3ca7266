/**
 * Forward graphs made to mislead the size check: each would hold far more memory, at run time or while it is read, than
 * a naive reading of its shapes tells. They are written node by node, since the builder itself refuses most of them.
 */
import { type Attributes, int } from '@consilium/models/onnx/attributes.ts'
import { checkForwardGraph, rowElements } from '@consilium/models/onnx/forward-check.ts'
import { type Model, modelOf, type Node, type Tensor } from '@consilium/models/onnx/graph.ts'
import { elementTypeCodes } from '@consilium/models/onnx/tensor-data.ts'
import { type ZooChoice, zooModel } from '@consilium/models/zoo/index.ts'
import { expect, test } from 'vitest'

const [float32, int32, int64, bool] = (['float32', 'int32', 'int64', 'bool'] as const).map((type) => ({
  to: int(elementTypeCodes[type]),
}))

test.for<[string, readonly Node[], RegExp]>([
  [
    'a Concat along the batch, again and again: each doubles what the one before holds',
    [
      ...Array.from({ length: 40 }, (_, i) => node(`wide${i + 1}`, 'Concat', [wide(i), wide(i)], { axis: int(0) })),
      node('y', 'Add', ['x', wide(40)]),
    ],
    /the size of the value 'wide1' of shape \[\?wide1\.0,3\] is not known before it runs/,
  ],
  [
    'a size computed in float32, which rounds 2^40 + 2^16 + 1 up by 2^17',
    [
      node('a', 'Cast', ['2^40 + 2^16 + 1'], float32),
      node('b', 'Cast', ['2^40 + 2^16'], float32),
      node('difference', 'Sub', ['a', 'b']),
      node('size', 'Cast', ['difference'], int64),
    ],
    /the shape depends on data/,
  ],
  [
    'a size through bool, which makes 1 of -2^20',
    [
      node('truth', 'Cast', ['-2^20'], bool),
      node('one', 'Cast', ['truth'], int64),
      node('size', 'Add', ['one', '2^20 + 1']),
    ],
    /the shape depends on data/,
  ],
  [
    'the batch divided by its own truth, which is the batch and not 1',
    [
      node('batch', 'Shape', ['x'], { start: int(0), end: int(1) }),
      node('truth', 'Cast', ['batch'], bool),
      node('one', 'Cast', ['truth'], int64),
      node('size', 'Div', ['batch', 'one']),
    ],
    /the shape depends on data/,
  ],
  [
    'a size through int32, which makes 1 of 2^32 + 1',
    [
      node('narrow', 'Cast', ['2^32 + 1'], int32),
      node('one', 'Cast', ['narrow'], int64),
      node('size', 'Sub', ['2^32 + 2', 'one']),
    ],
    /the shape depends on data/,
  ],
  [
    'a size computed in int32, which wraps around',
    [
      node('half', 'Cast', ['2^30'], int32),
      node('wrapped', 'Add', ['half', 'half']),
      node('whole', 'Cast', ['wrapped'], int64),
      node('size', 'Sub', ['2^31 + 1', 'whole']),
    ],
    /the shape depends on data/,
  ],
  [
    'a size computed beyond 2^53, where a float64 reads 0 for a difference of 2^9',
    [node('none', 'Sub', ['2^62 + 2^9', '2^62']), node('size', 'Add', ['none', '1'])],
    /the shape depends on data/,
  ],
  [
    'a size whose name doubles with every node',
    [
      node('size0', 'Shape', ['x'], { start: int(0), end: int(1) }),
      ...Array.from({ length: 40 }, (_, i) => node(`size${i + 1}`, 'Mul', [`size${i}`, `size${i}`])),
    ],
    /a size is a product of \d+ dimensions with long names/,
  ],
  [
    'a rank that grows with every node',
    [node('deep', 'Unsqueeze', ['x', '1 to 60']), node('deeper', 'Unsqueeze', ['deep', '1 to 60'])],
    /an output would have the rank 122/,
  ],
  ['a name without end', [node('n'.repeat(1001), 'Relu', ['x'])], /has 1001 characters, over the limit of 1000/],
])('%s', ([, nodes, message]) => {
  expect(() => checkForwardGraph(hostile(nodes))).toThrow(
    expect.objectContaining({ code: 'invalid-onnx', message: expect.stringMatching(message) }),
  )
})

test('an exporter may compute a shape in whole numbers, from the batch too', () => {
  const nodes = [
    node('batch', 'Shape', ['x'], { start: int(0), end: int(1) }),
    node('narrow', 'Cast', ['batch'], int32),
    node('wide', 'Cast', ['narrow'], int64),
    node('doubled', 'Add', ['1', '1']),
    node('rows', 'Mul', ['wide', '1']),
    node('shape', 'Concat', ['rows', '1', '3'], { axis: int(0) }),
    node('reshaped', 'Reshape', ['x', 'shape']),
    node('y', 'Reshape', ['reshaped', '-1, 3']),
  ]
  expect(checkForwardGraph(graph(nodes)).graph.nodes).toHaveLength(nodes.length)
})

test('the elements of a row are those of everything a graph computes for it', () => {
  const choice: ZooChoice = { from: 'zoo', name: 'multi-layer-perceptron', hidden: [8], activation: 'relu' }
  // The input, two layers before and after their activation, the logits.
  expect(rowElements(zooModel(choice, { features: 3, outputs: 2 }))).toBe(3 + 8 + 8 + 2)
})

/** With zeros expanded to [size, 1, 3] added to x where a node is called `size`. */
function hostile(nodes: readonly Node[]): Model {
  const makes = (name: string) => nodes.some(({ outputs }) => outputs[0] === name)
  if (!makes('size')) return graph(makes('y') ? nodes : [...nodes, node('y', 'Relu', ['x'])])
  return graph([
    ...nodes,
    node('shape', 'Concat', ['size', '1', '1'], { axis: int(0) }),
    node('bomb', 'Expand', ['zero', 'shape']),
    node('sum', 'ReduceSum', ['bomb', '0'], { keepdims: int(0) }),
    node('y', 'Add', ['x', 'sum']),
  ])
}

function graph(nodes: readonly Node[]): Model {
  return modelOf({
    name: 'hostile',
    inputs: [{ name: 'x', type: 'float32', dims: ['batch', 3] }],
    outputs: [{ name: 'y', type: 'float32' }],
    initializers: [...constants, { name: 'zero', type: 'float32', dims: [], data: new Float32Array(1) }],
    nodes,
    values: [],
  })
}

const constants: readonly Tensor[] = Object.entries({
  '0': [0n],
  '1': [1n],
  '3': [3n],
  '-1, 3': [-1n, 3n],
  '-2^20': [-(2n ** 20n)],
  '2^20 + 1': [2n ** 20n + 1n],
  '2^30': [2n ** 30n],
  '2^31 + 1': [2n ** 31n + 1n],
  '2^32 + 1': [2n ** 32n + 1n],
  '2^32 + 2': [2n ** 32n + 2n],
  '2^40 + 2^16': [2n ** 40n + 2n ** 16n],
  '2^40 + 2^16 + 1': [2n ** 40n + 2n ** 16n + 1n],
  '2^62': [2n ** 62n],
  '2^62 + 2^9': [2n ** 62n + 2n ** 9n],
  '1 to 60': Array.from({ length: 60 }, (_, i) => BigInt(i + 1)),
}).map(([name, values]) => ({ name, type: 'int64', dims: [values.length], data: BigInt64Array.from(values) }))

function node(output: string, op: string, inputs: readonly string[], attributes: Attributes = {}): Node {
  return { name: output, op, domain: '', inputs, outputs: [output], attributes }
}

function wide(i: number): string {
  return i === 0 ? 'x' : `wide${i}`
}
