/** How training is cut into chunks: short enough to be called off, and without a trace in the result. */
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openLocalTrainer } from '../../../site-agent/train/local-trainer.ts'
import type { TrainCheckpoint, Trainer } from '../../../site-agent/train/trainer.ts'
import { aCsvSite, aSmallStudy, keysOfTests } from '../a-site.ts'
import { aStudyOfAModel } from '../a-study-of-a-model.ts'

const lines = Array.from({ length: 30 }, (_, i) => `${((i * 7) % 11) / 5},${i % 2},train`)
const path = aCsvSite(`x,y,side\n${lines.join('\n')}\n`, { x: 'DOUBLE', y: 'BIGINT', side: 'VARCHAR' })

/** A trainer whose clock says that the n-th chunk took `chunkMs[n]`. */
async function trainerWith(
  optimizer: StudyInput['optimizer'],
  chunkMs: readonly number[],
  steps = 60,
): Promise<Trainer & { parameters: Float32Array }> {
  const study = aSmallStudy({ optimizer, standardisation: 'none', localTraining: { steps, batchSize: 4 } })
  const { parameters, ...rest } = aStudyOfAModel(study)
  let calls = 0
  let ms = 0
  const now = () => {
    if (calls++ % 2 === 1) ms += chunkMs[Math.floor(calls / 2) % chunkMs.length]!
    return ms
  }
  return { ...(await openLocalTrainer({ keys: keysOfTests, siteConfigPath: path, ...rest, now })), parameters }
}

async function train(trainer: Trainer & { parameters: Float32Array }) {
  const chunks: number[] = []
  const onProgress = (done: number) => chunks.push(done)
  const { parameters } = trainer
  const result = await trainer.train({ round: 1, parameters, onProgress, signal: new AbortController().signal })
  return { result, chunks }
}

test.for([
  { name: 'sgd', learningRate: 0.1 },
  { name: 'momentum', learningRate: 0.1 },
  { name: 'adam', learningRate: 0.1 },
] as const)('$name: however the steps are cut, the update is the same to the bit', async (optimizer) => {
  const whole = await train(await trainerWith(optimizer, [0]))
  const lengths = new Set([whole.chunks.length])
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 6 }), async (chunkMs) => {
      const cut = await train(await trainerWith(optimizer, chunkMs))
      lengths.add(cut.chunks.length)
      expect(cut.result.update).toEqual(whole.result.update)
    }),
    { numRuns: 5, seed: 2 },
  )
  expect(lengths.size).toBeGreaterThan(2)
})

test('a chunk holds as many steps as fit in a quarter of a second, and ends with a quarter of all', async () => {
  const slow = await train(await trainerWith({ name: 'sgd', learningRate: 0.1 }, [300]))
  expect(slow.chunks.slice(0, 3)).toEqual([1, 2, 3])
  const quick = await train(await trainerWith({ name: 'sgd', learningRate: 0.1 }, [1], 120))
  expect(quick.chunks).toEqual([1, 17, 30, 60, 90, 120])
})

test('a round starts with what the round before has learnt of the speed', async () => {
  const trainer = await trainerWith({ name: 'sgd', learningRate: 0.1 }, [1])
  await train(trainer)
  expect((await train(trainer)).chunks[0]).toBeGreaterThan(1)
})

test.for([
  { name: 'sgd', learningRate: 0.1 },
  { name: 'momentum', learningRate: 0.1 },
  { name: 'adam', learningRate: 0.1 },
] as const)('$name: from any checkpoint on, the rest ends in the same update to the bit', async (optimizer) => {
  const { checkpoints, result: whole } = await trainKeeping(await trainerWith(optimizer, [300]))
  expect(checkpoints.map(({ steps }) => steps).slice(0, 3)).toEqual([1, 2, 3])
  for (const from of checkpoints.filter((_, i) => i % 13 === 0)) {
    const trainer = await trainerWith(optimizer, [1, 700])
    const rest = await trainKeeping(trainer, from)
    expect(rest.chunks[0]).toBe(from.steps)
    expect(rest.result).toEqual({ ...whole, loss: expect.closeTo(whole.loss, 6) })
  }
})

test('a checkpoint of other rows, another start or another optimizer is not heeded', async () => {
  const sgd = { name: 'sgd', learningRate: 0.1 } as const
  const { checkpoints, result: whole } = await trainKeeping(await trainerWith(sgd, [300]))
  const from = checkpoints[30]!
  for (const other of [
    { ...from, data: 'ab'.repeat(32) },
    { ...from, parameters: from.parameters.slice(1) },
    { ...from, optimizerState: new Float32Array(1) },
    { ...from, steps: 60 },
  ]) {
    const again = await trainKeeping(await trainerWith(sgd, [300]), other)
    expect([again.chunks[0], again.result]).toEqual([1, { ...whole, loss: expect.closeTo(whole.loss, 6) }])
  }
})

test('what takes long to keep is kept as seldom as makes a twentieth of the time', async () => {
  const trainer = await trainerWith({ name: 'sgd', learningRate: 0.1 }, [300])
  const { checkpoints } = await trainKeeping(trainer, undefined, 150)
  // Ten chunks of 300 ms to each of 150 ms of keeping, once it is known what that takes.
  expect(checkpoints.map(({ steps }) => steps)).toEqual([1, 2, 12, 22, 32, 42, 52])
})

test('what is sooner done again than kept is not kept, however many chunks it has', async () => {
  const { chunks, checkpoints } = await trainKeeping(await trainerWith({ name: 'sgd', learningRate: 0.1 }, [60], 240))
  expect(chunks.length).toBeGreaterThan(6)
  // Of 60 ms each: every third is kept.
  expect(checkpoints.map(({ steps }) => steps)).toEqual(chunks.filter((steps, i) => i % 3 === 2 && steps < 240))
})

async function trainKeeping(trainer: Trainer & { parameters: Float32Array }, from?: TrainCheckpoint, keepingMs = 0) {
  const chunks: number[] = []
  const checkpoints: TrainCheckpoint[] = []
  const result = await trainer.train({
    round: 1,
    parameters: trainer.parameters,
    onProgress: (done) => chunks.push(done),
    onCheckpoint: async (checkpoint) => {
      checkpoints.push(structuredClone(checkpoint))
      return keepingMs
    },
    ...(from && { from }),
    signal: new AbortController().signal,
  })
  return { result, chunks, checkpoints }
}
