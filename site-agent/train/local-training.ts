/**
 * The local steps of one round (FedAvg's ClientUpdate, McMahan et al. 2017): the training step runs in chunks short
 * enough that progress, cancelling and the agent's end are seen between them. How the steps are cut changes no bit.
 */
import { type TrainingStep, trainingStep } from '@consilium/models/train-step.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import type { Tensor } from 'onnxruntime-node'
import { dataHash, openCheckpoints } from './checkpoints.ts'
import type { Matrix } from './features.ts'
import { type Batches, type BatchSource, batchSource } from './row-order.ts'
import { type Execution, float32, float32Output, int64, openSession, type Session } from './session.ts'
import type { TrainCheckpoint, TrainRequest, TrainResult } from './trainer.ts'

/** How long a chunk of steps should take. */
const chunkMs = 250
/** A chunk grows at most so many times over the one before. */
const chunkGrowth = 16
/** Most row indices one chunk holds. */
const chunkRowsMax = 4_194_304
/** A parameter beyond has diverged: the difference of two is still a float32. */
const parameterMax = 2 ** 126
/** Most numbers that the model may compute for one minibatch on its way forward: 8 GiB of float32. */
const batchElementsMax = 2 ** 31

export type LocalTraining = {
  /**
   * Throws `cancelled`, or `update-invalid` where not one step is finite; training that diverges later ends with its last
   * finite step, so that whether it diverges is no answer to whoever chose the model.
   */
  train(matrix: Matrix, request: TrainRequest): Promise<Omit<TrainResult, 'zeroShare'>>
  close(): Promise<void>
}

export type LocalTrainingOptions = {
  /** 32 bytes. */
  readonly orderKey: Uint8Array
  readonly study: Study
  readonly forward: Parameters<typeof trainingStep>[0]['forward']
  readonly layout: Parameters<typeof trainingStep>[0]['layout']
  readonly columns: number
  /** Numbers the model computes for one row. */
  readonly rowElements: number
  readonly trainRows: Int32Array
  readonly labels: Tensor
  readonly execution: Execution
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
}

export async function openLocalTraining(options: LocalTrainingOptions): Promise<LocalTraining> {
  const { study, trainRows } = options
  const { batchSize: wanted } = study.localTraining
  const batchSize = wanted === 'full' ? trainRows.length : Math.min(wanted, trainRows.length)
  checkBatchMemory(batchSize, options.rowElements)
  const step = trainingStep({ ...options, ...study, batchSize, features: options.columns })
  const session = await openSession(step.model, options.execution)
  const epochSteps = Math.ceil(trainRows.length / batchSize)
  const total = 'steps' in study.localTraining ? study.localTraining.steps : study.localTraining.epochs * epochSteps
  // Known from the first chunk on, and kept from round to round.
  let stepMs: number | undefined

  return {
    close: session.close,
    async train(matrix, request) {
      const source = batchSource(trainRows, batchSize, { key: options.orderKey, round: request.round })
      const run = runner({ options, step, session, source, batchSize, matrix, request, total })
      const checkpoints = openCheckpoints(request.onCheckpoint)
      if (run.done > 0) request.onProgress(run.done, total)
      let chunk = 1
      while (run.done < total && !run.diverged) {
        if (stepMs !== undefined) chunk = nextChunk(chunk, stepMs, batchSize)
        const steps = Math.min(chunk, stepsOfQuarter(run.done, total))
        const startMs = options.now()
        await run.steps(steps)
        const tookMs = options.now() - startMs
        stepMs = tookMs / steps
        request.onProgress(run.done, total)
        await turn()
        if (request.signal.aborted)
          throw new FederationError('cancelled', `training was called off after ${run.done} steps`)
        if (run.done < total) await checkpoints.offer(tookMs, run.checkpoint)
      }
      return run.result()
    },
  }
}

function checkBatchMemory(batchSize: number, rowElements: number): void {
  if (batchSize * rowElements > batchElementsMax)
    throw new FederationError(
      'limit-exceeded',
      `the model computes ${rowElements} numbers a row: a batch of ${batchSize} rows is over the limit of ${batchElementsMax} numbers; the study needs a smaller batchSize`,
    )
}

/** Steps left of the quarter under way: a chunk ends with it, so that when quarters are told hangs on time alone. */
function stepsOfQuarter(done: number, total: number): number {
  const quarter = Math.floor((4 * done) / total) + 1
  return Math.ceil((quarter * total) / 4) - done
}

function nextChunk(last: number, stepMs: number, batchSize: number): number {
  const fitting = Math.floor(Math.min(chunkMs / Math.max(stepMs, 1e-6), last * chunkGrowth, chunkRowsMax / batchSize))
  return Math.max(1, fitting)
}

/** Lets the event loop read what the agent has sent meanwhile. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

type Run = {
  readonly done: number
  /** The step after the last one done is not finite. */
  readonly diverged: boolean
  steps(count: number): Promise<void>
  checkpoint(): TrainCheckpoint
  result(): Omit<TrainResult, 'zeroShare'>
}

function runner(given: {
  readonly options: LocalTrainingOptions
  readonly step: TrainingStep
  readonly session: Session
  readonly source: BatchSource
  readonly batchSize: number
  readonly matrix: Matrix
  readonly request: TrainRequest
  readonly total: number
}): Run {
  const { options, step, session, source, batchSize, matrix, request, total } = given
  const features = float32(matrix.values, [matrix.rows, matrix.columns])
  const learningRate = float32(Float32Array.of(options.study.optimizer.learningRate), [])
  const { trainRows, labels, execution } = options
  const startState = { parameters: request.parameters, optimizerState: new Float32Array(step.optimizerStateLength) }
  // Hashed only where somebody asks: the rows may be many.
  let hashed: string | undefined
  const data = () => {
    hashed ??= dataHash([
      matrix.values,
      labels.data as Float32Array,
      trainRows,
      options.orderKey,
      request.parameters,
      JSON.stringify(execution),
    ])
    return hashed
  }
  const from =
    request.from && fits(request.from, startState, total) && request.from.data === data() ? request.from : undefined
  let { parameters, optimizerState: state } = from ?? startState
  let done = from?.steps ?? 0
  let lossSum = from?.lossSum ?? 0
  source.skip(done)
  let hasDiverged = false

  /** Steps of a chunk's batches, from the `first` on; changes nothing and tells so where one of them is not finite. */
  async function take(batches: Batches, first: number, count: number): Promise<boolean> {
    const [from, to] = [first * batchSize, (first + count) * batchSize]
    const outputs = await session.run({
      features,
      labels: options.labels,
      order: int64(batches.order.subarray(from, to), [count, batchSize]),
      mask: float32(batches.mask.subarray(from, to), [count, batchSize]),
      learning_rate: learningRate,
      step: int64(BigInt64Array.of(BigInt(done)), []),
      parameters: float32(parameters, [parameters.length]),
      ...(state.length > 0 && { optimizer_state: float32(state, [state.length]) }),
    })
    const [losses, next] = [float32Output(outputs, 'losses'), float32Output(outputs, 'new_parameters')]
    let sum = lossSum
    for (const loss of losses) sum += loss
    if (!Number.isFinite(sum) || !next.every((value) => Math.abs(value) <= parameterMax)) return false
    parameters = next
    if (state.length > 0) state = float32Output(outputs, 'new_optimizer_state')
    done += count
    lossSum = sum
    return true
  }

  return {
    checkpoint: () => ({ steps: done, lossSum, parameters, optimizerState: state, data: data() }),
    get done() {
      return done
    },
    get diverged() {
      return hasDiverged
    },
    async steps(count) {
      const batches = source.next(count)
      if (await take(batches, 0, count)) return
      // The chunk is done again up to the step that is not finite.
      for (let i = 0; i < count && !hasDiverged; i++) hasDiverged = !(await take(batches, i, 1))
      if (done === 0) throw neverFinite(request.round)
    },
    result: () => ({
      update: parameters.map((value, i) => value - request.parameters[i]!),
      examples: options.trainRows.length,
      steps: done,
      loss: lossSum / done,
      ...(hasDiverged && { diverged: true }),
    }),
  }
}

function fits(
  from: TrainCheckpoint,
  start: Pick<TrainCheckpoint, 'parameters' | 'optimizerState'>,
  total: number,
): boolean {
  return (
    from.steps < total &&
    from.parameters.length === start.parameters.length &&
    from.optimizerState.length === start.optimizerState.length
  )
}

function neverFinite(round: number): FederationError {
  return new FederationError(
    'update-invalid',
    `training diverged in round ${round}: its very first step gives a loss or a parameter that is not finite; ` +
      'lower the learning rate, standardise the features or correct their ranges',
  )
}
