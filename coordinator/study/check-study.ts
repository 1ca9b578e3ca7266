/**
 * The check of a study before it enters the federation: its signature, the forward graph against the operator list, and
 * that layout, columns and initial parameters fit the graph. Each site checks all of it again.
 */
import { forwardGraph } from '@consilium/models/forward.ts'
import { checkForwardGraph } from '@consilium/models/onnx/forward-check.ts'
import { parameterLayout } from '@consilium/models/parameters.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import { cohortMax, initialParameterMax, planBytesMax } from '@consilium/protos/limits.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import {
  parameterCount,
  type ReadStudy,
  readSignedStudy,
  type StudyManifest,
} from '@consilium/protos/plan/signed-study.ts'
import { designColumns } from '@consilium/protos/plan/study.ts'

export type CheckedStudy = { readonly signed: ReadStudy; readonly graph: Uint8Array; readonly parameters: Uint8Array }

/** `objects` are those the study names, in any order. Throws a FederationError for the first thing that does not hold. */
export async function checkStudy(signedStudy: Uint8Array, objects: AsyncIterable<Uint8Array>): Promise<CheckedStudy> {
  const signed = readSignedStudy(signedStudy)
  const { manifest } = signed
  const found = await takeObjects(manifest, objects)
  const graph = named(found, 'forward graph', manifest.graph)
  const parameters = named(found, 'initial parameters', manifest.initialParameters)
  checkGraphFits(manifest, graph)
  checkParameters(manifest, parameters)
  checkPlanSize(manifest)
  return { signed, graph, parameters }
}

/** Only objects that the study names are kept while they arrive. */
async function takeObjects(manifest: StudyManifest, objects: AsyncIterable<Uint8Array>) {
  const found = new Map<Sha256, Uint8Array>()
  for await (const bytes of objects) {
    const sha256 = sha256Hex(bytes)
    if (sha256 !== manifest.graph.sha256 && sha256 !== manifest.initialParameters.sha256)
      throw new FederationError('hash-mismatch', `study ${manifest.study.name} names no object ${sha256.slice(0, 12)}`)
    found.set(sha256, bytes)
  }
  return found
}

function named(
  found: ReadonlyMap<Sha256, Uint8Array>,
  what: string,
  object: { readonly sha256: Sha256; readonly bytes: number },
): Uint8Array {
  const bytes = found.get(object.sha256)
  if (!bytes) throw new FederationError('invalid-argument', `the ${what} did not come with the study`)
  if (bytes.length !== object.bytes)
    throw new FederationError('invalid-study', `the ${what} has ${bytes.length} bytes, the study says ${object.bytes}`)
  return bytes
}

function checkGraphFits({ study, layout }: StudyManifest, graph: Uint8Array): void {
  const model = checkForwardGraph(graph)
  const { rowDims, outputs } = forwardGraph(model, study.loss)
  const columns = designColumns(study.features).length
  if (rowDims.length !== 1 || rowDims[0] !== columns)
    throw new FederationError(
      'shape-mismatch',
      `the features make ${columns} columns, the forward graph takes rows of shape [${rowDims}]`,
    )
  const due = study.label.type === 'category' ? study.label.levels.length : 1
  if (outputs !== due)
    throw new FederationError(
      'shape-mismatch',
      `the forward graph yields ${outputs} numbers a row, the label needs ${due}`,
    )
  const frozen = study.model.from === 'onnx' ? study.model.frozen : []
  if (!canonicalJson(parameterLayout(model, frozen)).equals(canonicalJson(layout)))
    throw new FederationError('shape-mismatch', 'the layout of the study is not that of the parameters in its graph')
}

function checkParameters({ layout }: StudyManifest, bytes: Uint8Array): void {
  const count = parameterCount(layout)
  if (bytes.length !== 4 * count)
    throw new FederationError('shape-mismatch', `${count} parameters have ${4 * count} bytes, not ${bytes.length}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 0; i < count; i++)
    if (!(Math.abs(view.getFloat32(4 * i, true)) <= initialParameterMax))
      throw new FederationError(
        'invalid-study',
        `initial parameter ${i} is not a number of at most ${initialParameterMax}`,
      )
}

/** A round plan carries means and standard deviations twice, 25 characters each, and must stay within its limit. */
function checkPlanSize({ study }: StudyManifest): void {
  const columns = designColumns(study.features).length
  if (study.standardisation === 'federated' && 100 * columns + 300 * cohortMax > planBytesMax)
    throw new FederationError('limit-exceeded', `${columns} columns are too many to standardise over the federation`)
}
