/** The evaluation of a model on rows: the score of each and its loss, with the parameters as an input. */
import type { Loss } from '@consilium/protos/plan/study.ts'
import { forwardGraph, inlineForward } from './forward.ts'
import { losses } from './losses.ts'
import { graphBuilder } from './onnx/builder.ts'
import { checkGraph } from './onnx/check.ts'
import { type Model, modelOf } from './onnx/graph.ts'
import { checkLayout, parameterCount, splitParameters, type TensorLayout } from './parameters.ts'

export type EvaluationOptions = { readonly forward: Model; readonly layout: TensorLayout; readonly loss: Loss }

/**
 * Inputs: `features` float32 [N, ...row]; `labels` float32 [N,1], or int64 [N] for classes; `parameters` float32 [d].
 * Outputs: `scores` float32, probabilities [N] (binary) or [N,K] (classes), or predictions [N] (numbers); `losses`
 * float32 [N].
 */
export function evaluationGraph({ forward: model, layout, loss: name }: EvaluationOptions): Model {
  const forward = forwardGraph(model, name)
  checkLayout(model, layout)
  const loss = losses[name]
  const g = graphBuilder()
  const features = g.input('features', 'float32', ['rows', ...forward.rowDims])
  const labels = g.input('labels', loss.labelType, loss.labelRank === 2 ? ['rows', 1] : ['rows'])
  const parameters = g.input('parameters', 'float32', [parameterCount(layout)])
  const logits = inlineForward(g, forward, features, layout, splitParameters(g, layout, parameters))
  const targets = g.within('targets', () => loss.targets(g, labels, forward.outputs))
  g.output(
    'scores',
    g.within('scores', () => loss.scores(g, logits)),
  )
  g.output(
    'losses',
    g.within('losses', () => loss.rowLosses(g, logits, targets)),
  )
  return modelOf(checkGraph(g.finish('evaluation')))
}
