/**
 * Training speed at one thread through the product's own training step, beside eager PyTorch where BENCH_PYTHON names a
 * Python that has torch. The two alternate within one run, so that a machine whose speed drifts treats both alike; the
 * ratio is the median over the rounds.
 */
import { spawn } from 'node:child_process'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { initialParameters, parameterLayout } from '@consilium/models/parameters.ts'
import { trainingStep } from '@consilium/models/train-step.ts'
import { type ZooChoice, zooModel } from '@consilium/models/zoo/index.ts'
import type { Loss, Optimizer } from '@consilium/protos/plan/study.ts'
import * as ort from 'onnxruntime-node'
import type { BenchOptions, BenchResult } from './main.ts'

type Case = {
  readonly name: string
  readonly title: string
  readonly model: ZooChoice
  readonly features: number
  readonly outputs: number
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly batchSize: number
  readonly rows: number
}
/** Trains for about so long; yields samples per second. */
type Contestant = { readonly measure: (seconds: number) => Promise<number> }

const cases: readonly Case[] = [
  {
    name: 'multi-layer-perceptron',
    title: 'MLP 64-128-64-2, momentum, batch 32',
    model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [128, 64], activation: 'relu' },
    features: 64,
    outputs: 2,
    loss: 'cross-entropy',
    optimizer: { name: 'momentum', learningRate: 0.05, momentum: 0.9 },
    batchSize: 32,
    rows: 20_000,
  },
  {
    name: 'logistic-regression',
    title: 'logistic regression, 13 features, SGD, batch 4',
    model: { from: 'zoo', name: 'logistic-regression' },
    features: 13,
    outputs: 1,
    loss: 'binary-cross-entropy',
    optimizer: { name: 'sgd', learningRate: 0.01 },
    batchSize: 4,
    rows: 486,
  },
]

const rounds = 7
const secondsPerRound = 0.7
const stepsPerRun = 500

export async function run({ json }: BenchOptions): Promise<BenchResult> {
  await using torch = await openTorch(process.env.BENCH_PYTHON)
  const rows: Record<string, string | number>[] = []
  for (const benchCase of cases) {
    const ours = await openOurs(benchCase)
    const theirs = torch?.contestant(benchCase.name)
    const [own, other] = await alternate(ours, theirs)
    const ratios = own.map((speed, i) => speed / (other[i] as number))
    rows.push({
      case: benchCase.title,
      samplesPerSecond: Math.round(median(own)),
      microsecondsPerStep: Number(((1e6 * benchCase.batchSize) / median(own)).toFixed(2)),
      ...(theirs
        ? {
            pytorchSamplesPerSecond: Math.round(median(other)),
            ratio: Number(median(ratios).toFixed(2)),
            ratioMin: Number(Math.min(...ratios).toFixed(2)),
            ratioMax: Number(Math.max(...ratios).toFixed(2)),
          }
        : {}),
    })
    if (!json) console.error(`${benchCase.title}: done`)
  }
  const peer = torch ? `PyTorch ${torch.version}, eager` : 'without PyTorch: BENCH_PYTHON names no Python with torch'
  return {
    name: 'train',
    rows,
    notes: [
      `onnxruntime-node at one thread, ${stepsPerRun} steps a run, median of ${rounds} rounds; ${peer}; ${cpus()[0]?.model ?? 'unknown processor'}`,
    ],
  }
}

/** Warms both up, then lets them run in turn. */
async function alternate(ours: Contestant, theirs: Contestant | undefined): Promise<[number[], number[]]> {
  const own: number[] = []
  const other: number[] = []
  await ours.measure(secondsPerRound)
  await theirs?.measure(secondsPerRound)
  for (let round = 0; round < rounds; round++) {
    own.push(await ours.measure(secondsPerRound))
    if (theirs) other.push(await theirs.measure(secondsPerRound))
  }
  return [own, other]
}

async function openOurs({ model, features, outputs, loss, optimizer, batchSize, rows }: Case): Promise<Contestant> {
  const forward = zooModel(model, { features, outputs })
  const layout = parameterLayout(forward)
  const step = trainingStep({ forward, layout, loss, optimizer, batchSize, features })
  const session = await ort.InferenceSession.create(encodeModel(step.model), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  })
  const fixed = {
    ...dataTensors(rows, features, loss),
    mask: new ort.Tensor('float32', new Float32Array(stepsPerRun * batchSize).fill(1), [stepsPerRun, batchSize]),
    learning_rate: new ort.Tensor('float32', [optimizer.learningRate], []),
  }
  let parameters = new ort.Tensor('float32', initialParameters(forward, layout, 1))
  let state = new ort.Tensor('float32', new Float32Array(step.optimizerStateLength))
  // Drawn beforehand, as they are on the PyTorch side.
  const orders = Array.from({ length: 8 }, () => randomOrder(rows, batchSize))
  let done = 0
  const runOnce = async () => {
    const results = await session.run({
      ...fixed,
      order: orders[(done / stepsPerRun) % orders.length] as ort.Tensor,
      step: new ort.Tensor('int64', [BigInt(done)], []),
      parameters,
      ...(step.optimizerStateLength > 0 ? { optimizer_state: state } : {}),
    })
    parameters = results.new_parameters as typeof parameters
    if (results.new_optimizer_state) state = results.new_optimizer_state as typeof state
    done += stepsPerRun
  }
  return {
    measure: async (seconds) => {
      const start = performance.now()
      let runs = 0
      for (; performance.now() - start < 1000 * seconds; runs++) await runOnce()
      return (1000 * runs * stepsPerRun * batchSize) / (performance.now() - start)
    },
  }
}

function randomOrder(rows: number, batchSize: number): ort.Tensor {
  const order = BigInt64Array.from({ length: stepsPerRun * batchSize }, () => BigInt(Math.floor(Math.random() * rows)))
  return new ort.Tensor('int64', order, [stepsPerRun, batchSize])
}

/** Rows whose label follows from their first features, so that there is something to learn. */
function dataTensors(rows: number, features: number, loss: Loss): { features: ort.Tensor; labels: ort.Tensor } {
  const values = Float32Array.from({ length: rows * features }, () => 2 * Math.random() - 1)
  const positive = Array.from({ length: rows }, (_, i) =>
    values.subarray(i * features, i * features + 4).reduce((a, b) => a + b) > 0 ? 1 : 0,
  )
  const labels =
    loss === 'cross-entropy'
      ? new ort.Tensor('int64', BigInt64Array.from(positive, BigInt), [rows])
      : new ort.Tensor('float32', Float32Array.from(positive), [rows, 1])
  return { features: new ort.Tensor('float32', values, [rows, features]), labels }
}

/** The PyTorch side as a child process that measures one case per line it is sent. */
async function openTorch(python: string | undefined) {
  if (!python) return undefined
  const child = spawn(python, [`${import.meta.dirname}/torch-train.py`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${python} ended: does it have torch?`)
    return JSON.parse(value) as Record<string, unknown>
  }
  const version = String((await answer()).torch)
  return {
    version,
    contestant: (name: string): Contestant => ({
      measure: async (seconds) => {
        child.stdin.write(`${name} ${seconds}\n`)
        return Number((await answer()).samplesPerSecond)
      },
    }),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await new Promise((resolve) => child.once('close', resolve))
    },
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
