/**
 * Turns a study file into what is signed and stored: the forward graph, its parameter layout, the initial parameters, and
 * the manifest that names them by hash. Runs where the lead's key is, never at the coordinator.
 */
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { forwardGraph } from '@consilium/models/forward.ts'
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { checkForwardGraph } from '@consilium/models/onnx/forward-check.ts'
import type { Model } from '@consilium/models/onnx/graph.ts'
import { initialParameters, parameterBytes, parameterLayout, readParameters } from '@consilium/models/parameters.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { type ErrorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import { graphBytesMax, planBytesMax } from '@consilium/protos/limits.ts'
import type { RunId, Sha256 } from '@consilium/protos/plan/names.ts'
import { readStudyFile } from '@consilium/protos/plan/read-study-file.ts'
import { type SignedStudy, signStudy, type TensorLayout } from '@consilium/protos/plan/signed-study.ts'
import { designColumns, type Study, type StudyDefaults } from '@consilium/protos/plan/study.ts'
import type { StudyObject } from './admin-client.ts'

export type MadeStudy = {
  readonly signed: SignedStudy
  /** The forward graph, then the initial parameters. */
  readonly objects: readonly StudyObject[]
}

/** What an earlier run ended with, and what of its study it is the model of. */
export type EarlierModel = {
  readonly run: RunId
  readonly parameters: Uint8Array
  readonly graph: Sha256
  readonly layout: TensorLayout
}

/**
 * Reads, builds, checks and signs. `from`: starts where that run ended, whatever the file says. `defaults`: what its file may leave open, such as for how many sites it is planned. Throws `invalid-study`, `invalid-onnx`, `operator-refused` or `shape-mismatch`.
 */
export async function makeStudy(
  studyPath: string,
  lead: Identity,
  defaults: StudyDefaults = {},
  from?: EarlierModel,
): Promise<MadeStudy> {
  const bytes = await readLimited(studyPath, planBytesMax, 'invalid-study')
  const study = startingFrom(from, readStudyFile(bytes, basename(studyPath), defaults))
  const given = await forwardModel(study, studyPath)
  const { model, layout } = ofModel(study, () => {
    const model = checkForwardGraph(given)
    checkShape(study, model)
    return { model, layout: layoutOf(study, model) }
  })
  const graph = named(encodeModel(model))
  if (from) checkSameModel(from, graph.sha256, layout)
  const parameters = named(from?.parameters ?? parameterBytes(startOf(study, model, layout)))
  const manifest = {
    format: 1 as const,
    study,
    graph: { sha256: graph.sha256, bytes: graph.bytes.length },
    layout: layout.map(({ name, dims }) => ({ name, dims: [...dims] })),
    initialParameters: { sha256: parameters.sha256, bytes: parameters.bytes.length },
  }
  return { signed: signStudy(manifest, lead), objects: [graph, parameters] }
}

function startingFrom(from: EarlierModel | undefined, study: Study): Study {
  if (from) return { ...study, initialParameters: { run: from.run } }
  if (typeof study.initialParameters === 'object' && 'run' in study.initialParameters)
    throw new FederationError(
      'invalid-study',
      `initialParameters names a run: say it to the command, which fetches its model (--from-run ${study.initialParameters.run})`,
    )
  return study
}

/** Parameters of another graph, or in another order, would be another model. */
function checkSameModel({ run, graph, layout }: EarlierModel, own: Sha256, ownLayout: TensorLayout): void {
  if (graph === own && canonicalJson(layout).equals(canonicalJson(ownLayout))) return
  throw new FederationError(
    'shape-mismatch',
    `run ${run} trained another model than this study has: leave model, features and label as they were`,
  )
}

function named(bytes: Uint8Array): StudyObject {
  return { sha256: sha256Hex(bytes), bytes }
}

async function forwardModel({ model, features, label }: Study, studyPath: string): Promise<Model | Uint8Array> {
  if (model.from === 'zoo')
    return zooModel(model, {
      features: designColumns(features).length,
      outputs: label.type === 'category' ? label.levels.length : 1,
    })
  return readLimited(resolve(dirname(studyPath), model.path), graphBytesMax, 'invalid-onnx')
}

/** Puts the file's name before what is wrong with a lead's own model. */
function ofModel<T>({ model }: Study, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (model.from !== 'onnx' || !(error instanceof FederationError)) throw error
    throw new FederationError(error.code, `${model.path}: ${error.message}`, { cause: error })
  }
}

/** The model must take the study's design columns and yield one logit per class (or one number). */
function checkShape({ features, label, loss }: Study, model: Model): void {
  const { rowDims, outputs } = forwardGraph(model, loss)
  const columns = designColumns(features).length
  if (rowDims.length !== 1 || rowDims[0] !== columns)
    throw new FederationError(
      'shape-mismatch',
      `the model takes rows of shape [${rowDims}], the features of the study make ${columns} columns`,
    )
  const due = label.type === 'category' ? label.levels.length : 1
  if (outputs !== due)
    throw new FederationError('shape-mismatch', `the model yields ${outputs} numbers a row, the label needs ${due}`)
}

function layoutOf({ model: choice }: Study, model: Model): TensorLayout {
  const layout = parameterLayout(model, choice.from === 'onnx' ? choice.frozen : [])
  if (layout.length === 0)
    throw new FederationError(
      'invalid-onnx',
      'the model has nothing to train: every float32 tensor in it is frozen or unused',
    )
  return layout.map(({ name, dims }) => ({ name, dims: [...dims] }))
}

function startOf({ initialParameters: start }: Study, model: Model, layout: TensorLayout): Float32Array {
  if (start === 'from-model' || !('seed' in start)) return readParameters(model, layout)
  return initialParameters(model, layout, start.seed)
}

async function readLimited(path: string, bytesMax: number, code: ErrorCode): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size > bytesMax)
      throw new FederationError('limit-exceeded', `${path} has ${size} bytes, at most ${bytesMax} are allowed`)
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof FederationError) throw cause
    throw new FederationError(code, `cannot read ${path}: ${errorMessage(cause)}`, { cause })
  }
}
