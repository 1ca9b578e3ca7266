/** A small valid study and its manifest, to be changed by the test that uses it. */
import { createHash } from 'node:crypto'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { type StudyInput, studySchema } from '@consilium/protos/plan/study.ts'

export const aStudy: StudyInput = {
  name: 'heart-disease',
  title: 'Heart disease in four hospitals',
  model: { from: 'zoo', name: 'logistic-regression' },
  features: [
    { name: 'age', type: 'number', range: [0, 120] },
    { name: 'exang', type: 'boolean' },
    { name: 'cp', type: 'category', levels: [1, 2, 3, 4] },
  ],
  label: { name: 'disease', type: 'binary' },
  loss: 'binary-cross-entropy',
  optimizer: { name: 'sgd', learningRate: 0.01 },
  localTraining: { steps: 100, batchSize: 4 },
  rounds: 15,
}

export function aManifest(changes: Partial<StudyManifest> = {}): StudyManifest {
  const object = (text: string) => ({ sha256: createHash('sha256').update(text).digest('hex'), bytes: text.length })
  return {
    format: 1,
    study: studySchema.parse(aStudy),
    graph: object('graph'),
    layout: [
      { name: 'weight', dims: [5, 1] },
      { name: 'bias', dims: [1] },
    ],
    initialParameters: object('initial parameters'),
    ...changes,
  }
}
