/** Four trainers on the four real hospitals, averaged by hand: the model a federation of them ends with. */
import { columnStarts, columnsOf, summedValues } from '@consilium/protos/plan/columns.ts'
import type { Standardisation } from '@consilium/protos/plan/round-plan.ts'
import { standardisationFrom } from '@consilium/protos/strategy/standardisation.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTrainer } from '../../../site-agent/train/start-trainer.ts'
import type { EvaluateResult, Trainer } from '../../../site-agent/train/trainer.ts'
import { aHeartSite, heartFolder, heartSites, heartStudy, keysOfTests } from '../a-site.ts'
import { aStudyOfAModel } from '../a-study-of-a-model.ts'

const { parameters: initial, ...study } = aStudyOfAModel(heartStudy())
const watch = { onProgress: () => undefined, signal: new AbortController().signal }

describe.skipIf(!heartFolder)('the four hospitals', () => {
  let trainers: Trainer[]

  beforeAll(async () => {
    trainers = await Promise.all(
      heartSites.map((site) =>
        startTrainer({ keys: keysOfTests, siteConfigPath: aHeartSite(site), signal: watch.signal, ...study }),
      ),
    )
  })
  afterAll(async () => {
    await Promise.all(trainers.map((trainer) => trainer.stop()))
  })

  test('federated, reach an AUROC of 0.875 over all test rows and a mean accuracy of 0.78', async () => {
    const standardisation = await federatedStandardisation(trainers)
    let parameters = initial
    for (let round = 1; round <= 15; round++) {
      const results = await Promise.all(
        trainers.map((trainer) => trainer.train({ ...watch, round, parameters, standardisation })),
      )
      const examples = results.reduce((sum, result) => sum + result.examples, 0)
      parameters = parameters.map((value, i) =>
        results.reduce((sum, { update, examples: own }) => sum + (own / examples) * update[i]!, value),
      )
    }
    const results = await Promise.all(
      trainers.map((trainer) => trainer.evaluate({ ...watch, parameters, standardisation })),
    )
    expect(results.map(({ examples }) => examples)).toEqual([104, 89, 16, 45])
    expect(pooledAuroc(results)).toBeGreaterThanOrEqual(0.875)
    const accuracies = results.map(({ correct, examples }) => correct / examples)
    expect(accuracies.reduce((sum, accuracy) => sum + accuracy) / 4).toBeGreaterThanOrEqual(0.78)
  })

  test('Switzerland, with one label and a constant cholesterol, trains like the others', async () => {
    const switzerland = trainers[2]!
    expect(switzerland.data.remarks).toEqual([
      'the feature chol is the same in all 30 training rows',
      'the label disease is the same in all 30 training rows',
      expect.stringMatching(/^of 123 rows of the view left out: /),
    ])
    const standardisation = await federatedStandardisation(trainers)
    const result = await switzerland.train({ ...watch, round: 1, parameters: initial, standardisation })
    expect(result).toMatchObject({ examples: 30, steps: 100 })
    expect(Math.hypot(...result.update)).toBeGreaterThan(0.01)
  })
})

async function federatedStandardisation(trainers: readonly Trainer[]): Promise<Standardisation> {
  const all = await Promise.all(trainers.map((trainer) => trainer.statistics(watch)))
  const columns = all[0]!.sums.length / 3
  const total = Array.from({ length: 3 * columns }, (_, i) => all.reduce((sum, { sums }) => sum + sums[i]!, 0))
  const means = total.slice(columns, 2 * columns).map((sum, i) => sum / total[i]!)
  const meanSquares = total.slice(2 * columns).map((sum, i) => sum / total[i]!)
  const standardDeviations = means.map((mean, i) => Math.sqrt(meanSquares[i]! - mean * mean))
  const { features } = study.manifest.study
  const starts = columnStarts(columnsOf(features))
  const summed = columnsOf(features).map((column, i) => {
    const of = (values: number[]) => values.slice(starts[i]!, starts[i]! + summedValues([column]))
    return [column.name, { ...column, means: of(means), standardDeviations: of(standardDeviations) }] as const
  })
  return standardisationFrom(features, new Map(summed))!
}

/** From the summed histograms: every positive against every negative, ties within a bin count half. */
function pooledAuroc(results: readonly EvaluateResult[]): number {
  const bins = results[0]!.histogram.length / 2
  const pooled = Array.from({ length: 2 * bins }, (_, i) =>
    results.reduce((sum, { histogram }) => sum + histogram[i]!, 0),
  )
  const [negatives, positives] = [pooled.slice(0, bins), pooled.slice(bins)]
  let below = 0
  let wins = 0
  for (const [bin, count] of positives.entries()) {
    wins += count * (below + negatives[bin]! / 2)
    below += negatives[bin]!
  }
  return wins / (below * positives.reduce((sum, count) => sum + count))
}
