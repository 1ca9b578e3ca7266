/** One full-batch SGD step a round at every site, averaged by examples, is gradient descent on the pooled rows. */
import { readFile } from 'node:fs/promises'
import { studySchema } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder, pooled, preparedRows } from '../support/heart-federation.ts'
import { gradientDescent, standardise } from '../support/logistic-regression.ts'

const rounds = 100
const learningRate = 0.1

test('a hundred rounds of one full-batch step equal central gradient descent to 1e-6 a parameter', async () => {
  await using heart = await heartFolder('synthetic', { rounds })
  await using federation = await DeployedFederation.start(heart.folder)
  const study = studySchema.parse(parse(await readFile(federation.studyPath, 'utf8')))
  const hash = await federation.createStudy({
    optimizer: { name: 'sgd', learningRate },
    localTraining: { steps: 1, batchSize: 'full' },
    evaluation: { everyRounds: rounds },
  })
  const view = await federation.run(hash)
  expect(view).toMatchObject({ state: 'finished', reason: '' })

  const train = pooled([...preparedRows(heart.data, study).values()].map((site) => site.train))
  const { weights, bias } = gradientDescent(standardise(train, train), learningRate, rounds)
  const bytes = await federation.object(view.parametersSha256!)
  const federated = new Float32Array(new Uint8Array(bytes).buffer)
  const differences = [...weights, bias].map((value, i) => Math.abs(value - federated[i]!))
  console.log(`largest difference ${Math.max(...differences).toExponential(2)} after ${rounds} rounds`)
  expect(federated).toHaveLength(14)
  expect(Math.max(...differences)).toBeLessThan(1e-6)
})
