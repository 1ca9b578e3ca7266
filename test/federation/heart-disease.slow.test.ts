/** What the demo promises on the real hospitals: the benchmark's figures, and the model that leaves is the one evaluated. */
import { readFile } from 'node:fs/promises'
import { studySchema } from '@consilium/protos/plan/study.ts'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder, pooled, preparedRows, type SplitRows, skipWithoutRealData } from '../support/heart-federation.ts'
import { areaUnderCurve, gradientDescent, probability, type Rows, standardise } from '../support/logistic-regression.ts'

test.skipIf(skipWithoutRealData)(
  'over five seeds the benchmark is beaten, and model.onnx repeats the figures',
  async () => {
    await using heart = await heartFolder('folder', { rounds: 15 })
    await using federation = await DeployedFederation.start(heart.folder)
    const study = studySchema.parse(parse(await readFile(federation.studyPath, 'utf8')))
    const rows = preparedRows(heart.data, study)
    const aurocs: number[] = []
    const accuracies: number[] = []
    for (const seed of [0, 1, 2, 3, 4]) {
      const view = await federation.run(
        await federation.createStudy({ seed, initialParameters: { seed }, evaluation: { everyRounds: 15 } }),
      )
      expect(view).toMatchObject({ state: 'finished', reason: '' })
      const model = await federation.object(view.modelSha256!)
      const figures = await bareFigures(model, rows)
      const last = view.rounds.at(-1)!
      // The pooled histogram counts ties within a bin as half, so its area is that of the scores up to those ties.
      expect(last.auroc!).toBeCloseTo(figures.auroc, 2)
      expect(last.accuracy!).toBeCloseTo(figures.accuracy, 12)
      expect(last.loss!).toBeCloseTo(figures.loss, 6)
      // The sites' own figures stay with them; the mean is known to 2^-20.
      expect(view.final).toEqual([])
      expect(last.meanSiteAccuracy!).toBeCloseTo(mean([...figures.sites.values()].map((own) => own.accuracy)), 5)
      for (const [name, own] of figures.sites) {
        const told = federation.sites.get(name)!.events.findLast((event) => event.type === 'evaluated')
        expect(told).toMatchObject({ run: view.run, examples: rows.get(name)!.test.labels.length })
        if (told?.type !== 'evaluated') continue
        expect(told.accuracy).toBe(own.accuracy)
        expect(Math.abs(told.loss! - own.loss)).toBeLessThan(1e-6)
      }
      aurocs.push(last.auroc!)
      accuracies.push(last.meanSiteAccuracy!)
    }
    console.log(
      `AUROC ${aurocs.map((value) => value.toFixed(4))}; mean accuracy ${accuracies.map((v) => v.toFixed(4))}`,
    )
    expect(median(aurocs)).toBeGreaterThanOrEqual(0.875)
    expect(median(accuracies)).toBeGreaterThanOrEqual(0.78)
  },
)

test.skipIf(skipWithoutRealData)(
  'with the hash split, federated training is within 0.02 of central training',
  async () => {
    await using heart = await heartFolder('folder', { rounds: 15, hashSplit: true })
    await using federation = await DeployedFederation.start(heart.folder)
    const study = studySchema.parse(parse(await readFile(federation.studyPath, 'utf8')))
    const view = await federation.run(await federation.createStudy({ evaluation: { everyRounds: 15 } }))
    const sites = [...preparedRows(heart.data, study).values()]
    const train = pooled(sites.map((site) => site.train))
    const test = standardise(pooled(sites.map((site) => site.test)), train)
    const central = gradientDescent(standardise(train, train), 0.1, 1500)
    const auroc = areaUnderCurve(
      test.features.map((x) => probability(central, x)),
      test.labels,
    )
    console.log(`federated AUROC ${view.rounds.at(-1)!.auroc!.toFixed(4)}, central ${auroc.toFixed(4)}`)
    expect(Math.abs(view.rounds.at(-1)!.auroc! - auroc)).toBeLessThan(0.02)
  },
)

/** Figures of an exported model run by a bare onnxruntime session on raw features. */
async function bareFigures(model: Uint8Array, sites: ReadonlyMap<string, SplitRows>) {
  const session = await InferenceSession.create(model)
  const figures = new Map<string, { readonly accuracy: number; readonly loss: number }>()
  const all: number[] = []
  const [allCorrect, allLosses]: [number[], number[]] = [[], []]
  for (const [site, { test }] of sites) {
    const scores = await bareScores(session, test)
    all.push(...scores)
    const ofTruth = scores.map((score, i) => (test.labels[i] === 1 ? score : 1 - score))
    const correct = scores.filter((score, i) => (score >= 0.5 ? 1 : 0) === test.labels[i])
    const losses = ofTruth.map((p) => -Math.log(p))
    figures.set(site, { accuracy: correct.length / scores.length, loss: mean(losses) })
    allCorrect.push(correct.length)
    allLosses.push(...losses)
  }
  const accuracy = allCorrect.reduce((sum, count) => sum + count, 0) / allLosses.length
  return {
    sites: figures,
    accuracy,
    loss: mean(allLosses),
    auroc: areaUnderCurve(all, pooled([...sites.values()].map(({ test }) => test)).labels),
  }
}

/** The model takes the study's features as they stand in a record, one input each. */
async function bareScores(session: InferenceSession, { features }: Rows): Promise<number[]> {
  const column = (value: (x: readonly number[]) => number) =>
    new Tensor('float32', Float32Array.from(features, value), [features.length, 1])
  const level = (x: readonly number[], from: number, levels: number[], otherwise: number) =>
    levels.find((_, i) => x[from + i] === 1) ?? otherwise
  const { probability } = await session.run({
    age: column((x) => x[0]!),
    male: column((x) => x[1]!),
    resting_blood_pressure: column((x) => x[2]!),
    cholesterol: column((x) => x[3]!),
    fasting_sugar_high: column((x) => x[4]!),
    heart_rate_max: column((x) => x[5]!),
    exercise_angina: column((x) => x[6]!),
    st_depression: column((x) => x[7]!),
    chest_pain: column((x) => level(x, 8, [2, 3, 4], 1)),
    resting_ecg: column((x) => level(x, 11, [1, 2], 0)),
  })
  return Array.from(probability!.data as Float32Array)
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
