/** The finished model of a run: preprocessing, forward graph and trained parameters in one ONNX file, kept as an object. */
import { exportModel } from '@consilium/models/export.ts'
import { decodeModel, encodeModel } from '@consilium/models/onnx/codec.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Run } from '../run/state.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { readFloats } from './floats.ts'

export async function storeFinishedModel(run: Run, objects: ObjectStore): Promise<Sha256> {
  const { study, layout, graph } = run.manifest
  const model = exportModel({
    study,
    forward: decodeModel(await objects.get(graph.sha256)),
    layout,
    parameters: readFloats(await objects.get(run.parameters)),
    ...(run.standardisation && { standardisation: run.standardisation }),
  })
  return (await objects.put(encodeModel(model))).sha256
}
