/** The trainer as the agent sees it: a real child process on small and real data. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { graphBuilder } from '@consilium/models/onnx/builder.ts'
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { type Model, modelOf } from '@consilium/models/onnx/graph.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { systemClock } from '@consilium/protos/clock.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { runRows } from '../../../site-agent/train/local-evaluation.ts'
import { openLocalTrainer } from '../../../site-agent/train/local-trainer.ts'
import { startTrainer, trainerStarter } from '../../../site-agent/train/start-trainer.ts'
import type { EvaluateRequest, Trainer } from '../../../site-agent/train/trainer.ts'
import { gradientDescent } from '../../support/logistic-regression.ts'
import { aCsvSite, aSmallStudy, keysOfTests } from '../a-site.ts'
import { aStudyOfAModel, type StudyOfAModel } from '../a-study-of-a-model.ts'

const columns = { a: 'DOUBLE', b: 'DOUBLE', y: 'BIGINT', side: 'VARCHAR' }
const features: StudyInput['features'] = [
  { name: 'a', type: 'number' },
  { name: 'b', type: 'number' },
]
/** 23 training and 5 test rows that no line separates. */
const rows = Array.from({ length: 28 }, (_, i) => ({
  a: ((i * 7) % 11) / 5 - 1,
  b: ((i * 5) % 13) / 6 - 1,
  y: Number((i * 7) % 11 > (i * 3) % 10),
  side: i < 23 ? 'train' : 'test',
}))
const csvOf = (all: readonly Record<string, unknown>[]) =>
  [Object.keys(all[0]!), ...all.map(Object.values)].map((line) => line.join(',')).join('\n')

const never = new AbortController().signal
const trainers: Trainer[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(trainers.splice(0).map((trainer) => trainer.stop()))
})

type Started = StudyOfAModel & { readonly trainer: Trainer }

async function started(
  changes: Partial<StudyInput> = {},
  csv = csvOf(rows),
  types: Readonly<Record<string, string>> = columns,
  start = startTrainer,
): Promise<Started> {
  const study = aStudyOfAModel(aSmallStudy({ features, standardisation: 'none', ...changes }))
  const trainer = await start({ keys: keysOfTests, siteConfigPath: aCsvSite(csv, types), signal: never, ...study })
  trainers.push(trainer)
  return { ...study, trainer }
}

/** The same trainer without the process around it, where only its arithmetic counts. */
function here(changes: Partial<StudyInput>, csv?: string, types?: Readonly<Record<string, string>>): Promise<Started> {
  return started(changes, csv, types, (options) => openLocalTrainer({ ...options, now: () => performance.now() }))
}

function requestFor(parameters: Float32Array, changes: Partial<EvaluateRequest> = {}): EvaluateRequest {
  return { parameters, onProgress: () => undefined, signal: new AbortController().signal, ...changes }
}

describe('training', () => {
  test('by full-batch steps is gradient descent on the training rows, to 1e-6 per parameter', async () => {
    const { trainer, parameters } = await started({ localTraining: { steps: 1, batchSize: 'full' } })
    let local = parameters
    for (let round = 1; round <= 100; round++) {
      const { update } = await trainer.train({ ...requestFor(local), round })
      local = local.map((value, i) => value + update[i]!)
    }
    const training = rows.filter(({ side }) => side === 'train')
    const central = gradientDescent(
      { features: training.map(({ a, b }) => [a, b]), labels: training.map(({ y }) => y) },
      0.1,
      100,
    )
    const expected = [...central.weights, central.bias]
    for (const [i, value] of local.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6)
  })

  test('gives the same bits for the same round, others for another, in this process and in a fresh one', async () => {
    const [one, two] = [await started(), await started()]
    const first = await one.trainer.train({ ...requestFor(one.parameters), round: 1 })
    const other = await one.trainer.train({ ...requestFor(one.parameters), round: 2 })
    const again = await one.trainer.train({ ...requestFor(one.parameters), round: 1 })
    const fresh = await two.trainer.train({ ...requestFor(two.parameters), round: 1 })
    expect(again).toEqual(first)
    expect(fresh).toEqual(first)
    expect(other.update).not.toEqual(first.update)
    expect(first).toMatchObject({ examples: 23, steps: 10 })
  })

  test.for([
    ['full epochs with a ragged last batch', { epochs: 3, batchSize: 4 }, 18],
    ['steps that end within an epoch', { steps: 7, batchSize: 5 }, 7],
    ['a batch larger than the site', { epochs: 2, batchSize: 1000 }, 2],
  ] as const)('runs %s', async ([, localTraining, steps]) => {
    const { trainer, parameters } = await here({ localTraining: { ...localTraining } })
    const seen: [number, number][] = []
    const onProgress = (done: number, total: number) => seen.push([done, total])
    const result = await trainer.train({ ...requestFor(parameters, { onProgress }), round: 1 })
    expect(result.steps).toBe(steps)
    expect(seen.at(-1)).toEqual([steps, steps])
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a - b))
  })

  test.for([
    { name: 'momentum', learningRate: 0.05 },
    { name: 'adam', learningRate: 0.05 },
  ] as const)('with $name starts each round with a fresh optimizer state and lowers the loss', async (optimizer) => {
    const { trainer, parameters } = await here({ optimizer, localTraining: { epochs: 20, batchSize: 4 } })
    const first = await trainer.train({ ...requestFor(parameters), round: 1 })
    expect(await trainer.train({ ...requestFor(parameters), round: 1 })).toEqual(first)
    const trained = parameters.map((value, i) => value + first.update[i]!)
    const next = await trainer.train({ ...requestFor(trained), round: 1 })
    expect(next.loss).toBeLessThan(first.loss)
  })

  test('of a perceptron on a category of texts and three classes beats guessing', async () => {
    const csv = csvOf(
      Array.from({ length: 60 }, (_, i) => ({
        a: i % 2,
        kind: ['red', 'green', 'blue'][i % 3],
        y: i % 3,
        side: i < 45 ? 'train' : 'test',
      })),
    )
    const { trainer, parameters } = await here(
      {
        model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [8] },
        features: [
          { name: 'a', type: 'boolean' },
          { name: 'kind', type: 'category', levels: ['red', 'green', 'blue'] },
        ],
        label: { name: 'y', type: 'category', levels: [0, 1, 2] },
        loss: 'cross-entropy',
        optimizer: { name: 'adam', learningRate: 0.05 },
        localTraining: { epochs: 30, batchSize: 8 },
      },
      csv,
      { a: 'BIGINT', kind: 'VARCHAR', y: 'BIGINT', side: 'VARCHAR' },
    )
    const { update } = await trainer.train({ ...requestFor(parameters), round: 1 })
    const result = await trainer.evaluate(requestFor(parameters.map((value, i) => value + update[i]!)))
    expect(result).toMatchObject({ examples: 15, correct: 15 })
    expect(result.histogram).toHaveLength(0)
  })

  test('of a number comes close to the line it lies on', async () => {
    const csv = csvOf(rows.map((row) => ({ ...row, y: 2 * row.a - row.b + 0.5 })))
    const { trainer, parameters } = await here(
      {
        label: { name: 'y', type: 'number', range: [-10, 10] },
        loss: 'mean-squared-error',
        localTraining: { epochs: 200, batchSize: 4 },
      },
      csv,
      { ...columns, y: 'DOUBLE' },
    )
    const { update } = await trainer.train({ ...requestFor(parameters), round: 1 })
    const trained = parameters.map((value, i) => value + update[i]!)
    for (const [i, value] of [2, -1, 0.5].entries()) expect(trained[i]).toBeCloseTo(value, 3)
    const result = await trainer.evaluate(requestFor(trained))
    expect(result).toMatchObject({ examples: 5, correct: 0 })
    expect(result.lossSum).toBeLessThan(1e-4)
  })

  test('that diverges ends with its last finite step, as if it had been asked for so many, however it is cut', async () => {
    const growing = (steps: number): Partial<StudyInput> => ({
      label: { name: 'y', type: 'number', range: [0, 1] },
      loss: 'mean-squared-error',
      optimizer: { name: 'sgd', learningRate: 100 },
      localTraining: { steps, batchSize: 4 },
    })
    const { trainer, parameters } = await here(growing(500), csvOf(rows), { ...columns, y: 'DOUBLE' })
    const ended = await trainer.train({ ...requestFor(parameters), round: 1 })
    expect(ended.steps).toBeGreaterThan(2)
    expect(ended.steps).toBeLessThan(500)
    expect(ended.update.every(Number.isFinite)).toBe(true)
    const asked = await here(growing(ended.steps), csvOf(rows), { ...columns, y: 'DOUBLE' })
    const { update, steps } = await asked.trainer.train({ ...requestFor(parameters), round: 1 })
    expect({ update, steps }).toEqual({ update: ended.update, steps: ended.steps })
  })

  test('that diverges in its first step is refused with its cause, and the trainer goes on', async () => {
    const { trainer, parameters } = await started(
      { optimizer: { name: 'sgd', learningRate: 1000 } },
      csvOf(rows.map((row) => ({ ...row, a: row.a * 1e36 }))),
    )
    await expect(trainer.train({ ...requestFor(parameters), round: 4 })).rejects.toMatchObject({
      code: 'update-invalid',
      message: expect.stringMatching(/diverged in round 4.*lower the learning rate/),
    })
    expect((await trainer.evaluate(requestFor(parameters))).examples).toBe(5)
  })

  test.for([
    ['of another length', Float32Array.of(1), 'shape-mismatch'],
    ['that are not finite', Float32Array.of(1, Number.NaN, 1), 'update-invalid'],
  ] as const)('from parameters %s is refused', async ([, parameters, code]) => {
    const { trainer } = await here({})
    await expect(trainer.train({ ...requestFor(parameters), round: 1 })).rejects.toMatchObject({ code })
  })
})

describe('evaluation', () => {
  test('counts every test row once, the negative in the first half of the histogram', async () => {
    const { trainer } = await here({ evaluation: { bins: 4 } })
    const parameters = Float32Array.of(3, -3, 0)
    const result = await trainer.evaluate(requestFor(parameters))
    const expected = new Float64Array(8)
    let [correct, lossSum] = [0, 0]
    for (const { a, b, y } of rows.filter(({ side }) => side === 'test')) {
      const p = 1 / (1 + Math.exp(-(3 * a - 3 * b)))
      expected[4 * y + Math.min(3, Math.floor(4 * p))]! += 1
      correct += Number(p >= 0.5) === y ? 1 : 0
      lossSum -= Math.log(y === 1 ? p : 1 - p)
    }
    expect(result.histogram).toEqual(expected)
    expect(result).toMatchObject({ examples: 5, correct })
    expect(result.lossSum).toBeCloseTo(lossSum, 5)
  })

  test('on no test row reports no example', async () => {
    const { trainer, parameters } = await here(
      { evaluation: { bins: 4 } },
      csvOf(rows.map((row) => ({ ...row, side: 'train' }))),
    )
    const nothing = { examples: 0, lossSum: 0, correct: 0, histogram: new Float64Array(8) }
    expect(await trainer.evaluate(requestFor(parameters))).toEqual(nothing)
  })
})

describe('a trainer', () => {
  test('called off between chunks rejects at once and serves the next request the same', async () => {
    const { trainer, parameters } = await started({ localTraining: { steps: 200_000, batchSize: 4 } })
    const controller = new AbortController()
    const onProgress = () => controller.abort()
    const request = requestFor(parameters, { onProgress, signal: controller.signal })
    await expect(trainer.train({ ...request, round: 1 })).rejects.toMatchObject({ code: 'cancelled' })
    await expect(trainer.train({ ...request, round: 1 })).rejects.toMatchObject({ code: 'cancelled' })
    expect((await trainer.statistics(requestFor(parameters))).examples).toBe(23)
  })

  test('that was stopped refuses further work', async () => {
    const { trainer, parameters } = await started()
    await trainer.stop()
    await trainer.stop()
    await expect(trainer.train({ ...requestFor(parameters), round: 1 })).rejects.toMatchObject({ code: 'cancelled' })
  })

  test('stopped in mid-training rejects whoever waits', async () => {
    const { trainer, parameters } = await started({ localTraining: { steps: 5_000_000, batchSize: 4 } })
    const request = requestFor(parameters, { onProgress: () => void trainer.stop() })
    await expect(trainer.train({ ...request, round: 1 })).rejects.toMatchObject({ code: 'cancelled' })
  })

  test('answers requests one after the other, each with its own result', async () => {
    const { trainer, parameters } = await started()
    const alone = await Promise.all([
      trainer.train({ ...requestFor(parameters), round: 1 }),
      trainer.evaluate(requestFor(parameters)),
      trainer.train({ ...requestFor(parameters), round: 2 }),
    ])
    expect(await trainer.train({ ...requestFor(parameters), round: 1 })).toEqual(alone[0])
    expect(await trainer.evaluate(requestFor(parameters))).toEqual(alone[1])
    expect(await trainer.train({ ...requestFor(parameters), round: 2 })).toEqual(alone[2])
  })
})

describe('a study that cannot start says why', () => {
  const study = aSmallStudy({ features, standardisation: 'none' })
  const good = aStudyOfAModel(study)
  const start = (given: Partial<StudyOfAModel>, siteConfigPath = aCsvSite(csvOf(rows), columns)) =>
    startTrainer({ keys: keysOfTests, siteConfigPath, signal: never, ...good, ...given })

  test('a truncated graph', async () => {
    const graph = good.graph.slice(0, good.graph.length - 9)
    await expect(start({ graph })).rejects.toMatchObject({ code: 'invalid-onnx' })
  })

  test('an operator outside the list', async () => {
    const model = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 2, outputs: 1 })
    const nodes = model.graph.nodes.map((node) => ({ ...node, op: 'RandomNormalLike', name: 'noise' }))
    const refused: Model = { ...model, graph: { ...model.graph, nodes } }
    await expect(start({ graph: encodeModel(refused) })).rejects.toMatchObject({
      code: 'operator-refused',
      message: expect.stringContaining('RandomNormalLike'),
    })
  })

  test('a layout that is not the graph’s', async () => {
    const manifest = { ...good.manifest, layout: [...good.manifest.layout].reverse() }
    await expect(start({ manifest })).rejects.toMatchObject({ code: 'shape-mismatch' })
  })

  test('a missing column', async () => {
    const path = aCsvSite('a,y,side\n1,0,train\n', { a: 'DOUBLE', y: 'BIGINT', side: 'VARCHAR' })
    await expect(start({}, path)).rejects.toMatchObject({
      code: 'data-missing-column',
      message: expect.stringContaining('needs the column b; the view yields row_number, a, y, side'),
    })
  })

  test('a batch for which its model would need more memory than any machine should give', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['batch', 2])
    const weight = g.initializer({ name: 'w', type: 'float32', dims: [2, 1], data: new Float32Array(2) })
    const wide = g.op('Expand', [g.unsqueeze(g.matmul(x, weight), [1]), g.constant('int64', [1, 2 ** 25, 1])])
    g.output('logits', g.reduceSum(wide, [1], false))
    const wideStudy = aStudyOfAModel(
      { ...study, localTraining: { steps: 1, batchSize: 'full' } },
      modelOf(g.finish('w')),
    )
    const path = aCsvSite(csvOf(Array.from({ length: 80 }, () => rows[0]!)), columns)
    await expect(start(wideStudy, path)).rejects.toMatchObject({
      code: 'limit-exceeded',
      message: expect.stringContaining('the study needs a smaller batchSize'),
    })
    expect(runRows(2 ** 25)).toBe(8)
    expect(runRows(2 ** 30)).toBe(1)
    expect(runRows(10)).toBe(2048)
  })

  test('a design matrix larger than the memory the site gives', async () => {
    const levels = Array.from({ length: 1000 }, (_, i) => i)
    const many = Array.from({ length: 20 }, (_, i) => ({ name: `c${i}`, type: 'category' as const, levels }))
    const path = aCsvSite(
      csvOf(
        Array.from({ length: 500 }, (_, i) => ({
          ...Object.fromEntries(many.map(({ name }) => [name, i])),
          y: i % 2,
          side: 'train',
        })),
      ),
      { ...Object.fromEntries(many.map(({ name }) => [name, 'BIGINT'])), y: 'BIGINT', side: 'VARCHAR' },
    )
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), dataMemoryMebibytes: 64 }))
    await expect(start(aStudyOfAModel(aSmallStudy({ features: many })), path)).rejects.toMatchObject({
      code: 'limit-exceeded',
      message: expect.stringMatching(/^500 rows of 19980 design columns need 77 MiB, over dataMemoryMebibytes/),
    })
  })

  test('an execution provider this machine does not have', async () => {
    const path = aCsvSite(csvOf(rows), columns)
    const config = JSON.parse(readFileSync(path, 'utf8'))
    const executionProvider = process.platform === 'darwin' ? 'dml' : 'coreml'
    writeFileSync(path, JSON.stringify({ ...config, training: { executionProvider } }))
    await expect(start({}, path)).rejects.toMatchObject({
      code: 'invalid-site-config',
      message: expect.stringContaining('change training.executionProvider in site.yaml'),
    })
  })
})

/** Debian's chromium brings a software Vulkan adapter, on which the GPU path runs without a GPU. */
const softwareAdapter = '/usr/lib/chromium/vk_swiftshader_icd.json'

describe.skipIf(!existsSync(softwareAdapter))('on WebGPU', () => {
  async function trainerOn(executionProvider: string, study: StudyOfAModel): Promise<Trainer> {
    vi.stubEnv('VK_ICD_FILENAMES', softwareAdapter)
    vi.stubEnv('LD_LIBRARY_PATH', dirname(softwareAdapter))
    vi.stubEnv('XDG_RUNTIME_DIR', tmpdir())
    const path = aCsvSite(csvOf(rows), columns)
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), training: { executionProvider } }))
    const trainer = await startTrainer({ keys: keysOfTests, siteConfigPath: path, signal: never, ...study })
    trainers.push(trainer)
    return trainer
  }

  test('the update is the same to 1e-5', async () => {
    const study = aStudyOfAModel(aSmallStudy({ features, standardisation: 'none' }))
    const [cpu, gpu] = await Promise.all(
      ['cpu', 'webgpu'].map(async (provider) => {
        const trainer = await trainerOn(provider, study)
        expect(trainer.data.remarks).toEqual([])
        return (await trainer.train({ ...requestFor(study.parameters), round: 1 })).update
      }),
    )
    for (const [i, value] of cpu!.entries()) expect(Math.abs(gpu![i]! - value)).toBeLessThan(1e-5)
  })

  test('a model with operators that it lacks says so among the remarks', async () => {
    const g = graphBuilder()
    const x = g.input('x', 'float32', ['batch', 2])
    const weight = g.initializer({ name: 'w', type: 'float32', dims: [2, 1], data: new Float32Array(2) })
    g.output('logits', g.op('Softsign', [g.matmul(x, weight)]))
    const study = aStudyOfAModel(aSmallStudy({ features, standardisation: 'none' }), modelOf(g.finish('bent')))
    expect((await trainerOn('webgpu', study)).data.remarks).toEqual([
      expect.stringContaining("webgpu lacks some of the model's operators"),
    ])
    expect((await trainerOn('cpu', study)).data.remarks).toEqual([])
  })
})

test('neither an error nor a line of the process tells a value of the data', async () => {
  const lines: string[] = []
  const start = trainerStarter({ onOutput: (line) => lines.push(line), clock: systemClock })
  const study = aStudyOfAModel(aSmallStudy({ features, standardisation: 'none' }))
  const marker = 'PATIENT7f3a'
  const cell = fc.constantFrom(marker, `"${marker}`, '918273645e300', '1', '', 'train')
  const line = fc.array(cell, { minLength: 3, maxLength: 5 }).map((cells) => cells.join(','))
  await fc.assert(
    fc.asyncProperty(line, async (bad) => {
      const csv = `${csvOf(rows)}\n${bad}\n`
      const told = await start({
        keys: keysOfTests,
        siteConfigPath: aCsvSite(csv, columns),
        signal: never,
        ...study,
      }).then(
        (trainer) => trainer.stop().then(() => trainer.data.remarks.join()),
        (error: Error) => `${error.message}\n${error.stack}`,
      )
      expect(`${told}\n${lines.join('\n')}`).not.toMatch(/PATIENT7f3a|918273645/)
    }),
    { numRuns: 6, seed: 1 },
  )
})
