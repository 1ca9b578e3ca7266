/** Logistic, softmax or linear regression, by the loss it is trained with: one matrix and a bias. */
import { graphBuilder } from '../onnx/builder.ts'
import { type Model, modelOf } from '../onnx/graph.ts'

/** features float32 [batch, features] to logits float32 [batch, outputs]; parameters zero. */
export function logisticRegression(features: number, outputs: number): Model {
  const g = graphBuilder()
  const x = g.input('features', 'float32', ['batch', features])
  const weight = g.initializer({
    name: 'linear.weight',
    type: 'float32',
    dims: [features, outputs],
    data: new Float32Array(features * outputs),
  })
  const bias = g.initializer({ name: 'linear.bias', type: 'float32', dims: [outputs], data: new Float32Array(outputs) })
  g.output(
    'logits',
    g.within('linear', () => g.gemm(x, weight, bias)),
  )
  return modelOf(g.finish('logistic_regression'))
}
