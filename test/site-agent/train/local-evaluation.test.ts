/** An evaluation of real rows fits its words whatever the model is: no parameter makes a site refuse (section E.1). */
import { parameterCount } from '@consilium/protos/plan/signed-study.ts'
import { rowLossMax, type StudyInput } from '@consilium/protos/plan/study.ts'
import { evaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import { encodeHeader } from '@consilium/protos/secagg/header.ts'
import { encodeCounts } from '@consilium/protos/secagg/histograms.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openLocalEvaluation } from '../../../site-agent/train/local-evaluation.ts'
import { onCpu } from '../../../site-agent/train/session.ts'
import '../../support/property-seed.ts'
import { checkForwardGraph, rowElements } from '@consilium/models/onnx/forward-check.ts'
import { aSmallStudy } from '../a-site.ts'
import { aStudyOfAModel } from '../a-study-of-a-model.ts'

const values = [0, 0.3, -1.5, 2, 1e30, -3e38, 7]
const testRows = Int32Array.from(values.keys())
const perceptron: StudyInput['model'] = { from: 'zoo', name: 'multi-layer-perceptron', hidden: [3] }

const studies: Record<string, Partial<StudyInput>> = {
  binary: {},
  'binary, a perceptron': { model: perceptron },
  category: { label: { name: 'y', type: 'category', levels: [0, 1, 2] }, loss: 'cross-entropy' },
  number: { label: { name: 'y', type: 'number', range: [-2, 3] }, loss: 'mean-squared-error', model: perceptron },
}

async function evaluator(changes: Partial<StudyInput>) {
  const study = aSmallStudy({ evaluation: { bins: 4 }, standardisation: 'none', ...changes })
  const { graph, manifest } = aStudyOfAModel(study)
  const forward = checkForwardGraph(graph)
  const classes = study.label.type === 'category' ? 3 : 2
  const labels =
    study.label.type === 'category'
      ? BigInt64Array.from(values, (_, i) => BigInt(i % classes))
      : Float32Array.from(values, (_, i) => i % classes)
  const evaluation = await openLocalEvaluation({
    study,
    forward,
    layout: manifest.layout,
    rowElements: rowElements(forward),
    testRows,
    labels,
    execution: onCpu,
  })
  const matrix = { rows: values.length, columns: 1, values: Float32Array.from(values) }
  const request = { onProgress: () => undefined, signal: new AbortController().signal }
  return {
    study,
    count: parameterCount(manifest.layout),
    evaluate: (parameters: Float32Array) => evaluation.evaluate(matrix, { ...request, parameters }),
  }
}

describe.for(Object.entries(studies))('an evaluation of a study: %s', ([, changes]) => {
  test('fits its words whatever the parameters are', async () => {
    const { study, count, evaluate } = await evaluator(changes)
    const most = rowLossMax(study.label)
    const parameter = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Infinity, -Infinity, 3e38, -3e38, 1e30, 0))
    const parameters = fc.array(parameter, { minLength: count, maxLength: count })
    await fc.assert(
      fc.asyncProperty(parameters, async (drawn) => {
        const result = await evaluate(Float32Array.from(drawn))
        expect(result.examples).toBe(values.length)
        expect(result.lossSum).toBeGreaterThanOrEqual(0)
        expect(result.lossSum).toBeLessThanOrEqual(values.length * most)
        expect(result.correct).toBeLessThanOrEqual(values.length)
        if (study.label.type === 'binary') expect(result.histogram.reduce((a, b) => a + b, 0)).toBe(values.length)
        encodeCounts(evaluationCounts(result), 255)
        const rest = { weight: 1, clipped: false, clampedCoordinates: 0, contributes: true }
        encodeHeader({ ...rest, lossSum: result.lossSum }, { cohort: 255, weightMax: 8 })
      }),
      { numRuns: 60 },
    )
  })

  test('gives a row without a finite score the score 0 and the largest loss', async () => {
    const { study, count, evaluate } = await evaluator(changes)
    const result = await evaluate(new Float32Array(count).fill(Number.NaN))
    expect(result.lossSum).toBe(values.length * rowLossMax(study.label))
    if (study.label.type === 'binary') expect([...result.histogram]).toEqual([4, 0, 0, 0, 3, 0, 0, 0])
    expect(result.correct).toBe(study.label.type === 'binary' ? 4 : 0)
  })
})

test('a number is off by no more than the width of its range, a class by 64', () => {
  expect(rowLossMax({ name: 'y', type: 'number', range: [-2, 3] })).toBe(25)
  expect(rowLossMax({ name: 'y', type: 'number', range: [-1e200, 1e200] })).toBe(2 ** 53)
  expect(rowLossMax({ name: 'y', type: 'binary' })).toBe(64)
})
