/** A trainer that answers what the test wrote down, counts its calls, and can crash, hang or find the data unfit. */
import { FederationError } from '@consilium/protos/errors.ts'
import type {
  EvaluateResult,
  StatisticsResult,
  TrainCheckpoint,
  Trainer,
  TrainResult,
} from '../../site-agent/train/trainer.ts'

export type ScriptedTrainer = {
  readonly start: () => Promise<Trainer>
  /** `start`, `statistics`, `train`, `evaluate`, `stop`, in the order they were called. */
  readonly calls: string[]
  /** Called after each of them. */
  onCall: () => void
  statistics: StatisticsResult
  train: TrainResult
  evaluate: EvaluateResult
  /** How many of the next tasks crash the process. */
  crashes: number
  /** While set, each training keeps it before anything else. */
  checkpoint: TrainCheckpoint | undefined
  /** Where each training was told to go on. */
  readonly resumed: (number | undefined)[]
  /** While set, tasks wait for it or for their signal. */
  gate: Promise<void> | undefined
  /** Of the test rows that the next start finds. */
  testMarks: Uint8Array
  /** While set, starting fails with it. */
  dataProblem: FederationError | undefined
}

export function scriptedTrainer(): ScriptedTrainer {
  const scripted: ScriptedTrainer = {
    calls: [],
    onCall: () => undefined,
    statistics: { examples: 10, sums: Float64Array.of(10, 500, 26_000, 10, 2_400, 600_000) },
    train: { update: Float32Array.of(0.1, -0.2, 0.05), examples: 10, steps: 20, loss: 0.6, zeroShare: 0 },
    evaluate: { examples: 4, lossSum: 2.5, correct: 3, histogram: Float64Array.of(1, 1, 0, 0, 0, 0, 1, 1) },
    crashes: 0,
    checkpoint: undefined,
    resumed: [],
    gate: undefined,
    testMarks: new Uint8Array(32).fill(7),
    dataProblem: undefined,
    async start() {
      called('start')
      if (scripted.dataProblem) throw scripted.dataProblem
      const { testMarks } = scripted
      return { ...trainer, testMarks }
    },
  }
  function called(name: string): void {
    scripted.calls.push(name)
    scripted.onCall()
  }
  async function task<T>(name: string, result: () => T, signal: AbortSignal): Promise<T> {
    called(name)
    await Promise.race([scripted.gate, aborted(signal)])
    signal.throwIfAborted()
    if (scripted.crashes > 0) {
      scripted.crashes -= 1
      throw new FederationError('trainer-failed', 'the training process ended with SIGSEGV')
    }
    return result()
  }
  const trainer: Omit<Trainer, 'testMarks'> = {
    data: { trainRows: 10, testRows: 4, droppedRows: 1, remarks: ['the column chol is constant'] },
    statistics: ({ signal }) => task('statistics', () => scripted.statistics, signal),
    async train({ onProgress, onCheckpoint, from, signal }) {
      scripted.resumed.push(from?.steps)
      if (scripted.checkpoint) await onCheckpoint?.(scripted.checkpoint)
      for (let step = from?.steps ?? 1; step <= 20; step++) onProgress(step, 20)
      return task('train', () => scripted.train, signal)
    },
    evaluate: ({ signal }) => task('evaluate', () => scripted.evaluate, signal),
    async stop() {
      called('stop')
    },
  }
  return scripted
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
}
