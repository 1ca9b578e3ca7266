/** The losses against values worked out by hand, and their gradients against finite differences of the textbook formulas. */
import { losses } from '@consilium/models/losses.ts'
import { graphBuilder } from '@consilium/models/onnx/builder.ts'
import { checkGraph } from '@consilium/models/onnx/check.ts'
import { modelOf } from '@consilium/models/onnx/graph.ts'
import type { Loss } from '@consilium/protos/plan/study.ts'
import { describe, expect, test } from 'vitest'
import { naiveLoss } from '../support/naive-training.ts'
import { float32, int64, numbers, runModel } from '../support/onnx-run.ts'

describe('the loss of a row', () => {
  test.for<{ loss: Loss; logits: number[]; labels: number[]; width: number; values: number[] }>([
    {
      loss: 'binary-cross-entropy',
      logits: [0, 0, Math.log(3), Math.log(3)],
      labels: [0, 1, 1, 0],
      width: 1,
      values: [Math.LN2, Math.LN2, -Math.log(0.75), -Math.log(0.25)],
    },
    {
      loss: 'cross-entropy',
      logits: [0, 0, 0, Math.log(2), 0, 0],
      labels: [2, 0],
      width: 3,
      values: [Math.log(3), Math.LN2],
    },
    { loss: 'mean-squared-error', logits: [1, -2, 0.5], labels: [1, 1, 0], width: 1, values: [0, 9, 0.25] },
  ])('by $loss is what hand computation gives', async ({ loss, logits, labels, width, values }) => {
    const { rowLosses } = await evaluate(loss, logits, labels, width)
    rowLosses.forEach((value, i) => {
      expect(value).toBeCloseTo(values[i] as number, 6)
    })
    expect(rowLosses.length).toBe(values.length)
  })

  test.for<{ loss: Loss; logits: number[]; labels: number[]; width: number; values: number[] }>([
    {
      loss: 'binary-cross-entropy',
      logits: [1000, -1000, 1000, -1000],
      labels: [1, 0, 0, 1],
      width: 1,
      values: [0, 0, 1000, 1000],
    },
    { loss: 'cross-entropy', logits: [1000, 0, 1000, 0], labels: [0, 1], width: 2, values: [0, 1000] },
  ])(
    'by $loss stays finite and exact where probabilities saturate',
    async ({ loss, logits, labels, width, values }) => {
      const { rowLosses, gradient } = await evaluate(loss, logits, labels, width)
      rowLosses.forEach((value, i) => {
        expect(value).toBeCloseTo(values[i] as number, 6)
      })
      expect(gradient.every(Number.isFinite)).toBe(true)
    },
  )
})

test.for<{ loss: Loss; logits: number[]; labels: number[]; width: number }>([
  { loss: 'binary-cross-entropy', logits: [0.3, -1.2, 2.5, -0.1], labels: [0, 1, 1, 0], width: 1 },
  { loss: 'cross-entropy', logits: [0.3, -1.2, 2.5, -0.1, 0.7, 0.2], labels: [2, 1], width: 3 },
  { loss: 'mean-squared-error', logits: [0.3, -1.2], labels: [2, -1], width: 1 },
])(
  'the gradient of $loss equals finite differences, weighted by row (float32 nodes, double reference)',
  async ({ loss, logits, labels, width }) => {
    const { gradient } = await evaluate(loss, logits, labels, width)
    logits.forEach((_, k) => {
      const row = Math.floor(k / width)
      const at = (by: number) =>
        naiveLoss(
          loss,
          logits.slice(row * width, (row + 1) * width).map((z, j) => (j === k % width ? z + by : z)),
          labels[row] as number,
        )
      const difference = ((at(1e-5) - at(-1e-5)) / 2e-5) * weightOf(row)
      expect(Math.abs((gradient[k] as number) - difference)).toBeLessThan(1e-4)
    })
  },
)

test.for<{ loss: Loss; logits: number[]; labels: number[]; width: number; values: number[] }>([
  { loss: 'binary-cross-entropy', logits: [0, Math.log(3)], labels: [0, 1], width: 1, values: [0.5, 0.75] },
  { loss: 'cross-entropy', logits: [0, Math.log(3)], labels: [0], width: 2, values: [0.25, 0.75] },
  { loss: 'mean-squared-error', logits: [4, -2], labels: [0, 0], width: 1, values: [4, -2] },
])(
  'the scores that go with $loss are probabilities or predictions',
  async ({ loss, logits, labels, width, values }) => {
    const { scores } = await evaluate(loss, logits, labels, width)
    scores.forEach((value, i) => {
      expect(value).toBeCloseTo(values[i] as number, 6)
    })
  },
)

function weightOf(row: number): number {
  return 0.5 + row
}

async function evaluate(name: Loss, logits: readonly number[], labels: readonly number[], width: number) {
  const rows = logits.length / width
  const loss = losses[name]
  const g = graphBuilder()
  const z = g.input('z', 'float32', [rows, width])
  const given = g.input('labels', loss.labelType, loss.labelRank === 2 ? [rows, 1] : [rows])
  const weights = g.input('weights', 'float32', [rows, 1])
  const targets = loss.targets(g, given, width)
  g.output('losses', loss.rowLosses(g, z, targets))
  g.output('gradient', loss.gradient(g, z, targets, weights))
  g.output('scores', loss.scores(g, z))
  const results = await runModel(modelOf(checkGraph(g.finish('loss'))), {
    z: float32(logits, [rows, width]),
    labels: loss.labelType === 'int64' ? int64(labels, [rows]) : float32(labels, [rows, 1]),
    weights: float32(
      Array.from({ length: rows }, (_, row) => weightOf(row)),
      [rows, 1],
    ),
  })
  return { rowLosses: numbers(results.losses), gradient: numbers(results.gradient), scores: numbers(results.scores) }
}
