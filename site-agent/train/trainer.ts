/**
 * What a round asks of the site's trainer: a child process that reads the site's data and runs ONNX, so that neither a
 * long native call nor a native crash touches the agent.
 */
import type { Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { StudyKeys } from '../data/study-keys.ts'

/** What the data of a study look like at this site; counts only, nothing of a patient. */
export type DataSummary = {
  readonly trainRows: number
  readonly testRows: number
  /** Patients among the training rows; absent where no column tells them apart, and each row counts as one. */
  readonly patients?: number
  /** The column of site.yaml by which they are told apart. */
  readonly patientColumn?: string
  /** Of a trial update, made here and thrown away, what share is exactly zero; absent where none was made. */
  readonly zeroShare?: number
  /** Rows left out because a feature or the label was missing, or the split names them neither train nor test. */
  readonly droppedRows: number
  /** Remarks worth a human's eye: a constant feature, one label only. Column names and counts, never values. */
  readonly remarks: readonly string[]
}

/**
 * A training after some of its steps: what goes on from it ends in the very bits of one that was never interrupted (its
 * reported loss agrees to rounding, as it does however the steps are cut).
 */
export type TrainCheckpoint = {
  /** Steps done. */
  readonly steps: number
  /** Sum of their losses. */
  readonly lossSum: number
  /** float32 [parameters], and [optimizer state], which may be empty. */
  readonly parameters: Float32Array
  readonly optimizerState: Float32Array
  /** SHA-256 over rows, labels and what runs the steps, hexadecimal: with another, a training begins anew. */
  readonly data: string
}

export type TrainRequest = {
  readonly round: number
  /** Flat global parameters, float32 [parameters]. */
  readonly parameters: Float32Array
  /** Absent where the study standardises per site (the trainer uses the site's own) or not at all. */
  readonly standardisation?: Standardisation
  readonly onProgress: (done: number, total: number) => void
  /** Where an earlier training of this round stood: the first progress is its steps, where it fits; else it is not heeded. */
  readonly from?: TrainCheckpoint
  /** Keeps a checkpoint, and resolves with how long that took, milliseconds. It never rejects. */
  readonly onCheckpoint?: (checkpoint: TrainCheckpoint) => Promise<number>
  readonly signal: AbortSignal
}

export type TrainResult = {
  /** Local minus global parameters, float32 [parameters], not clipped. */
  readonly update: Float32Array
  readonly examples: number
  /** All of them, those of a checkpoint included. */
  readonly steps: number
  /** Mean training loss over the local steps. */
  readonly loss: number
  /** Set where the next step was not finite: the update is that of the last one that is. */
  readonly diverged?: true
  /** Share of the update that is exactly zero, 0 to 1; see `zero-share.ts`. */
  readonly zeroShare: number
}

export type EvaluateRequest = Omit<TrainRequest, 'round' | 'from' | 'onCheckpoint'>

export type EvaluateResult = {
  readonly examples: number
  readonly lossSum: number
  readonly correct: number
  /** Binary label: float64 [2 x bins], negatives then positives; else empty. */
  readonly histogram: Float64Array
}

export type StatisticsResult = {
  readonly examples: number
  /** float64 [3 x design columns]: per column count, sum, sum of squares over the training rows. */
  readonly sums: Float64Array
}

/** A trainer with one study loaded. Every method rejects with a FederationError; after a crash of the child, `trainer-failed`. */
export interface Trainer {
  readonly data: DataSummary
  /** Of the test rows (`data/row-marks.ts`). */
  readonly testMarks: Uint8Array
  statistics(request: Pick<TrainRequest, 'onProgress' | 'signal'>): Promise<StatisticsResult>
  train(request: TrainRequest): Promise<TrainResult>
  evaluate(request: EvaluateRequest): Promise<EvaluateResult>
  /** Ends the child process. */
  stop(): Promise<void>
}

/**
 * Starts a child, checks the forward graph against the operator list, loads the site's rows and checks them against the
 * study. Rejects with `operator-refused`, `invalid-onnx` or one of the `data-` codes, naming column and row, never a
 * value; with `cancelled` once the signal aborts, however long the site's query would still take.
 */
export type StartTrainer = (options: {
  readonly keys: StudyKeys
  /** The site's data configuration, absolute path of `site.yaml`. */
  readonly siteConfigPath: string
  readonly manifest: StudyManifest
  readonly graph: Uint8Array
  readonly signal: AbortSignal
}) => Promise<Trainer>
