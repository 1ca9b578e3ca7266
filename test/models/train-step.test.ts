/** The training step against plain double-precision training, and the promises its chunks make. */
import { foldUpdates } from '@consilium/models/fold-updates.ts'
import { graphBuilder } from '@consilium/models/onnx/builder.ts'
import { checkGraph } from '@consilium/models/onnx/check.ts'
import { modelOf } from '@consilium/models/onnx/graph.ts'
import { printGraph } from '@consilium/models/onnx/print.ts'
import { initialParameters, parameterCount, parameterLayout } from '@consilium/models/parameters.ts'
import { trainingStep } from '@consilium/models/train-step.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import type { Loss, Optimizer } from '@consilium/protos/plan/study.ts'
import type * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { type NaiveNetwork, naiveState, naiveStep } from '../support/naive-training.ts'
import { float32, int64, numbers, openModel, runModel, seeded } from '../support/onnx-run.ts'

const sgd: Optimizer = { name: 'sgd', learningRate: 0.05 }
const momentum: Optimizer = { name: 'momentum', learningRate: 0.05, momentum: 0.9 }
const adam: Optimizer = { name: 'adam', learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
const features = 5
const rowCount = 37

type Setup = {
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly hidden: readonly number[]
  readonly activation?: NaiveNetwork['activation']
}
type Chunk = { readonly parameters: ort.Tensor; readonly state: ort.Tensor | undefined; readonly losses: number[] }

const setups: (Setup & { title: string })[] = (
  ['binary-cross-entropy', 'cross-entropy', 'mean-squared-error'] as const
).flatMap((loss) =>
  [sgd, momentum, adam].flatMap((optimizer) => [
    { loss, optimizer, hidden: [], title: `linear model, ${loss}, ${optimizer.name}` },
    {
      loss,
      optimizer,
      hidden: [7, 4],
      activation: 'relu',
      title: `two hidden relu layers, ${loss}, ${optimizer.name}`,
    },
  ]),
)

describe('training', () => {
  test.for([
    ...setups,
    {
      loss: 'binary-cross-entropy',
      optimizer: sgd,
      hidden: [6],
      activation: 'tanh',
      title: 'a hidden tanh layer',
    } as const,
    {
      loss: 'cross-entropy',
      optimizer: adam,
      hidden: [6],
      activation: 'sigmoid',
      title: 'a hidden sigmoid layer',
    } as const,
  ])('equals plain double-precision training after 40 steps with ragged batches: $title', async (setup) => {
    const batchSize = 8
    const { session, layout, start, data, network } = await prepare(setup, batchSize)
    const schedule = batches(40, batchSize, true)
    const chunk = await run(
      session,
      setup,
      data,
      schedule,
      { parameters: float32(start, [start.length]), state: zeros(setup, start.length) },
      0,
    )
    const naive = naiveState(start)
    const losses = schedule.map((rows) =>
      naiveStep(network, setup.optimizer, naive, {
        rows: rows.map((i) => data.rows[i] as number[]),
        labels: rows.map((i) => data.labels[i] as number),
      }),
    )
    expect(parameterCount(layout)).toBe(start.length)
    const trained = numbers(chunk.parameters)
    const moved = Math.hypot(...naive.parameters.map((value, k) => value - (start[k] as number)))
    const distance = Math.hypot(...naive.parameters.map((value, k) => value - (trained[k] as number)))
    expect(distance / moved).toBeLessThan(2e-5)
    losses.forEach((loss, t) => {
      expect(Math.abs((chunk.losses[t] as number) - loss)).toBeLessThan(1e-5 * Math.max(1, loss))
    })
  })

  test.for([
    { title: 'SGD', setup: { loss: 'binary-cross-entropy', optimizer: sgd, hidden: [] } },
    { title: 'momentum', setup: { loss: 'cross-entropy', optimizer: momentum, hidden: [16, 8] } },
    { title: 'Adam', setup: { loss: 'cross-entropy', optimizer: adam, hidden: [16, 8] } },
    { title: 'Adam on squares', setup: { loss: 'mean-squared-error', optimizer: adam, hidden: [3] } },
  ] as const)('100 steps in one run are bit for bit 50 and 50, or 7, 92 and 1: $title', async ({ setup }) => {
    const { session, start, data } = await prepare(setup, 6)
    const schedule = batches(100, 6, true)
    const inChunks = async (...sizes: number[]) => {
      let state: Chunk = { parameters: float32(start, [start.length]), state: zeros(setup, start.length), losses: [] }
      const losses: number[] = []
      let done = 0
      for (const size of sizes) {
        state = await run(session, setup, data, schedule.slice(done, done + size), state, done)
        losses.push(...state.losses)
        done += size
      }
      return { parameters: numbers(state.parameters), state: state.state && numbers(state.state), losses }
    }
    const whole = await inChunks(100)
    for (const parts of [await inChunks(50, 50), await inChunks(7, 92, 1)]) {
      expect(parts.parameters).toEqual(whole.parameters)
      expect(parts.state).toEqual(whole.state)
      // Losses are computed for all steps at once, where vector lanes and their remainder round differently.
      for (const [t, loss] of whole.losses.entries())
        expect(Math.abs((parts.losses[t] as number) - loss)).toBeLessThan(1e-6)
    }
    expect(new Set(whole.losses).size).toBeGreaterThan(90)
  })

  test('padding changes nothing, whatever row stands in it', async () => {
    const setup: Setup = { loss: 'cross-entropy', optimizer: adam, hidden: [4] }
    const narrow = await prepare(setup, 3)
    const wide = await prepare(setup, 5)
    const start = { parameters: float32(narrow.start, [narrow.start.length]), state: zeros(setup, narrow.start.length) }
    const schedule = batches(10, 3, false)
    const exact = await run(narrow.session, setup, narrow.data, schedule, start, 0)
    const padded = await run(wide.session, setup, wide.data, schedule, start, 0, 5)
    numbers(padded.parameters).forEach((value, k) => {
      expect(value).toBeCloseTo(numbers(exact.parameters)[k] as number, 6)
    })
  })

  test('a batch of nothing but padding has loss 0 and leaves SGD where it is', async () => {
    const setup: Setup = { loss: 'binary-cross-entropy', optimizer: sgd, hidden: [4] }
    const { session, start, data } = await prepare(setup, 3)
    const chunk = await run(
      session,
      setup,
      data,
      [[]],
      { parameters: float32(start, [start.length]), state: undefined },
      0,
      3,
    )
    expect(chunk.losses).toEqual([0])
    expect(numbers(chunk.parameters)).toEqual(Array.from(start))
  })

  test('the whole data set as one batch takes the gradient of its mean loss', async () => {
    const setup: Setup = { loss: 'binary-cross-entropy', optimizer: sgd, hidden: [] }
    const { session, start, data, network } = await prepare(setup, rowCount)
    const all = Array.from({ length: rowCount }, (_, i) => i)
    const chunk = await run(
      session,
      setup,
      data,
      [all],
      { parameters: float32(start, [start.length]), state: undefined },
      0,
    )
    const naive = naiveState(start)
    naiveStep(network, sgd, naive, data)
    numbers(chunk.parameters).forEach((value, k) => {
      expect(Math.abs(value - (naive.parameters[k] as number))).toBeLessThan(1e-7)
    })
  })
})

describe('the training step', () => {
  test('refuses a model that takes other rows than the study makes', () => {
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 4, outputs: 1 })
    const step = () =>
      trainingStep({
        forward,
        layout: parameterLayout(forward),
        loss: 'binary-cross-entropy',
        optimizer: sgd,
        batchSize: 4,
        features: 5,
      })
    expect(step).toThrow(
      expect.objectContaining({
        code: 'shape-mismatch',
        message: "the model takes rows of [4], the study's features make 5 columns",
      }),
    )
  })

  test('refuses a model with two logits for a binary label', () => {
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 4, outputs: 2 })
    const step = () =>
      trainingStep({
        forward,
        layout: parameterLayout(forward),
        loss: 'binary-cross-entropy',
        optimizer: sgd,
        batchSize: 4,
        features: 4,
      })
    expect(step).toThrow(/the model yields \[batch,2\]; binary-cross-entropy needs one number per row/)
  })

  test('refuses a model without anything to train', () => {
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 4, outputs: 1 })
    const layout = parameterLayout(forward, ['linear.weight', 'linear.bias'])
    const step = () =>
      trainingStep({ forward, layout, loss: 'binary-cross-entropy', optimizer: sgd, batchSize: 4, features: 4 })
    expect(step).toThrow(/nothing to train/)
  })

  test("refuses a layout that is not the model's", () => {
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 4, outputs: 1 })
    const layout = [{ name: 'linear.weight', dims: [1, 4] }]
    const step = () =>
      trainingStep({ forward, layout, loss: 'binary-cross-entropy', optimizer: sgd, batchSize: 4, features: 4 })
    expect(step).toThrow(
      expect.objectContaining({
        code: 'shape-mismatch',
        message: "the model has no float32 tensor 'linear.weight' of shape [1,4]",
      }),
    )
  })

  test('leaves frozen parameters out of the vector and as they are', async () => {
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 2, outputs: 1 })
    const layout = parameterLayout(forward, ['linear.bias'])
    const { model } = trainingStep({
      forward,
      layout,
      loss: 'mean-squared-error',
      optimizer: sgd,
      batchSize: 1,
      features: 2,
    })
    const results = await runModel(model, {
      features: float32([1, 2], [1, 2]),
      labels: float32([3], [1, 1]),
      order: int64([0], [1, 1]),
      mask: float32([1], [1, 1]),
      learning_rate: float32([0.5], []),
      step: int64([0], []),
      parameters: float32([0, 0], [2]),
    })
    expect(numbers(results.new_parameters)).toEqual([3, 6])
    expect(numbers(results.losses)).toEqual([9])
  })

  test('of logistic regression with SGD is this graph', () => {
    const forward = zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 13, outputs: 1 })
    const { model, optimizerStateLength } = trainingStep({
      forward,
      layout: parameterLayout(forward),
      loss: 'binary-cross-entropy',
      optimizer: sgd,
      batchSize: 4,
      features: 13,
    })
    expect(optimizerStateLength).toBe(0)
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "training_step(features: float32[rows, 13], labels: float32[rows, 1], order: int64[steps, 4], mask: float32[steps, 4], learning_rate: float32[], step: int64[], parameters: float32[14]) -> (new_parameters, losses)
        constant/int64/1: int64[1] = [1]
        constant/float32/1: float32[] = 1
        constant/int64/-1: int64[1] = [-1]
        constant/int64/list3: int64[2] = [13, 1]
        constant/int64/0: int64[1] = [0]
        constant/int64/0_2: int64[] = 0
        targets/Gather: float32[steps, 4, 1] = Gather(labels, order, axis=0)
        mask/ReduceSum: float32[steps, 1] = ReduceSum(mask, constant/int64/1, keepdims=1)
        mask/Max: float32[steps, 1] = Max(mask/ReduceSum, constant/float32/1)
        mask/Div: float32[steps, 4] = Div(mask, mask/Max)
        Mul: float32[steps, 4] = Mul(mask/Div, learning_rate)
        Unsqueeze: float32[steps, 4, 1] = Unsqueeze(Mul, constant/int64/-1)
        Split.0: float32[13], Split.1: float32[1] = Split(parameters, constant/int64/list3, axis=0)
        Reshape: float32[13, 1] = Reshape(Split.0, constant/int64/list3)
        Shape: int64[2] = Shape(order)
        Gather: int64[] = Gather(Shape, constant/int64/0_2, axis=0)
        Loop.0: float32[13, 1], Loop.1: float32[1], Loop.2: float32[steps, 4, 1] = Loop(Gather, _, Reshape, Split.1, body=step)
          step(iteration: int64[], condition: bool[], linear.weight: float32[13, 1], linear.bias: float32[1]) -> (condition_out, linear.weight/next, linear.bias/next, logits)
            batch/Gather: int64[4] = Gather(order, iteration, axis=0)
            batch/Gather_2: float32[4, 13] = Gather(features, batch/Gather, axis=0)
            batch/Gather_3: float32[4, 1] = Gather(targets/Gather, iteration, axis=0)
            batch/Gather_4: float32[4, 1] = Gather(Unsqueeze, iteration, axis=0)
            logits: float32[4, 1] = Gemm(batch/Gather_2, linear.weight, linear.bias)
            loss/grad/Sigmoid: float32[4, 1] = Sigmoid(logits)
            loss/grad/Sub: float32[4, 1] = Sub(loss/grad/Sigmoid, batch/Gather_3)
            loss/grad/Mul: float32[4, 1] = Mul(loss/grad/Sub, batch/Gather_4)
            linear/Gemm/grad/ReduceSum: float32[1] = ReduceSum(loss/grad/Mul, constant/int64/0, keepdims=0)
            linear.weight/next: float32[13, 1] = Gemm(batch/Gather_2, loss/grad/Mul, linear.weight, transA=1, alpha=-1, beta=1)
            linear.bias/next: float32[1] = Sub(linear.bias, linear/Gemm/grad/ReduceSum)
            condition_out: bool[] = Identity(condition)
        Reshape_2: float32[13] = Reshape(Loop.0, constant/int64/-1)
        new_parameters: float32[14] = Concat(Reshape_2, Loop.1, axis=0)
        losses/Relu: float32[steps, 4, 1] = Relu(Loop.2)
        losses/Mul: float32[steps, 4, 1] = Mul(Loop.2, targets/Gather)
        losses/Sub: float32[steps, 4, 1] = Sub(losses/Relu, losses/Mul)
        losses/Abs: float32[steps, 4, 1] = Abs(Loop.2)
        losses/Neg: float32[steps, 4, 1] = Neg(losses/Abs)
        losses/Softplus: float32[steps, 4, 1] = Softplus(losses/Neg)
        losses/Add: float32[steps, 4, 1] = Add(losses/Sub, losses/Softplus)
        losses/Squeeze: float32[steps, 4] = Squeeze(losses/Add, constant/int64/-1)
        losses/Mul_2: float32[steps, 4] = Mul(losses/Squeeze, mask/Div)
        losses: float32[steps] = ReduceSum(losses/Mul_2, constant/int64/1, keepdims=0)"
    `)
  })
})

describe('the pass that folds updates into matrix products', () => {
  test('keeps every value and leaves fewer nodes', async () => {
    const build = (fold: boolean) => {
      const g = graphBuilder()
      const [w, u, x, d] = [
        g.input('w', 'float32', [2, 3]),
        g.input('u', 'float32', [2, 3]),
        g.input('x', 'float32', [4, 2]),
        g.input('d', 'float32', [4, 3]),
      ]
      const product = () => g.gemm(x, d, undefined, { transA: { kind: 'int', value: 1 } })
      const velocity = g.add(g.mul(u, g.like(u, 0.9)), product())
      g.output('velocity', velocity)
      g.output('plain', g.sub(w, product()))
      g.output('moved', g.sub(w, velocity))
      const shared = product()
      g.output('shared', g.sub(shared, g.sub(w, shared)))
      return modelOf(
        checkGraph(g.finish('updates', {}, fold ? (nodes, kept) => foldUpdates(g, nodes, kept) : undefined)),
      )
    }
    const random = seeded(5)
    const draw = (dims: number[]) =>
      float32(
        Array.from({ length: dims.reduce((a, b) => a * b) }, () => random() - 0.5),
        dims,
      )
    const feeds = { w: draw([2, 3]), u: draw([2, 3]), x: draw([4, 2]), d: draw([4, 3]) }
    const [plain, folded] = [build(false), build(true)]
    expect(plain.graph.nodes.map((node) => node.op)).toEqual([
      'Mul',
      'Gemm',
      'Add',
      'Gemm',
      'Sub',
      'Sub',
      'Gemm',
      'Sub',
      'Sub',
    ])
    expect(folded.graph.nodes.map((node) => node.op)).toEqual(['Gemm', 'Gemm', 'Sub', 'Gemm', 'Sub', 'Sub'])
    const [before, after] = [await runModel(plain, feeds), await runModel(folded, feeds)]
    for (const name of ['velocity', 'plain', 'moved', 'shared'])
      numbers(after[name]).forEach((value, k) => {
        expect(value).toBeCloseTo(numbers(before[name])[k] as number, 6)
      })
  })
})

async function prepare(setup: Setup, batchSize: number) {
  const outputs = setup.loss === 'cross-entropy' ? 3 : 1
  const choice: Parameters<typeof zooModel>[0] =
    setup.hidden.length === 0
      ? { from: 'zoo', name: 'logistic-regression' }
      : ({
          from: 'zoo',
          name: 'multi-layer-perceptron',
          hidden: [...setup.hidden] as number[],
          activation: setup.activation ?? 'relu',
        } as const)
  const forward = zooModel(choice, { features, outputs })
  const layout = parameterLayout(forward)
  const { model, optimizerStateLength } = trainingStep({
    forward,
    layout,
    loss: setup.loss,
    optimizer: setup.optimizer,
    batchSize,
    features,
  })
  const start = initialParameters(forward, layout, 7)
  expect(optimizerStateLength).toBe({ sgd: 0, momentum: 1, adam: 2 }[setup.optimizer.name] * start.length)
  const network: NaiveNetwork = {
    widths: [features, ...setup.hidden, outputs],
    activation: setup.activation ?? 'relu',
    loss: setup.loss,
  }
  return { session: await openModel(model), layout, start, network, data: dataFor(setup.loss) }
}

function dataFor(loss: Loss) {
  const random = seeded(3)
  const rows = Array.from({ length: rowCount }, () =>
    Array.from({ length: features }, () => Math.fround(random() * 2 - 1)),
  )
  const labels = rows.map(([a = 0, b = 0]) =>
    loss === 'mean-squared-error'
      ? Math.fround(a - 2 * b)
      : loss === 'cross-entropy'
        ? a > 0.2
          ? 2
          : b > 0
            ? 1
            : 0
        : a > b
          ? 1
          : 0,
  )
  return { rows, labels }
}

/** Seeded batches of rows; every third one shorter, if so asked. */
function batches(steps: number, batchSize: number, ragged: boolean): number[][] {
  const random = seeded(11)
  return Array.from({ length: steps }, (_, t) =>
    Array.from({ length: ragged && t % 3 === 2 ? 1 + (t % batchSize) : batchSize }, () =>
      Math.floor(random() * rowCount),
    ),
  )
}

function zeros(setup: Setup, count: number): ort.Tensor | undefined {
  const slots = { sgd: 0, momentum: 1, adam: 2 }[setup.optimizer.name]
  return slots === 0 ? undefined : float32(new Float32Array(slots * count), [slots * count])
}

async function run(
  session: ort.InferenceSession,
  setup: Setup,
  data: { readonly rows: readonly (readonly number[])[]; readonly labels: readonly number[] },
  schedule: readonly (readonly number[])[],
  from: { readonly parameters: ort.Tensor; readonly state: ort.Tensor | undefined },
  done: number,
  width = Math.max(...schedule.map((rows) => rows.length)),
): Promise<Chunk> {
  const dims = [schedule.length, width]
  const results = await session.run({
    features: float32(data.rows.flat(), [rowCount, features]),
    labels: setup.loss === 'cross-entropy' ? int64(data.labels, [rowCount]) : float32(data.labels, [rowCount, 1]),
    order: int64(
      schedule.flatMap((rows) => Array.from({ length: width }, (_, i) => rows[i] ?? 1)),
      dims,
    ),
    mask: float32(
      schedule.flatMap((rows) => Array.from({ length: width }, (_, i) => (i < rows.length ? 1 : 0))),
      dims,
    ),
    learning_rate: float32([setup.optimizer.learningRate], []),
    step: int64([done], []),
    parameters: from.parameters,
    ...(from.state ? { optimizer_state: from.state } : {}),
  })
  return {
    parameters: results.new_parameters as ort.Tensor,
    state: results.new_optimizer_state,
    losses: numbers(results.losses),
  }
}
