/**
 * A crafted graph: gate k is open where the first feature is the whole number k, and adds what the k-th column of
 * parameters makes of the row. One step on all rows writes each record whose number nobody shares into columns of its own.
 */
import { graphBuilder } from '@consilium/models/onnx/builder.ts'
import { type Model, modelOf } from '@consilium/models/onnx/graph.ts'

/** Initializers that are no parameters. */
export const gateFrozen = ['pick', 'centres', 'ones']

/** Its parameters: `weight` float32 [features, gates]. */
export function gateGraph(gates: number, features = 2): Model {
  const g = graphBuilder()
  const x = g.input('features', 'float32', ['batch', features])
  const tensor = (name: string, dims: number[], value: (i: number) => number) =>
    g.initializer({
      name,
      type: 'float32',
      dims,
      data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
    })
  const pick = tensor('pick', [features, gates], (i) => (i < gates ? 1 : 0))
  const centres = tensor('centres', [gates], (i) => -i)
  const ones = tensor('ones', [gates, 1], () => 1)
  const weight = tensor('weight', [features, gates], () => 0)
  const one = tensor('one', [], () => 1)
  const four = tensor('four', [], () => 4)
  const distance = g.abs(g.add(g.matmul(x, pick), centres))
  const open = g.relu(g.sub(one, g.mul(four, distance)))
  g.output('logits', g.matmul(g.mul(open, g.matmul(x, weight)), ones))
  return modelOf(g.finish('gates'))
}
