/** The reference models a study can name instead of bringing an ONNX file. */
import type { Study } from '@consilium/protos/plan/study.ts'
import type { Model } from '../onnx/graph.ts'
import { logisticRegression } from './logistic-regression.ts'
import { multiLayerPerceptron } from './multi-layer-perceptron.ts'

export type ZooChoice = Extract<Study['model'], { from: 'zoo' }>

/** The forward graph: `features` columns of the design matrix in, `outputs` logits out. */
export function zooModel(choice: ZooChoice, { features, outputs }: { features: number; outputs: number }): Model {
  switch (choice.name) {
    case 'logistic-regression':
      return logisticRegression(features, outputs)
    case 'multi-layer-perceptron':
      return multiLayerPerceptron(features, outputs, choice)
  }
}
