/**
 * Where a study's model comes from, found out here and not believed (fedsum, section E.5): the site builds the zoo's graph and
 * draws the parameters from the seed itself, and compares hashes. A crafted graph or crafted parameters can make one update
 * hold single records; what the zoo builds was not made for that.
 */
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { checkForwardGraph } from '@consilium/models/onnx/forward-check.ts'
import { initialParameters, parameterBytes, parameterLayout } from '@consilium/models/parameters.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { designColumns } from '@consilium/protos/plan/study.ts'

export type Origin = {
  /** `zoo`: byte for byte what this site builds itself for the study's choice. */
  readonly graph: 'zoo' | 'own'
  /** `rule`: what this site draws from the seed, or a model that an earlier run made, which it computed or took by signatures. */
  readonly parameters: 'rule' | 'own'
}

/** Above, a model is not built only to be compared; bytes 4 times that. */
const parametersMax = 2 ** 24

const known = new Map<Sha256, Origin>()
const knownMax = 100

/** `isFromRun`: whether a run of this federation made a model of that hash, as this site knows. Kept by the study's hash. */
export function originOf(
  { hash, manifest }: { readonly hash: Sha256; readonly manifest: StudyManifest },
  isFromRun: (parameters: Sha256) => boolean,
): Origin {
  const origin = known.get(hash) ?? builtHere(manifest)
  if (known.size >= knownMax) known.clear()
  known.set(hash, origin)
  if (origin.parameters === 'own' && isFromRun(manifest.initialParameters.sha256))
    return { ...origin, parameters: 'rule' }
  return origin
}

function builtHere({ study, graph, initialParameters: named }: StudyManifest): Origin {
  const { model, features, label } = study
  const columns = designColumns(features).length
  const outputs = label.type === 'category' ? label.levels.length : 1
  if (model.from !== 'zoo') return { graph: 'own', parameters: 'own' }
  const widths = [columns, ...('hidden' in model ? model.hidden : []), outputs]
  const size = widths.slice(1).reduce((sum, width, i) => sum + (widths[i]! + 1) * width, 0)
  if (size > parametersMax) return { graph: 'own', parameters: 'own' }
  const built = checkForwardGraph(zooModel(model, { features: columns, outputs }))
  const isGraph = sha256Hex(encodeModel(built)) === graph.sha256
  const start = study.initialParameters
  if (!isGraph || start === 'from-model' || !('seed' in start))
    return { graph: isGraph ? 'zoo' : 'own', parameters: 'own' }
  const drawn = initialParameters(built, parameterLayout(built), start.seed)
  return { graph: 'zoo', parameters: sha256Hex(parameterBytes(drawn)) === named.sha256 ? 'rule' : 'own' }
}
