/**
 * The global model on the site's test rows: summed loss, correct rows and, for a binary label, the histogram of scores
 * from which the coordinator computes the pooled AUROC. No score of a patient leaves this file. No model makes it fail: a
 * row whose score or loss is not finite has score 0 and the largest loss, which cuts off every other (fedsum, section E.1).
 */
import { evaluationGraph } from '@consilium/models/evaluate.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { rowLossMax, type Study } from '@consilium/protos/plan/study.ts'
import type { Matrix } from './features.ts'
import { type Execution, float32, float32Output, int64, openSession, runsWhollyOn, type Session } from './session.ts'
import type { EvaluateRequest, EvaluateResult } from './trainer.ts'

/** Most rows of one run, between which progress and cancelling are seen. */
const runRowsMax = 2048
/** Most numbers that the model may compute in one run. */
const runElementsMax = 2 ** 28

export type LocalEvaluation = {
  /** Whether the execution provider of the site has a kernel for every node. */
  readonly isWhollyOnProvider: boolean
  /** Throws `cancelled`. */
  evaluate(matrix: Matrix, request: EvaluateRequest): Promise<EvaluateResult>
  close(): Promise<void>
}

export type LocalEvaluationOptions = {
  readonly study: Study
  readonly forward: Parameters<typeof evaluationGraph>[0]['forward']
  readonly layout: Parameters<typeof evaluationGraph>[0]['layout']
  /** Numbers the model computes for one row. */
  readonly rowElements: number
  readonly testRows: Int32Array
  readonly labels: Float32Array | BigInt64Array
  readonly execution: Execution
}

/** Rows of one run of a model that computes so many numbers for each. */
export function runRows(rowElements: number): number {
  return Math.max(1, Math.min(runRowsMax, Math.floor(runElementsMax / rowElements)))
}

type Tally = { lossSum: number; correct: number; readonly histogram: Float64Array }

export async function openLocalEvaluation(options: LocalEvaluationOptions): Promise<LocalEvaluation> {
  const { study, testRows } = options
  const model = evaluationGraph({ ...options, loss: study.loss })
  const session = await openSession(model, options.execution)
  const rowsPerRun = runRows(options.rowElements)
  const bins = study.label.type === 'binary' ? study.evaluation.bins : 0
  return {
    isWhollyOnProvider: await runsWhollyOn(options.execution, model),
    close: session.close,
    async evaluate(matrix, request) {
      const tally: Tally = { lossSum: 0, correct: 0, histogram: new Float64Array(2 * bins) }
      for (let from = 0; from < testRows.length; from += rowsPerRun) {
        const rows = testRows.subarray(from, from + rowsPerRun)
        await evaluateRows(options, session, matrix, rows, request.parameters, tally)
        request.onProgress(from + rows.length, testRows.length)
        await new Promise((resolve) => setImmediate(resolve))
        if (request.signal.aborted) throw new FederationError('cancelled', 'the evaluation was called off')
      }
      return { examples: testRows.length, ...tally }
    },
  }
}

async function evaluateRows(
  { study, labels: all }: LocalEvaluationOptions,
  session: Session,
  { columns, values }: Matrix,
  rows: Int32Array,
  parameters: Float32Array,
  tally: Tally,
): Promise<void> {
  const features = new Float32Array(rows.length * columns)
  for (const [i, row] of rows.entries()) features.set(values.subarray(row * columns, (row + 1) * columns), i * columns)
  const labels =
    all instanceof BigInt64Array
      ? int64(
          BigInt64Array.from(rows, (row) => all[row]!),
          [rows.length],
        )
      : float32(
          Float32Array.from(rows, (row) => all[row]!),
          [rows.length, 1],
        )
  const outputs = await session.run({
    features: float32(features, [rows.length, columns]),
    labels,
    parameters: float32(parameters, [parameters.length]),
  })
  const scores = float32Output(outputs, 'scores')
  const truth = Array.from(rows, (row) => Number(all[row]))
  const areFinite = tallyLosses(scores, float32Output(outputs, 'losses'), rowLossMax(study.label), tally)
  if (study.label.type === 'binary') tallyBinary(scores, truth, areFinite, tally)
  if (study.label.type === 'category') tallyClasses(scores, truth, areFinite, tally)
}

/** Adds the losses; says of each row whether its score and its loss are numbers at all. */
function tallyLosses(scores: Float32Array, losses: Float32Array, most: number, tally: Tally): readonly boolean[] {
  const width = scores.length / losses.length
  return Array.from(losses, (loss, i) => {
    const finite = Number.isFinite(loss) && scores.subarray(i * width, (i + 1) * width).every(Number.isFinite)
    tally.lossSum += finite ? Math.max(0, Math.min(loss, most)) : most
    return finite
  })
}

function tallyBinary(
  scores: Float32Array,
  truth: readonly number[],
  areFinite: readonly boolean[],
  tally: Tally,
): void {
  const bins = tally.histogram.length / 2
  truth.forEach((label, i) => {
    const score = areFinite[i] ? scores[i]! : 0
    const bin = Math.max(0, Math.min(bins - 1, Math.floor(score * bins)))
    tally.histogram[label * bins + bin]! += 1
    if (Number(score >= 0.5) === label) tally.correct += 1
  })
}

/** Where every class has score 0 none is the most probable. */
function tallyClasses(
  scores: Float32Array,
  truth: readonly number[],
  areFinite: readonly boolean[],
  tally: Tally,
): void {
  const classes = scores.length / truth.length
  truth.forEach((label, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes)
    if (areFinite[i] && row.indexOf(Math.max(...row)) === label) tally.correct += 1
  })
}
