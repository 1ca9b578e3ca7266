/** Pooled results of several sites' evaluations. */
import { expect, test } from 'vitest'
import { type Evaluation, evaluationResult, pooledEvaluation } from '../../../coordinator/statistics/evaluation.ts'

const evaluation = (site: string, correct: number, lossSum: number, histogram: number[]): Evaluation => ({
  site,
  header: { purpose: 'evaluate', examples: histogram.reduce((sum, n) => sum + n, 0), correct, lossSum },
  histogram: Float64Array.from(histogram),
})

test('sites are pooled by their rows, and each has its own result', () => {
  const basel = evaluation('basel', 3, 2, [2, 0, 1, 1])
  const zurich = evaluation('zurich', 1, 1, [0, 0, 0, 2])
  expect(evaluationResult([basel, zurich], true)).toEqual({
    purpose: 'evaluate',
    examples: 6,
    loss: 0.5,
    accuracy: 4 / 6,
    auroc: (3 * 2 + 1) / 8,
    meanSiteAccuracy: (0.75 + 0.5) / 2,
    perSite: [
      { site: 'basel', examples: 4, loss: 0.5, accuracy: 0.75, auroc: 0.75 },
      // All its rows are positive, so it has no AUROC of its own.
      { site: 'zurich', examples: 2, loss: 0.5, accuracy: 0.5 },
    ],
  })
})

test('a number label has a loss and neither accuracy nor AUROC', () => {
  const site: Evaluation = {
    site: 'basel',
    header: { purpose: 'evaluate', examples: 4, correct: 0, lossSum: 8 },
    histogram: new Float64Array(),
  }
  expect(evaluationResult([site], false)).toEqual({
    purpose: 'evaluate',
    examples: 4,
    loss: 2,
    perSite: [{ site: 'basel', examples: 4, loss: 2 }],
  })
})

test('where no site has a test row there is nothing to measure', () => {
  expect(evaluationResult([evaluation('basel', 0, 0, [0, 0, 0, 0])], true)).toEqual({
    purpose: 'evaluate',
    examples: 0,
    perSite: [{ site: 'basel', examples: 0 }],
  })
})

test('an evaluation that came as sums has the same measures, and none of any one site', () => {
  const sum = { examples: 6, correct: 4, histogram: Float64Array.of(2, 0, 1, 3), sites: 2, meanSiteAccuracy: 0.625 }
  const measures = { purpose: 'evaluate', examples: 6, loss: 0.5, auroc: (3 * 2 + 1) / 8, perSite: [] }
  expect(pooledEvaluation(sum, 3, true)).toEqual({ ...measures, accuracy: 4 / 6, meanSiteAccuracy: 0.625 })
  expect(pooledEvaluation(sum, 3, false)).toEqual(measures)
  const nobody = { ...sum, examples: 0, correct: 0, histogram: new Float64Array(4), meanSiteAccuracy: undefined }
  expect(pooledEvaluation(nobody, 0, true)).toEqual({ purpose: 'evaluate', examples: 0, perSite: [] })
})

test('histograms that hold other rows than those counted are refused', () => {
  const sum = { examples: 7, correct: 4, histogram: Float64Array.of(2, 0, 1, 3), sites: 2, meanSiteAccuracy: 0.5 }
  expect(() => pooledEvaluation(sum, 3, true)).toThrow(expect.objectContaining({ code: 'update-invalid' }))
})
