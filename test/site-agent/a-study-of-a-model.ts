/** A study with its forward graph, as the coordinator makes it: what a trainer is started with. */
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import type { Model } from '@consilium/models/onnx/graph.ts'
import { initialParameters, parameterCount, parameterLayout } from '@consilium/models/parameters.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { type StudyManifest, studyManifestSchema } from '@consilium/protos/plan/signed-study.ts'
import { designColumns, type Study } from '@consilium/protos/plan/study.ts'

export type StudyOfAModel = {
  readonly manifest: StudyManifest
  readonly graph: Uint8Array
  readonly parameters: Float32Array
}

export function aStudyOfAModel(study: Study, model: Model = modelOfStudy(study)): StudyOfAModel {
  const graph = encodeModel(model)
  const layout = parameterLayout(model)
  const parameters = initialParameters(model, layout, 0)
  const manifest = studyManifestSchema.parse({
    format: 1,
    study,
    graph: { sha256: sha256Hex(graph), bytes: graph.length },
    layout,
    initialParameters: { sha256: sha256Hex(new Uint8Array(parameters.buffer)), bytes: 4 * parameterCount(layout) },
  })
  return { manifest, graph, parameters }
}

function modelOfStudy(study: Study): Model {
  if (study.model.from !== 'zoo') throw new Error('give the model')
  const outputs = study.label.type === 'category' ? study.label.levels.length : 1
  return zooModel(study.model, { features: designColumns(study.features).length, outputs })
}
