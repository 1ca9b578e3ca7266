/** Raw features to scores: the design matrix, standardisation, evaluation, and the exported model that holds all three. */
import { readFileSync } from 'node:fs'
import { evaluationGraph } from '@consilium/models/evaluate.ts'
import { exportModel } from '@consilium/models/export.ts'
import { decodeModel, encodeModel } from '@consilium/models/onnx/codec.ts'
import { checkForwardGraph } from '@consilium/models/onnx/forward-check.ts'
import type { Model } from '@consilium/models/onnx/graph.ts'
import { initialParameters, parameterLayout, readParameters } from '@consilium/models/parameters.ts'
import { designGraph, type Standardisation, standardisationGraph } from '@consilium/models/preprocess.ts'
import { trainingStep } from '@consilium/models/train-step.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { designColumns, featureSchema, type Label, type Loss, type Study } from '@consilium/protos/plan/study.ts'
import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { naiveLogits, naiveLoss } from '../support/naive-training.ts'
import { float32, int64, numbers, openModel, runModel, seeded } from '../support/onnx-run.ts'

const features = [
  { name: 'age', type: 'number', unit: 'years', range: [0, 120] },
  { name: 'chol', type: 'number', unit: 'mg/dl', missing: 'mean' },
  { name: 'oldpeak', type: 'number', missing: { value: 0.5 } },
  { name: 'exang', type: 'boolean', missing: { value: true } },
  { name: 'cp', type: 'category', levels: [1, 2, 3, 4] },
  { name: 'slope', type: 'category', levels: [1, 2, 3], encoding: 'one-hot', missing: { level: 2 } },
  { name: 'site', type: 'category', levels: ['Basel', 'Zürich', 'Genève'], missing: 'drop-row' },
  { name: 'sex', type: 'category', levels: ['f', 'm'], encoding: 'one-hot', missing: { level: 'm' } },
].map((feature) => featureSchema.parse(feature))

const columns = designColumns(features)
const means = columns.map((_, i) => i / 4)
const standardDeviations = columns.map((_, i) => (i === 3 ? 0 : 1 + i / 8))

/** Two rows: one whole, one with everything missing. */
const raw: Record<string, ort.Tensor> = {
  age: float32([63, Number.NaN], [2, 1]),
  chol: float32([233, Number.NaN], [2, 1]),
  oldpeak: float32([2.3, Number.NaN], [2, 1]),
  exang: float32([0, Number.NaN], [2, 1]),
  cp: float32([3, Number.NaN], [2, 1]),
  slope: float32([1, Number.NaN], [2, 1]),
  site: new ort.Tensor('string', ['Zürich', ''], [2, 1]),
  sex: new ort.Tensor('string', ['f', ''], [2, 1]),
}
const expected = [
  [63, 233, 2.3, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0],
  [NaN, NaN, 0.5, 1, NaN, NaN, NaN, 0, 1, 0, NaN, NaN, 0, 1],
]

describe('the design matrix', () => {
  test('has the columns that the study names, missing values filled only where the study says how', async () => {
    const { design } = await runModel(designGraph(features), raw)
    expect(columns).toEqual([
      'age',
      'chol',
      'oldpeak',
      'exang',
      'cp_2',
      'cp_3',
      'cp_4',
      'slope_1',
      'slope_2',
      'slope_3',
      'site_Zürich',
      'site_Genève',
      'sex_f',
      'sex_m',
    ])
    expect(design?.dims).toEqual([2, columns.length])
    expect(numbers(design)).toEqual(expected.flat().map(Math.fround))
  })

  test('is NaN in every column of a level that the study does not list', async () => {
    const { design } = await runModel(designGraph(features), {
      ...raw,
      cp: float32([7, 1], [2, 1]),
      site: new ort.Tensor('string', ['Bern', 'Basel'], [2, 1]),
    })
    const rows = [numbers(design).slice(0, columns.length), numbers(design).slice(columns.length)]
    expect([4, 5, 6, 10, 11].map((i) => rows[0]?.[i])).toEqual([NaN, NaN, NaN, NaN, NaN])
    expect([4, 5, 6, 10, 11].map((i) => rows[1]?.[i])).toEqual([0, 0, 0, 0, 0])
  })
})

describe('standardisation', () => {
  test('subtracts the mean and divides by the deviation, by 1 in a constant column; the mean stands in where the study says so', async () => {
    const { standardised } = await runModel(standardisationGraph(features, { means, standardDeviations }), {
      design: float32(expected.flat(), [2, columns.length]),
    })
    numbers(standardised).forEach((value, k) => {
      const i = k % columns.length
      const x = expected.flat()[k] as number
      const z = (x - (means[i] as number)) / (standardDeviations[i] || 1)
      const wanted = columns[i] === 'chol' && Number.isNaN(x) ? 0 : z
      if (Number.isNaN(wanted)) expect(value).toBeNaN()
      else expect(value).toBeCloseTo(wanted, 5)
    })
  })

  test.for([
    { what: 'too few means', means: [1], standardDeviations, code: 'shape-mismatch' },
    {
      what: 'a deviation below zero',
      means,
      standardDeviations: standardDeviations.with(0, -1),
      code: 'invalid-argument',
    },
    {
      what: 'a mean that is no number',
      means: means.with(2, Number.NaN),
      standardDeviations,
      code: 'invalid-argument',
    },
  ])('refuses $what', ({ means, standardDeviations, code }) => {
    expect(() => standardisationGraph(features, { means, standardDeviations })).toThrow(
      expect.objectContaining({ code }),
    )
  })
})

describe('evaluation', () => {
  test.for<{ loss: Loss; outputs: number; labels: number[] }>([
    { loss: 'binary-cross-entropy', outputs: 1, labels: [1, 0, 1] },
    { loss: 'cross-entropy', outputs: 3, labels: [2, 0, 1] },
    { loss: 'mean-squared-error', outputs: 1, labels: [0.5, -1, 2] },
  ])('gives scores and losses row by row: $loss', async ({ loss, outputs, labels }) => {
    const forward = zooModel(
      { from: 'zoo', name: 'multi-layer-perceptron', hidden: [5], activation: 'tanh' },
      { features: 4, outputs },
    )
    const layout = parameterLayout(forward)
    const parameters = initialParameters(forward, layout, 3)
    const random = seeded(4)
    const rows = labels.map(() => Array.from({ length: 4 }, () => Math.fround(random() * 2 - 1)))
    const results = await runModel(evaluationGraph({ forward, layout, loss }), {
      features: float32(rows.flat(), [3, 4]),
      labels: loss === 'cross-entropy' ? int64(labels, [3]) : float32(labels, [3, 1]),
      parameters: float32(parameters, [parameters.length]),
    })
    expect(results.scores?.dims).toEqual(loss === 'cross-entropy' ? [3, 3] : [3])
    const network = { widths: [4, 5, outputs], activation: 'tanh', loss } as const
    rows.forEach((row, i) => {
      const logits = naiveLogits(network, Array.from(parameters), row)
      expect(numbers(results.losses)[i]).toBeCloseTo(naiveLoss(loss, logits, labels[i] as number), 5)
    })
  })
})

describe('the exported model', () => {
  const labels: Record<Loss, Label> = {
    'binary-cross-entropy': { name: 'disease', type: 'binary' },
    'cross-entropy': { name: 'stage', type: 'category', levels: ['none', 'mild', 'severe'] },
    'mean-squared-error': { name: 'days', type: 'number', range: [0, 400] },
  }
  test.for<{ loss: Loss; outputs: number; output: string; by: Study['standardisation'] }>([
    { loss: 'binary-cross-entropy', outputs: 1, output: 'probability', by: 'federated' },
    { loss: 'binary-cross-entropy', outputs: 1, output: 'probability', by: 'none' },
    { loss: 'cross-entropy', outputs: 3, output: 'probabilities', by: 'per-site' },
    { loss: 'mean-squared-error', outputs: 1, output: 'prediction', by: 'federated' },
  ])(
    'gives on raw features what preprocessing and evaluation give: $loss, standardisation: $by',
    async ({ loss, outputs, output, by }) => {
      const forward = zooModel(
        { from: 'zoo', name: 'multi-layer-perceptron', hidden: [6], activation: 'relu' },
        { features: columns.length, outputs },
      )
      const layout = parameterLayout(forward)
      const parameters = initialParameters(forward, layout, 11)
      const rows = 20
      const inputs =
        by === 'none' ? { ...rawRows(rows), chol: float32(new Array(rows).fill(200), [rows, 1]) } : rawRows(rows)
      const standardisation = { means, standardDeviations }
      const { design } = await runModel(designGraph(features), inputs)
      const scaled =
        by !== 'none'
          ? (await runModel(standardisationGraph(features, standardisation), { design: design as ort.Tensor }))
              .standardised
          : design
      const { scores } = await runModel(evaluationGraph({ forward, layout, loss }), {
        features: scaled as ort.Tensor,
        labels:
          loss === 'cross-entropy'
            ? int64(new Array(rows).fill(0), [rows])
            : float32(new Array(rows).fill(0), [rows, 1]),
        parameters: float32(parameters, [parameters.length]),
      })
      const study = {
        name: 'heart-disease',
        title: 'Heart disease',
        features,
        label: labels[loss],
        loss,
        standardisation: by,
      }
      const exported = exportModel({
        study,
        forward,
        layout,
        parameters,
        ...(by === 'federated' ? { standardisation } : {}),
      })
      const session = await ort.InferenceSession.create(encodeModel(exported))
      const own = {
        standardisation_means: float32(means, [1, columns.length]),
        standardisation_deviations: float32(standardDeviations, [1, columns.length]),
      }
      const results = await session.run(by === 'per-site' ? { ...inputs, ...own } : inputs)
      const given = numbers(results[output])
      expect(given.length).toBe(rows * (loss === 'cross-entropy' ? 3 : 1))
      expect(given.every(Number.isFinite)).toBe(true)
      given.forEach((value, i) => {
        expect(Math.abs(value - (numbers(scores)[i] as number))).toBeLessThanOrEqual(
          1e-6 * Math.max(1, Math.abs(value)),
        )
      })
      if (loss === 'cross-entropy') {
        const best = Array.from({ length: rows }, (_, i) => given.slice(3 * i, 3 * i + 3)).map((row) =>
          row.indexOf(Math.max(...row)),
        )
        expect(results.predicted?.data).toEqual(best.map((i) => ['none', 'mild', 'severe'][i]))
      }
    },
  )

  test('says what it is: study, label, features and their units', () => {
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: columns.length, outputs: 1 })
    const layout = parameterLayout(forward)
    const study = {
      name: 'heart-disease',
      title: 'Heart disease',
      features,
      label: labels['binary-cross-entropy'],
      loss: 'binary-cross-entropy' as const,
      standardisation: 'none' as const,
    }
    const exported = decodeModel(
      encodeModel(exportModel({ study, forward, layout, parameters: new Float32Array(columns.length + 1) })),
    )
    expect(exported.doc).toBe('Heart disease: disease from 8 features, trained by federated averaging.')
    expect(exported.metadata?.study).toBe('heart-disease')
    expect(JSON.parse(exported.metadata?.features ?? '')).toEqual(features)
    expect(exported.graph.inputs.map(({ name, doc }) => `${name}: ${doc}`)).toEqual([
      'age: a number in years, from 0 to 120',
      'chol: a number in mg/dl',
      'oldpeak: a number',
      'exang: 1 for yes, 0 for no',
      'cp: one of 1, 2, 3, 4',
      'slope: one of 1, 2, 3',
      'site: one of Basel, Zürich, Genève',
      'sex: one of f, m',
    ])
  })

  test('of a study that standardises is not made without the means, nor with them of one that does not', () => {
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: columns.length, outputs: 1 })
    const layout = parameterLayout(forward)
    const parameters = new Float32Array(columns.length + 1)
    const study = {
      name: 's',
      title: 't',
      features,
      label: labels['binary-cross-entropy'],
      loss: 'binary-cross-entropy' as const,
    }
    const attempt = (by: Study['standardisation'], given?: Standardisation) => () =>
      exportModel({
        study: { ...study, standardisation: by },
        forward,
        layout,
        parameters,
        ...(given ? { standardisation: given } : {}),
      })
    expect(attempt('federated')).toThrow(/means and deviations are missing in its export/)
    expect(attempt('none', { means, standardDeviations })).toThrow(/means and deviations have no place/)
  })

  test('names numbered classes by their numbers', async () => {
    const one = features.slice(0, 1)
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 1, outputs: 2 })
    const layout = parameterLayout(forward)
    const study = {
      name: 's',
      title: 't',
      features: one,
      label: { name: 'grade', type: 'category' as const, levels: [10, 20] },
      loss: 'cross-entropy' as const,
      standardisation: 'none' as const,
    }
    const exported = exportModel({ study, forward, layout, parameters: Float32Array.of(-1, 1, 0, 0) })
    const { predicted } = await runModel(exported, { age: float32([-5, 5], [2, 1]) })
    expect(numbers(predicted)).toEqual([10, 20])
  })
})

describe('a model that PyTorch exported', () => {
  const fixture = (name: string): Model =>
    checkForwardGraph(new Uint8Array(readFileSync(`${import.meta.dirname}/fixtures/${name}.onnx`)))
  const random = seeded(8)
  const rows = Array.from({ length: 24 }, () => Math.fround(2 * random() - 1))

  test.for([
    { name: 'pytorch-legacy', loss: 'binary-cross-entropy', output: 'probability', closing: 'ends in a Sigmoid' },
    { name: 'pytorch-mlp', loss: 'cross-entropy', output: 'y', closing: 'ends in logits' },
  ] as const)('is evaluated as it would evaluate itself: one that $closing', async ({ name, loss, output }) => {
    const forward = fixture(name)
    const layout = parameterLayout(forward)
    const parameters = readParameters(forward, layout)
    const own = numbers((await runModel(forward, { x: float32(rows, [6, 4]) }))[output])
    const { scores } = await runModel(evaluationGraph({ forward, layout, loss }), {
      features: float32(rows, [6, 4]),
      labels: loss === 'cross-entropy' ? int64(new Array(6).fill(0), [6]) : float32(new Array(6).fill(0), [6, 1]),
      parameters: float32(parameters, [parameters.length]),
    })
    const wanted =
      loss === 'cross-entropy' ? Array.from({ length: 6 }, (_, i) => softmax(own.slice(3 * i, 3 * i + 3))).flat() : own
    numbers(scores).forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i] as number, 6)
    })
  })

  test('trains: its loss on two rows falls below a hundredth', async () => {
    const forward = fixture('pytorch-mlp')
    const layout = parameterLayout(forward)
    const { model, optimizerStateLength } = trainingStep({
      forward,
      layout,
      loss: 'cross-entropy',
      optimizer: { name: 'adam', learningRate: 0.05, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      batchSize: 2,
      features: 4,
    })
    const parameters = readParameters(forward, layout)
    const session = await openModel(model)
    const results = await session.run({
      features: float32(rows, [6, 4]),
      labels: int64([0, 1, 2, 0, 1, 2], [6]),
      order: int64(
        Array.from({ length: 200 }, (_, i) => i % 2),
        [100, 2],
      ),
      mask: float32(new Array(200).fill(1), [100, 2]),
      learning_rate: float32([0.05], []),
      step: int64([0], []),
      parameters: float32(parameters, [parameters.length]),
      optimizer_state: float32(new Float32Array(optimizerStateLength), [optimizerStateLength]),
    })
    expect(numbers(results.losses)[0]).toBeGreaterThan(0.3)
    expect(numbers(results.losses).at(-1)).toBeLessThan(0.01)
  })
})

function rawRows(count: number): Record<string, ort.Tensor> {
  const random = seeded(21)
  const pick = <Item>(items: readonly Item[]) =>
    Array.from({ length: count }, () => items[Math.floor(random() * items.length)] as Item)
  const column = (values: number[]) => float32(values, [count, 1])
  return {
    age: column(pick([30, 45, 61, 77])),
    chol: column(pick([180, 233, 310, Number.NaN])),
    oldpeak: column(pick([0, 1.5, Number.NaN])),
    exang: column(pick([0, 1, Number.NaN])),
    cp: column(pick([1, 2, 3, 4])),
    slope: column(pick([1, 2, 3, Number.NaN])),
    site: new ort.Tensor('string', pick(['Basel', 'Zürich', 'Genève']), [count, 1]),
    sex: new ort.Tensor('string', pick(['f', 'm', '']), [count, 1]),
  }
}

function softmax(logits: readonly number[]): number[] {
  const total = logits.reduce((sum, z) => sum + Math.exp(z), 0)
  return logits.map((z) => Math.exp(z) / total)
}
