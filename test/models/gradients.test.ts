/**
 * Every rule of the gradient table against finite differences, on the very nodes it emits: in double precision through
 * onnxruntime where it has double kernels, else the float32 nodes against central differences of a naive double reference.
 */
import { backward } from '@consilium/models/autodiff/backward.ts'
import { gradientTable } from '@consilium/models/autodiff/gradients/index.ts'
import { noGradient } from '@consilium/models/autodiff/gradients/none.ts'
import { graphBuilder } from '@consilium/models/onnx/builder.ts'
import { checkGraph } from '@consilium/models/onnx/check.ts'
import { forwardOperators } from '@consilium/models/onnx/forward-check.ts'
import { elementCount, type Model, modelOf, type TensorData } from '@consilium/models/onnx/graph.ts'
import { arrayOf } from '@consilium/models/onnx/tensor-data.ts'
import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { type CaseInput, type GradientCase, gradientCases } from '../support/gradient-cases.ts'
import { numbers, openModel, seeded } from '../support/onnx-run.ts'
import { referenceOperators } from '../support/reference-operators.ts'

type Precision = 'float64' | 'float32'
type Built = {
  readonly model: Model
  readonly inputs: readonly string[]
  readonly dims: readonly (readonly number[])[]
}

describe('the gradient table', () => {
  test('has a case for every operator, and every case has its row', () => {
    expect([...new Set(gradientCases.map(({ op }) => op))].sort()).toEqual(Object.keys(gradientTable).sort())
  })

  test('and the list of operators without gradient share no operator', () => {
    expect(Object.keys(gradientTable).filter((op) => noGradient.has(op))).toEqual([])
  })

  test('and that list together are the operators a study may use', () => {
    expect([...Object.keys(gradientTable), ...noGradient].sort()).toEqual([...forwardOperators].sort())
  })

  test('a node whose operator has no rule is named in the error', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', [2])
    const y = g.op('Sin', [x])
    const foreign = g.nodes().map((node) => ({ ...node, op: 'GridSample', name: 'head/grid' }))
    const attempt = () => backward(g, foreign, new Map([[y, g.like(x, 1)]]), [x])
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'no-gradient', message: "no gradient rule for 'GridSample' (node 'head/grid')" }),
    )
  })

  test('a slice with a step is refused by name rather than differentiated wrongly', () => {
    const whole = (values: number[]) => ({ dims: [values.length], values, type: 'int64' as const })
    const stepped = {
      op: 'Slice',
      title: '',
      inputs: [{ dims: [6] }, whole([0]), whole([6]), whole([0]), whole([2])],
      attributes: {},
      outputs: 1,
    }
    expect(() => build(stepped, 'float32')).toThrow(/no gradient rule for 'Slice' with a step other than 1/)
  })
})

const inDouble = gradientCases.filter(({ reference }) => !reference)
const inSingle = gradientCases.filter(({ reference }) => reference)

test.for(inDouble)(
  'the gradient of $op $title equals finite differences (double precision through onnxruntime)',
  async (gradientCase) => {
    const { model, inputs, dims } = build(gradientCase, 'float64')
    const session = await openModel(model)
    const weights = gradientCase.inputs.length + 1
    const variables = gradientCase.inputs.filter(({ type }) => !type)
    const points = variables.map(pointsOf)
    const seeds = dims.map((shape, i) => pointsOf({ dims: shape }, weights + i))
    const feeds = (at: readonly Float64Array[]): Record<string, ort.Tensor> => ({
      ...Object.fromEntries(
        inputs.map((name, i) => [name, new ort.Tensor('float64', at[i] as Float64Array, variables[i]?.dims)]),
      ),
      ...Object.fromEntries(seeds.map((seed, i) => [`dy${i}`, new ort.Tensor('float64', seed, dims[i])])),
    })
    const results = await session.run(feeds(points))
    for (const [i, shape] of dims.entries())
      expect(results[`y${i}`]?.dims, 'the inferred shape is the one that came').toEqual(shape)
    const loss = async (at: readonly Float64Array[]) => {
      const run = await session.run(
        feeds(at),
        dims.map((_, i) => `y${i}`),
      )
      return seeds.reduce(
        (sum, seed, i) => sum + numbers(run[`y${i}`]).reduce((s, value, k) => s + value * (seed[k] as number), 0),
        0,
      )
    }
    for (const [i, point] of points.entries()) {
      const gradient = numbers(results[`d${inputs[i]}`])
      expect(gradient.length).toBe(point.length)
      for (let k = 0; k < point.length; k++) {
        const step = 1e-5
        const moved = (by: number) =>
          points.with(
            i,
            point.map((x, j) => (j === k ? x + by : x)),
          )
        const difference = ((await loss(moved(step))) - (await loss(moved(-step)))) / (2 * step)
        expect(
          Math.abs((gradient[k] as number) - difference),
          `input ${i}, element ${k}: ${gradient[k]}, ${difference}`,
        ).toBeLessThan(1e-6 * Math.max(1, Math.abs(difference)))
      }
    }
  },
)

test.for(inSingle)(
  'the gradient of $op $title equals finite differences (float32 nodes, double reference)',
  async (gradientCase) => {
    const { model } = build(gradientCase, 'float32')
    const session = await openModel(model)
    const x = Array.from({ length: 41 }, (_, i) => (i - 20) / 8 + 0.01)
    const gradientOf = async (point: readonly number[], seed: readonly number[]) => {
      const tensor = (values: readonly number[]) => new ort.Tensor('float32', Float32Array.from(values), [2, 3])
      return session.run({ x0: tensor(point), dy0: tensor(seed) })
    }
    const reference = referenceOperators[gradientCase.reference as string] as (x: number) => number
    for (let from = 0; from + 6 <= x.length; from += 6) {
      const point = x.slice(from, from + 6).map(Math.fround)
      const seed = [1, -2, 0.5, 3, -1, 1.5]
      const results = await gradientOf(point, seed)
      point.forEach((value, k) => {
        const slope = (reference(value + 1e-5) - reference(value - 1e-5)) / 2e-5
        expect(Math.abs((numbers(results.y0)[k] as number) - reference(value))).toBeLessThan(1e-5)
        expect(Math.abs((numbers(results.dx0)[k] as number) - slope * (seed[k] as number)), `at ${value}`).toBeLessThan(
          1e-4,
        )
      })
    }
  },
)

test('at ties, Max gives the whole gradient to the first input and Relu none at 0', async () => {
  const g = graphBuilder()
  const a = g.input('a', 'float32', [3])
  const b = g.input('b', 'float32', [3])
  const y = g.relu(g.op('Max', [a, b]))
  const gradients = backward(g, g.nodes(), new Map([[y, g.constant('float32', [1, 1, 1])]]), [a, b])
  g.output('da', gradients.get(a) as string)
  g.output('db', gradients.get(b) as string)
  const session = await openModel(modelOf(checkGraph(g.finish('ties'))))
  const results = await session.run({
    a: new ort.Tensor('float32', [2, 0, 1], [3]),
    b: new ort.Tensor('float32', [2, 0, 3], [3]),
  })
  expect(numbers(results.da)).toEqual([1, 0, 0])
  expect(numbers(results.db)).toEqual([0, 0, 1])
})

test('no gradient passes through a rounding to whole numbers', () => {
  const g = graphBuilder()
  const w = g.input('w', 'float32', [2])
  const rounded = g.cast(g.cast(w, 'int64'), 'float32')
  const y = g.mul(rounded, g.like(w, 2))
  expect(backward(g, g.nodes().slice(), new Map([[y, g.like(y, 1)]]), [w]).size).toBe(0)
})

test('a value used twice gets the sum of both gradients, and nodes off the path get none', () => {
  const g = graphBuilder()
  const w = g.input('w', 'float32', [2])
  const x = g.input('x', 'float32', [2])
  const aside = g.exp(x)
  const y = g.add(g.mul(w, w), aside)
  const before = g.nodes().length
  const gradients = backward(g, g.nodes().slice(), new Map([[y, g.input('dy', 'float32', [2])]]), [w])
  expect([...gradients.keys()]).toEqual(['w'])
  expect(
    g
      .nodes()
      .slice(before)
      .map((node) => node.op),
  ).toEqual(['Mul', 'Mul', 'Add'])
})

/** Forward node, its gradient, and y and dx as outputs; what has a gradient is an input, the rest a constant. */
function build({ op, inputs, attributes, outputs }: GradientCase, precision: Precision): Built {
  const g = graphBuilder()
  const refs = inputs.map((input, i) =>
    input.type
      ? g.initializer({ name: `c${i}`, type: input.type, dims: input.dims, data: constantData(input) })
      : g.input(`x${i}`, precision, input.dims),
  )
  const variables = refs.filter((_, i) => !inputs[i]?.type)
  const ys = g.ops(op, refs, attributes, outputs)
  const seeds = new Map(ys.map((y, i) => [y, g.input(`dy${i}`, precision, g.dims(y))]))
  const gradients = backward(g, g.nodes().slice(), seeds, variables)
  const dims = ys.map((y) => g.dims(y) as number[])
  ys.forEach((y, i) => {
    g.output(`y${i}`, y)
  })
  variables.forEach((x) => {
    g.output(`d${x}`, gradients.get(x) as string)
  })
  return { model: modelOf(checkGraph(g.finish('case'))), inputs: variables, dims }
}

function constantData({ type, values = [] }: CaseInput): TensorData {
  if (type === 'int64') return BigInt64Array.from(values, BigInt)
  return new arrayOf[type as 'float64' | 'bool'](values)
}

/** Seeded numbers between 0.2 and 2, of either sign: off the kinks at 0, and apart from each other. */
function pointsOf(input: CaseInput, seed: number): Float64Array {
  const random = seeded(seed * 7919 + 17)
  const values =
    input.values ??
    Array.from({ length: elementCount(input.dims) }, () => (random() < 0.5 ? -1 : 1) * (0.2 + 1.8 * random()))
  return Float64Array.from(values)
}
