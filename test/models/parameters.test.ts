/** The flat parameter vector: which tensors it holds, where it starts, and that models take it back. */
import { readFileSync } from 'node:fs'
import { graphBuilder } from '@consilium/models/onnx/builder.ts'
import { decodeModel } from '@consilium/models/onnx/codec.ts'
import { type Model, modelOf } from '@consilium/models/onnx/graph.ts'
import { printGraph } from '@consilium/models/onnx/print.ts'
import {
  initialParameters,
  parameterCount,
  parameterLayout,
  readParameters,
  withParameters,
} from '@consilium/models/parameters.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { describe, expect, test } from 'vitest'

const perceptron = zooModel(
  { from: 'zoo', name: 'multi-layer-perceptron', hidden: [20, 10], activation: 'tanh' },
  { features: 30, outputs: 2 },
)
const fixture = (name: string) =>
  decodeModel(new Uint8Array(readFileSync(`${import.meta.dirname}/fixtures/${name}.onnx`)))

describe('the models of the zoo', () => {
  test('logistic regression is one product', () => {
    const model = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 3, outputs: 1 })
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "logistic_regression(features: float32[batch, 3]) -> (logits)
        linear.weight: float32[3, 1] = [0, 0, 0]
        linear.bias: float32[1] = [0]
        logits: float32[batch, 1] = Gemm(features, linear.weight, linear.bias)"
    `)
  })

  test('a multi-layer perceptron is products with activations between them', () => {
    expect(printGraph(perceptron.graph)).toMatchInlineSnapshot(`
      "multi_layer_perceptron(features: float32[batch, 30]) -> (logits)
        layer1.weight: float32[30, 20] = 600 values
        layer1.bias: float32[20] = 20 values
        layer2.weight: float32[20, 10] = 200 values
        layer2.bias: float32[10] = 10 values
        layer3.weight: float32[10, 2] = 20 values
        layer3.bias: float32[2] = [0, 0]
        layer1/Gemm: float32[batch, 20] = Gemm(features, layer1.weight, layer1.bias)
        layer1/Tanh: float32[batch, 20] = Tanh(layer1/Gemm)
        layer2/Gemm: float32[batch, 10] = Gemm(layer1/Tanh, layer2.weight, layer2.bias)
        layer2/Tanh: float32[batch, 10] = Tanh(layer2/Gemm)
        logits: float32[batch, 2] = Gemm(layer2/Tanh, layer3.weight, layer3.bias)"
    `)
  })
})

describe('the layout', () => {
  test('holds the trainable tensors in the order of the graph', () => {
    const layout = parameterLayout(perceptron)
    expect(layout.map(({ name, dims }) => `${name} ${dims.join('x')}`)).toEqual([
      'layer1.weight 30x20',
      'layer1.bias 20',
      'layer2.weight 20x10',
      'layer2.bias 10',
      'layer3.weight 10x2',
      'layer3.bias 2',
    ])
    expect(parameterCount(layout)).toBe(30 * 20 + 20 + 20 * 10 + 10 + 10 * 2 + 2)
  })

  test('leaves out the frozen ones, and refuses a frozen name that is not there', () => {
    expect(parameterLayout(perceptron, ['layer1.weight', 'layer1.bias'])[0]?.name).toBe('layer2.weight')
    expect(() => parameterLayout(perceptron, ['layer9.weight'])).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: "the frozen tensor 'layer9.weight' is not in the model",
      }),
    )
  })

  test('holds what PyTorch exported as parameters, not constants, whole numbers or text', () => {
    expect(parameterLayout(fixture('pytorch-mlp')).map(({ name }) => name)).toEqual([
      '0.weight',
      '0.bias',
      '3.weight',
      '3.bias',
    ])
    expect(parameterLayout(fixture('typed-lists')).map(({ name }) => name)).toEqual(['w', 'b'])
  })

  test('leaves out tensors that carry no gradient to the output: bounds, exponents, scalars, what is not used', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['batch', 2])
    const tensor = (name: string, dims: number[]) =>
      g.initializer({ name, type: 'float32', dims, data: new Float32Array(dims.reduce((a, b) => a * b, 1)) })
    const scaled = g.mul(g.pow(g.mul(x, tensor('scale', [2])), tensor('exponent', [2])), tensor('half', []))
    g.output('y', g.reduceSum(g.where(g.greater(x, tensor('threshold', [2])), scaled, tensor('other', [2])), [1], true))
    expect(parameterLayout(modelOf(g.finish('model'))).map(({ name }) => name)).toEqual(['scale', 'other'])
  })
})

describe('initial parameters', () => {
  test('are the same for a seed, and others for another', () => {
    const layout = parameterLayout(perceptron)
    expect(initialParameters(perceptron, layout, 5)).toEqual(initialParameters(perceptron, layout, 5))
    expect(initialParameters(perceptron, layout, 5)).not.toEqual(initialParameters(perceptron, layout, 6))
    expect(Array.from(initialParameters(perceptron, layout, 5).subarray(0, 3))).toMatchInlineSnapshot(`
      [
        0.1314799189567566,
        0.18896208703517914,
        -0.19415387511253357,
      ]
    `)
  })

  test('fill matrices evenly up to the bound of Glorot and leave biases at zero', () => {
    const layout = parameterLayout(perceptron)
    const all = initialParameters(perceptron, layout, 1)
    const first = all.subarray(0, 600)
    const bound = Math.sqrt(6 / 50)
    expect(Math.max(...first.map(Math.abs))).toBeLessThanOrEqual(bound)
    expect(first.reduce((a, b) => a + b) / 600).toBeCloseTo(0, 1)
    expect(first.reduce((a, b) => a + b * b, 0) / 600 / ((bound * bound) / 3)).toBeCloseTo(1, 0)
    expect(all.subarray(600, 620).every((value) => value === 0)).toBe(true)
  })

  test('are zero for a model that is linear in them', () => {
    const model = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 4, outputs: 3 })
    expect(initialParameters(model, parameterLayout(model), 9)).toEqual(new Float32Array(15))
  })

  test('keep the scales that a model brings', () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['batch', 2])
    const scale = g.initializer({ name: 'scale', type: 'float32', dims: [2], data: Float32Array.of(1, 2) })
    const shift = g.initializer({ name: 'shift', type: 'float32', dims: [2], data: Float32Array.of(3, 4) })
    g.output('y', g.relu(g.add(g.mul(x, scale), shift)))
    const model = modelOf(g.finish('scaled'))
    expect(initialParameters(model, parameterLayout(model), 1)).toEqual(Float32Array.of(1, 2, 0, 0))
  })
})

describe('a model', () => {
  test('with parameters put in gives the same ones out, and the rest is unchanged', () => {
    const model: Model = fixture('typed-lists')
    const layout = parameterLayout(model)
    expect(readParameters(model, layout)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6, 0.5, -0.5, 0))
    const other = Float32Array.from({ length: 9 }, (_, i) => -i)
    const changed = withParameters(model, layout, other)
    expect(readParameters(changed, layout)).toEqual(other)
    expect(changed.graph.nodes).toBe(model.graph.nodes)
    expect(readParameters(model, layout)[0]).toBe(1)
  })

  test('refuses a vector of another length, and a layout that is not its own', () => {
    const layout = parameterLayout(perceptron)
    expect(() => withParameters(perceptron, layout, new Float32Array(3))).toThrow(
      expect.objectContaining({ code: 'shape-mismatch', message: '3 parameters given, the model has 852' }),
    )
    expect(() => readParameters(perceptron, [{ name: 'layer1.weight', dims: [20, 30] }])).toThrow(
      /no float32 tensor 'layer1.weight' of shape \[20,30\]/,
    )
  })
})
