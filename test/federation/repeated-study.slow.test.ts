/** The same study at the same sites with the same survivors gives the same model, bit for bit, however often it is run. */
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

const perceptron: Partial<StudyInput> = {
  model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [5] },
  localTraining: { steps: 30, batchSize: 8 },
  rounds: 2,
  evaluation: { everyRounds: 2 },
}

test('two runs of one perceptron have the same parameters', async () => {
  await using heart = await heartFolder('synthetic')
  await using federation = await DeployedFederation.start(heart.folder)
  const study = await federation.createStudy(perceptron)
  const [first, second] = [await federation.run(study), await federation.run(study)]
  expect(first).toMatchObject({ state: 'finished', reason: '' })
  expect(second).toMatchObject({ state: 'finished', reason: '', parametersSha256: first.parametersSha256! })
  expect(second.run).not.toBe(first.run)
})
