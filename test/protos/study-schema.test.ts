/** The study's schema and the reader of `study.yaml`: good studies pass with their defaults, bad ones say where and why. */
import { planBytesMax } from '@consilium/protos/limits.ts'
import { readStudyFile } from '@consilium/protos/plan/read-study-file.ts'
import { designColumns, studySchema } from '@consilium/protos/plan/study.ts'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { aStudy } from '../support/a-study.ts'

const good = `name: heart-disease
title: Heart disease in four hospitals
model:
  from: zoo
  name: logistic-regression
features:
  - name: age
    type: number
    range: [0, 120]
  - { name: cp, type: category, levels: [1, 2, 3, 4] }
label: { name: disease, type: binary }
loss: binary-cross-entropy
optimizer: { name: sgd, learningRate: 0.01 }
localTraining: { steps: 100, batchSize: 4 }
rounds: 15
`

function refusal(text: string): string {
  try {
    readStudyFile(Buffer.from(text), 'study.yaml')
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid-study' })
    return (error as Error).message
  }
  throw new Error('this study was accepted')
}

describe('a study file', () => {
  test('gains every default it leaves out', () => {
    expect(readStudyFile(Buffer.from(good), 'study.yaml')).toEqual({
      name: 'heart-disease',
      title: 'Heart disease in four hospitals',
      description: '',
      model: { from: 'zoo', name: 'logistic-regression' },
      features: [
        { name: 'age', type: 'number', range: [0, 120], missing: 'drop-row' },
        { name: 'cp', type: 'category', levels: [1, 2, 3, 4], encoding: 'one-hot-drop-first', missing: 'drop-row' },
      ],
      label: { name: 'disease', type: 'binary' },
      loss: 'binary-cross-entropy',
      optimizer: { name: 'sgd', learningRate: 0.01 },
      localTraining: { steps: 100, batchSize: 4 },
      initialParameters: { seed: 0 },
      seed: 0,
      updateNormMax: 100,
      standardisation: 'federated',
      rounds: 15,
      cohort: { min: 3, quorum: 3 },
      aggregation: { mode: 'secure', weights: 'bucket', weightMax: 65_536 },
      deadlines: {
        recruitMs: 30_000,
        workMs: 1_800_000,
        uploadMs: 300_000,
        keysMs: 60_000,
        absentMs: 30_000,
        makeUpMs: 604_800_000,
      },
      split: { by: 'hash', key: 'patient_id', testFraction: 0.2 },
      evaluation: { bins: 64, everyRounds: 1 },
    })
  })

  test('has what whoever signs it fills in where the file is silent: how many sites, how long the last evaluation waits', () => {
    const defaults = { planned: 5, makeUpMs: 60_000 }
    const silent = readStudyFile(Buffer.from(good), 'study.yaml', defaults)
    expect(silent).toMatchObject({ cohort: { planned: 5 }, deadlines: { makeUpMs: 60_000, keysMs: 60_000 } })
    const spoken = readStudyFile(Buffer.from(`${good}\ndeadlines: { makeUpMs: 1000 }\n`), 'study.yaml', defaults)
    expect(spoken.deadlines.makeUpMs).toBe(1000)
  })

  test('may be JSON, which is YAML too', () => {
    expect(readStudyFile(Buffer.from(JSON.stringify(aStudy)), 'study.json')).toEqual(studySchema.parse(aStudy))
  })

  const mistakes: readonly (readonly [string, string, string, string])[] = [
    [
      'an unknown key',
      'rounds: 15',
      'rounds: 15\nround: 3',
      'study.yaml:16:1 round: unknown key; allowed here: name, title',
    ],
    [
      'an unknown key of a feature',
      '[0, 120]',
      '[0, 120]\n    units: years',
      'study.yaml:10:5 features[0].units: unknown key; allowed here: name, type, unit, range, missing',
    ],
    [
      'an unknown key of the optimizer named',
      'learningRate: 0.01',
      'learningRate: 0.01, momentum: 0.9',
      'study.yaml:13:45 optimizer.momentum: unknown key; allowed here: name, learningRate',
    ],
    [
      'an unknown feature type',
      'type: number',
      'type: integer',
      'study.yaml:8:11 features[0].type: expected "number" or "boolean" or "category"',
    ],
    [
      'an unknown model',
      'name: logistic-regression',
      'name: resnet',
      'study.yaml:5:9 model.name: expected "logistic-regression" or "multi-layer-perceptron"',
    ],
    [
      'a number that is text',
      'steps: 100',
      'steps: many',
      'study.yaml:14:25 localTraining.steps: expected number, received string',
    ],
    ['no rounds at all', 'rounds: 15', 'rounds: 0', 'study.yaml:15:9 rounds: expected number to be >=1'],
    [
      'a name with a space',
      'name: heart-disease',
      'name: Heart disease',
      'study.yaml:1:7 name: expected lower-case letters, digits and hyphens',
    ],
    ['a learning rate of zero', '0.01', '0', 'study.yaml:13:39 optimizer.learningRate: expected number to be >0'],
    [
      'a missing title',
      'title: Heart disease in four hospitals\n',
      '',
      'study.yaml:1:1 title: missing, expected string',
    ],
    [
      'a loss that does not go with the label',
      'loss: binary-cross-entropy',
      'loss: mean-squared-error',
      'study.yaml:12:7 loss: a binary label goes with binary-cross-entropy',
    ],
    [
      'a column named twice',
      'name: age',
      'name: disease',
      'study.yaml:7:11 features[0].name: the column disease is named twice',
    ],
    [
      'a range upside down',
      '[0, 120]',
      '[120, 0]',
      'study.yaml:9:12 features[0].range: the lower end must be below the upper end',
    ],
    [
      'a level listed twice',
      '[1, 2, 3, 4]',
      '[1, 2, 2, 4]',
      'study.yaml:10:41 features[1].levels: a level is listed twice',
    ],
    ['levels of two kinds', '[1, 2, 3, 4]', '[1, two]', 'features[1].levels[1]: expected number, received string'],
    [
      'a missing value that is no level',
      '3, 4] }',
      '3, 4], missing: { level: 9 } }',
      'features[1].missing.level: not one of the levels',
    ],
    [
      'an unknown rule for missing values',
      '[0, 120]',
      '[0, 120]\n    missing: median',
      'study.yaml:10:14 features[0].missing: expected "drop-row" or "mean", or expected object',
    ],
    [
      'a quorum above the cohort',
      'rounds: 15',
      'rounds: 15\ncohort: { min: 3, quorum: 4 }',
      'cohort.quorum: the quorum cannot exceed cohort.min',
    ],
    [
      'a secure sum of two sites',
      'rounds: 15',
      'rounds: 15\ncohort: { min: 2, quorum: 2 }',
      'study.yaml:16:16 cohort.min: a secure sum hides a site among at least 3',
    ],
    [
      'weights of an unknown kind',
      'rounds: 15',
      'rounds: 15\naggregation: { mode: secure, weights: rows }',
      'study.yaml:16:39 aggregation.weights: expected "uniform" or "bucket" or "exact"',
    ],
    [
      'a largest weight for updates that are sealed',
      'rounds: 15',
      'rounds: 15\naggregation: { mode: sealed, weightMax: 10 }',
      'study.yaml:16:30 aggregation.weightMax: unknown key; allowed here: mode',
    ],
    [
      'a zoo model with parameters of its own',
      'rounds: 15',
      'rounds: 15\ninitialParameters: from-model',
      'initialParameters: a zoo model has no parameters of its own',
    ],
    [
      'a mean to fill in where none is computed',
      'range: [0, 120]\n  - { name: cp, type: category, levels: [1, 2, 3, 4] }',
      'missing: mean\nstandardisation: none',
      'study.yaml:9:14 features[0].missing: there is no mean to fill in where standardisation is none',
    ],
    ['a key twice', 'rounds: 15', 'rounds: 15\nrounds: 16', 'study.yaml:16:1 this key stands in its map twice'],
    ['a list that is not closed', '[0, 120]', '[0, 120', 'study.yaml:'],
    ['a tag', 'rounds: 15', 'rounds: !!js/function 15', 'study.yaml:15:9 Unresolved tag'],
    ['a second document', 'rounds: 15', 'rounds: 15\n---\nrounds: 16', 'study.yaml:16:1 the file holds one document'],
  ]

  test.for(mistakes)('with %s says where it stands and what is allowed', ([, from, to, message]) => {
    expect(good).toContain(from)
    expect(refusal(good.replace(from, to))).toContain(message)
  })

  test('lists several mistakes in the order of its lines', () => {
    const message = refusal(good.replace('rounds: 15', 'rounds: -1').replace('type: number', 'type: text'))
    expect(message).toMatch(/^study\.yaml has 2 mistakes:\n {2}study\.yaml:8:11 .*\n {2}study\.yaml:15:9 .*$/)
  })

  test('with very many mistakes lists twenty', () => {
    const features = Array.from({ length: 50 }, (_, i) => ({ name: `f${i}`, type: 'text' }))
    const message = refusal(stringify({ ...aStudy, features }))
    expect(message.split('\n')).toHaveLength(22)
    expect(message).toContain('and 30 more')
  })

  test.for([
    ['is empty', Buffer.from(''), 'invalid-study'],
    ['is a list', Buffer.from('- 1'), 'invalid-study'],
    ['is not UTF-8', Buffer.from([0x6e, 0x61, 0xff]), 'invalid-study'],
    ['is too long', Buffer.alloc(planBytesMax + 1, '#'), 'limit-exceeded'],
    [
      'grows beyond bounds by its aliases',
      Buffer.from(
        `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]`,
      ),
      'invalid-study',
    ],
  ] as const)('that %s is refused', ([, bytes, code]) => {
    expect(() => readStudyFile(bytes, 'study.yaml')).toThrow(expect.objectContaining({ code }))
  })
})

describe('a study', () => {
  const fullAggregation = { mode: 'secure', weights: 'exact', weightMax: 2 ** 24, colluders: 2, survivorsMin: 6 }
  const changes: readonly (readonly [string, object])[] = [
    ['a multi-layer perceptron', { model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [16, 8] } }],
    [
      'an ONNX file and its own parameters',
      { model: { from: 'onnx', path: 'net.onnx' }, initialParameters: 'from-model' },
    ],
    ['epochs over all rows at once', { localTraining: { epochs: 3, batchSize: 'full' } }],
    ['a number to predict', { label: { name: 'y', type: 'number', range: [0, 9] }, loss: 'mean-squared-error' }],
    [
      'one of three classes to predict',
      { label: { name: 'y', type: 'category', levels: ['a', 'b', 'c'] }, loss: 'cross-entropy' },
    ],
    ['Adam', { optimizer: { name: 'adam', learningRate: 0.001 } }],
    ['a split by a column', { split: { by: 'column', column: 'split' } }],
    ['two sites, where each update is sealed', { cohort: { min: 2, quorum: 1 }, aggregation: { mode: 'sealed' } }],
    ['the thresholds and weights of its secure sum', { aggregation: fullAggregation }],
  ]
  test.for(changes)('may name %s', ([, change]) => {
    const study = studySchema.parse({ ...aStudy, ...change })
    expect(studySchema.parse(study)).toEqual(study)
  })

  const wrong: readonly (readonly [string, object])[] = [
    ['no features', { features: [] }],
    ['a column that SQL would have to quote', { features: [{ name: 'a b', type: 'number' }] }],
    ['a perceptron without layers', { model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [] } }],
    ['both steps and epochs', { localTraining: { steps: 1, epochs: 1, batchSize: 1 } }],
    ['half a batch', { localTraining: { steps: 1, batchSize: 0.5 } }],
    ['an infinite clip', { updateNormMax: Number.POSITIVE_INFINITY }],
    ['a learning rate that is no number', { optimizer: { name: 'sgd', learningRate: Number.NaN } }],
    ['a seed beyond 32 bits', { seed: 2 ** 32 }],
    ['a category with one level', { features: [{ name: 'a', type: 'category', levels: [1] }] }],
    [
      'a class listed twice, which would be two outputs for one class',
      { label: { name: 'y', type: 'category', levels: ['a', 'b', 'a'] }, loss: 'cross-entropy' },
    ],
    [
      'a number to predict from a range upside down',
      { label: { name: 'y', type: 'number', range: [1, 0] }, loss: 'mean-squared-error' },
    ],
    ['a number to predict of no range', { label: { name: 'y', type: 'number' }, loss: 'mean-squared-error' }],
    ['only test rows', { split: { by: 'hash', key: 'id', testFraction: 1 } }],
    ['one bin', { evaluation: { bins: 1 } }],
    ['a cohort of 256', { cohort: { min: 256 } }],
    ['a required site twice', { cohort: { require: ['basel', 'basel'] } }],
    ['no required site', { cohort: { require: [] } }],
    ['a required site of no name', { cohort: { require: ['Basel!'] } }],
    ['a secure sum of two sites', { cohort: { min: 2, quorum: 2 } }],
    ['two survivors', { aggregation: { ...fullAggregation, survivorsMin: 2 } }],
    ['fewer than no colluders', { aggregation: { ...fullAggregation, colluders: -1 } }],
    ['a weight of nothing', { aggregation: { ...fullAggregation, weightMax: 0 } }],
    ['a weight that 255 sites overflow', { aggregation: { ...fullAggregation, weightMax: 2 ** 24 + 1 } }],
    ['aggregation in the clear', { aggregation: { mode: 'plain' } }],
    ['no time for the keys', { deadlines: { keysMs: 0 } }],
  ]
  test.for(wrong)('may not have %s', ([, change]) => {
    expect(studySchema.safeParse({ ...aStudy, ...change }).success).toBe(false)
  })
})

test('features expand to design columns: one each, and one for every level but the first of a category', () => {
  const { features } = studySchema.parse({
    ...aStudy,
    features: [...aStudy.features, { name: 'sex', type: 'category', levels: ['f', 'm'], encoding: 'one-hot' }],
  })
  expect(designColumns(features)).toEqual(['age', 'exang', 'cp_2', 'cp_3', 'cp_4', 'sex_f', 'sex_m'])
})
