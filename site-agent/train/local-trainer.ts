/**
 * A study loaded in this process: graph checked, rows read, sessions kept from round to round. The child process of a
 * trainer is this, behind messages.
 */
import { checkForwardGraph, rowElements } from '@consilium/models/onnx/forward-check.ts'
import { parameterLayout, type TensorLayout } from '@consilium/models/parameters.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { parameterCount, type StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { designColumns } from '@consilium/protos/plan/study.ts'
import { rowMarks } from '../data/row-marks.ts'
import { readSiteConfig } from '../data/site-config.ts'
import { loadStudyData } from '../data/study-data.ts'
import { openFeatures } from './features.ts'
import { type LocalEvaluation, openLocalEvaluation } from './local-evaluation.ts'
import { openLocalTraining } from './local-training.ts'
import { type Execution, float32, int64 } from './session.ts'
import type { StartTrainer, Trainer } from './trainer.ts'
import { idleLevels, zeroShare } from './zero-share.ts'

export type LocalTrainerOptions = Omit<Parameters<StartTrainer>[0], 'signal'> & {
  /** Milliseconds of a clock that only goes forward; it sizes chunks and decides nothing else. */
  readonly now: () => number
}

/** See {@link StartTrainer} for what it throws. */
export async function openLocalTrainer(options: LocalTrainerOptions): Promise<Trainer> {
  const { manifest } = options
  const { study, layout } = manifest
  const forward = checkForwardGraph(options.graph)
  checkLayout(manifest, parameterLayout(forward, study.model.from === 'onnx' ? study.model.frozen : []))
  const config = readSiteConfig(options.siteConfigPath)
  const data = await loadStudyData(config, study, options.keys.split)
  const rows = data.labels.length
  checkMatrixMemory(rows, designColumns(study.features).length, config.dataMemoryMebibytes)
  const features = await openFeatures(study, data)
  const labels = data.labels instanceof BigInt64Array ? int64(data.labels, [rows]) : float32(data.labels, [rows, 1])
  const { keys, now } = options
  const shared = {
    orderKey: keys.order,
    study,
    forward,
    layout,
    rowElements: rowElements(forward),
    execution: config.training,
    now,
  }
  const training = await openLocalTraining({ ...shared, columns: features.columns, trainRows: data.trainRows, labels })
  const evaluation = await openLocalEvaluation({ ...shared, testRows: data.testRows, labels: data.labels })
  return {
    data: {
      trainRows: data.trainRows.length,
      testRows: data.testRows.length,
      ...(data.patients !== undefined && { patients: data.patients }),
      ...(config.patientColumn !== undefined && { patientColumn: config.patientColumn }),
      droppedRows: data.droppedRows,
      remarks: [...data.remarks, ...fallbackRemarks(evaluation, config.training)],
    },
    testMarks: rowMarks(data, data.testRows, keys.marks),
    async statistics() {
      return { examples: data.trainRows.length, sums: await features.sums() }
    },
    async train(request) {
      checkParameters(manifest, request.parameters)
      const matrix = await features.under(request.standardisation)
      const result = await training.train(matrix, request)
      const idle = idleLevels(study, matrix, data.trainRows)
      return { ...result, zeroShare: zeroShare(result.update, layout, idle, matrix.columns) }
    },
    async evaluate(request) {
      checkParameters(manifest, request.parameters)
      return evaluation.evaluate(await features.under(request.standardisation), request)
    },
    async stop() {
      await training.close()
      await evaluation.close()
    },
  }
}

function fallbackRemarks({ isWhollyOnProvider }: LocalEvaluation, { executionProvider }: Execution): string[] {
  if (isWhollyOnProvider) return []
  return [
    `${executionProvider} lacks some of the model's operators: those run on the CPU, and cpu may be faster for all`,
  ]
}

/** The design matrix and its standardised twin: a study decides how many columns there are, the site how much memory. */
function checkMatrixMemory(rows: number, columns: number, mebibytesMax: number): void {
  const mebibytes = Math.ceil((2 * 4 * rows * columns) / 2 ** 20)
  if (mebibytes > mebibytesMax)
    throw new FederationError(
      'limit-exceeded',
      `${rows} rows of ${columns} design columns need ${mebibytes} MiB, over dataMemoryMebibytes of site.yaml (${mebibytesMax})`,
    )
}

function checkLayout({ layout, study }: StudyManifest, found: TensorLayout): void {
  const describe = (tensors: TensorLayout) => JSON.stringify(tensors.map(({ name, dims }) => [name, dims]))
  if (describe(layout) !== describe(found))
    throw new FederationError(
      'shape-mismatch',
      `study ${study.name}: its parameter layout is not that of its graph; the lead has to create it again`,
    )
}

function checkParameters({ layout }: StudyManifest, parameters: Float32Array): void {
  const count = parameterCount(layout)
  if (parameters.length !== count)
    throw new FederationError('shape-mismatch', `${parameters.length} parameters came, the study's model has ${count}`)
  if (!parameters.every(Number.isFinite))
    throw new FederationError('update-invalid', 'the global parameters hold a value that is not finite')
}
