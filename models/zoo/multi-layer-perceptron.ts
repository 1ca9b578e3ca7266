/** A multi-layer perceptron: matrices and biases with one activation between them. */
import { graphBuilder } from '../onnx/builder.ts'
import { type Model, modelOf } from '../onnx/graph.ts'

export type MultiLayerPerceptron = {
  /** Widths of the hidden layers, in order. */
  readonly hidden: readonly number[]
  readonly activation: 'relu' | 'tanh' | 'sigmoid'
}

/** features float32 [batch, features] to logits float32 [batch, outputs]; parameters zero until they are drawn. */
export function multiLayerPerceptron(
  features: number,
  outputs: number,
  { hidden, activation }: MultiLayerPerceptron,
): Model {
  const g = graphBuilder()
  let h = g.input('features', 'float32', ['batch', features])
  const widths = [features, ...hidden, outputs]
  for (let layer = 1; layer < widths.length; layer++) {
    const [from, to] = [widths[layer - 1] as number, widths[layer] as number]
    const name = `layer${layer}`
    const weight = g.initializer({
      name: `${name}.weight`,
      type: 'float32',
      dims: [from, to],
      data: new Float32Array(from * to),
    })
    const bias = g.initializer({ name: `${name}.bias`, type: 'float32', dims: [to], data: new Float32Array(to) })
    const input = h
    h = g.within(name, () => {
      const z = g.gemm(input, weight, bias)
      return layer === widths.length - 1 ? z : g[activation](z)
    })
  }
  g.output('logits', h)
  return modelOf(g.finish('multi_layer_perceptron'))
}
