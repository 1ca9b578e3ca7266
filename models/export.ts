/**
 * The finished model as one ONNX file that takes raw features by name: preprocessing, forward graph and trained
 * parameters together, so that any onnxruntime gives the probabilities the sites evaluated.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Feature, Label, Study } from '@consilium/protos/plan/study.ts'
import { forwardGraph, inlineForward } from './forward.ts'
import { losses } from './losses.ts'
import { int } from './onnx/attributes.ts'
import { type GraphBuilder, graphBuilder, type Ref } from './onnx/builder.ts'
import { checkGraph } from './onnx/check.ts'
import { type Documented, type Graph, type Model, modelOf } from './onnx/graph.ts'
import { type TensorLayout, withParameters } from './parameters.ts'
import { design, type Standardisation, standardise, standardiseByInputs } from './preprocess.ts'

export type ExportOptions = {
  readonly study: Pick<Study, 'name' | 'title' | 'features' | 'label' | 'loss' | 'standardisation'>
  readonly forward: Model
  readonly layout: TensorLayout
  readonly parameters: Float32Array
  /** The federation's means and deviations, where the study standardises by them. */
  readonly standardisation?: Standardisation
}

/**
 * Inputs: as `designGraph`; where each site standardises by its own means, also those, as `standardiseByInputs` names
 * them, for the model knows none. Outputs: `probability` float32 [N] for a binary label; `probabilities` float32 [N,K] and
 * `predicted` [N], the likeliest level (string, or float32 where levels are numbers), for classes; `prediction`
 * float32 [N] for a number.
 */
export function exportModel({ study, forward, layout, parameters, standardisation }: ExportOptions): Model {
  const trained = forwardGraph(withParameters(forward, layout, parameters), study.loss)
  const g = graphBuilder()
  const matrix = design(g, study.features)
  const x = scaledMatrix(g, study, standardisation, matrix)
  const logits = inlineForward(g, trained, x, [], [])
  const scores = g.within('scores', () => losses[study.loss].scores(g, logits))
  if (study.label.type === 'category') {
    g.output('probabilities', scores)
    g.output(
      'predicted',
      g.within('predicted', () => likeliest(g, study.label, logits)),
    )
  } else g.output(study.label.type === 'binary' ? 'probability' : 'prediction', scores)
  const graph = documentInputs(g.finish(study.name.replaceAll('-', '_'), { doc: study.title }), study.features)
  return modelOf(checkGraph(graph), documentation(study))
}

function scaledMatrix(g: GraphBuilder, study: ExportOptions['study'], given: Standardisation | undefined, x: Ref): Ref {
  if ((study.standardisation === 'federated') !== (given !== undefined))
    throw new FederationError(
      'invalid-argument',
      `the study's standardisation is ${study.standardisation}: means and deviations ${given ? 'have no place' : 'are missing'} in its export`,
    )
  if (given) return standardise(g, study.features, given, x)
  return study.standardisation === 'per-site' ? standardiseByInputs(g, study.features, x) : x
}

function likeliest(g: GraphBuilder, label: Label, logits: Ref): Ref {
  const levels = label.type === 'category' ? label.levels : []
  const text = typeof levels[0] === 'string'
  const dims = [levels.length]
  const table = g.initializer(
    text
      ? { name: 'levels', type: 'string', dims, data: levels.map(String) }
      : { name: 'levels', type: 'float32', dims, data: Float32Array.from(levels, Number) },
  )
  return g.gather(table, g.op('ArgMax', [logits], { axis: int(-1), keepdims: int(0) }))
}

function documentation({ name, title, features, label }: ExportOptions['study']): Documented {
  return {
    doc: `${title}: ${label.name} from ${features.length} features, trained by federated averaging.`,
    metadata: {
      study: name,
      label: JSON.stringify(label),
      features: JSON.stringify(features),
    },
  }
}

function documentInputs(graph: Graph, features: readonly Feature[]): Graph {
  const inputs = graph.inputs.map((input) => {
    const feature = features.find(({ name }) => name === input.name)
    return { ...input, doc: feature ? describe(feature) : 'of the site, one per column of the design matrix' }
  })
  return { ...graph, inputs }
}

function describe(feature: Feature): string {
  if (feature.type === 'category') return `one of ${feature.levels.join(', ')}`
  if (feature.type === 'boolean') return '1 for yes, 0 for no'
  const range = feature.range ? `, from ${feature.range[0]} to ${feature.range[1]}` : ''
  return `a number${feature.unit ? ` in ${feature.unit}` : ''}${range}`
}
