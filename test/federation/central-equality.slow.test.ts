/**
 * One full-batch SGD step a round at every site, averaged under masks by exact weights, is gradient descent on the pooled
 * rows: to what float32 and the fixed-point numbers can tell apart.
 */
import { readFile } from 'node:fs/promises'
import { studySchema } from '@consilium/protos/plan/study.ts'
import { quantisation } from '@consilium/protos/secagg/fixed-point.ts'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder, pooled, preparedRows } from '../support/heart-federation.ts'
import { gradientDescent, standardise } from '../support/logistic-regression.ts'

const rounds = 100
const learningRate = 0.1
const updateNormMax = 1
const weightMax = 512

test('a hundred rounds of one full-batch step equal central gradient descent', async () => {
  await using heart = await heartFolder('synthetic', { rounds })
  await using federation = await DeployedFederation.start(heart.folder)
  const study = studySchema.parse(parse(await readFile(federation.studyPath, 'utf8')))
  const hash = await federation.createStudy({
    optimizer: { name: 'sgd', learningRate },
    localTraining: { steps: 1, batchSize: 'full' },
    updateNormMax,
    aggregation: { mode: 'secure', weights: 'exact', weightMax },
    evaluation: { everyRounds: rounds },
  })
  const view = await federation.run(hash)
  expect(view).toMatchObject({ state: 'finished', reason: '' })

  const train = pooled([...preparedRows(heart.data, study).values()].map((site) => site.train))
  const { weights, bias } = gradientDescent(standardise(train, train), learningRate, rounds)
  const bytes = await federation.object(view.parametersSha256!)
  const federated = new Float32Array(new Uint8Array(bytes).buffer)
  const differences = [...weights, bias].map((value, i) => Math.abs(value - federated[i]!))
  const rows = train.labels.length
  const bound = 1e-6 + rounds * quantisationError(federation.sites.size, rows)
  console.log(
    `largest difference ${Math.max(...differences).toExponential(2)} after ${rounds} rounds, bound ${bound.toExponential(2)}`,
  )
  expect(federated).toHaveLength(14)
  expect(Math.max(...differences)).toBeLessThan(bound)
})

/** Each site is off by at most one level (A.5): in the mean that is the number of sites / S * Wmax / sum of weights. */
function quantisationError(sites: number, weights: number): number {
  const { scale } = quantisation({ cohort: sites, updateNormMax, weightMax, rounding: 'stochastic' })
  return ((sites / scale) * weightMax) / weights
}
