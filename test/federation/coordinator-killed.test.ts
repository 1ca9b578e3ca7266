/**
 * kill -9 of the coordinator at ten seeded moments of a run. What should happen: the same round goes on, the model has
 * the same bits as without any kill. What should not happen: a round recruited twice, a training step run twice, more
 * than one chunk of an upload sent again.
 */
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'
import { seededNumbers } from '../support/seeded.ts'

/** 0.55 million parameters: an update of three chunks. */
const study = {
  model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [512, 1024] },
  localTraining: { steps: 4, batchSize: 16 },
  rounds: 6,
} as const

const kills = 10

test('a coordinator killed ten times ends with the same model, and nobody works twice', async () => {
  await using heart = await heartFolder('synthetic')
  const undisturbed = await (async () => {
    await using federation = await DeployedFederation.start(heart.folder)
    return federation.run(await federation.createStudy(study))
  })()
  expect(undisturbed).toMatchObject({ state: 'finished', reason: '' })

  await using federation = await DeployedFederation.start(heart.folder)
  const { run } = await federation.admin.startRun(await federation.createStudy(study))
  const next = seededNumbers(20_261_122)
  const moments: string[] = []
  for (let kill = 0; kill < kills; kill++) {
    moments.push(await changesLater(federation, run, 1 + Math.floor(next() * 14)))
    await federation.killCoordinator()
    await federation.startCoordinator()
  }
  const view = await federation.watch(run)
  console.log(`killed in ${moments.join(', ')}`)
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  expect(view.parametersSha256).toBe(undisturbed.parametersSha256)
  expect(view.modelSha256).toBe(undisturbed.modelSha256)

  const recruited = (await federation.log(run))
    .filter(({ type }) => type === 'cohort-selected')
    .map(({ body }) => `${body.purpose} ${body.round}`)
  expect(recruited).toHaveLength(1 + 2 * study.rounds)
  expect(new Set(recruited).size).toBe(recruited.length)
  for (const site of federation.sites.values()) {
    const started = site.events.flatMap((event) => (event.type === 'work-started' ? [event.planHash] : []))
    expect(new Set(started).size).toBe(started.length)
    expect(started).toHaveLength(recruited.length)
    await site.stop()
    const due = site.events.reduce((sum, event) => sum + (event.type === 'work-done' ? event.bytes : 0), 0)
    const sent = (await site.egress()).get('upload') ?? 0
    // A header and the framing of three chunks come with each update and each attempt.
    const framing = 300 * (recruited.length + kills)
    expect(sent - due).toBeLessThanOrEqual(kills * chunkBytesMax + framing)
  }
})

/** Waits for so many changes of the run; resolves with where it then is. A run that ended by then is an error. */
async function changesLater(federation: DeployedFederation, run: string, count: number): Promise<string> {
  let changes = 0
  for await (const view of federation.admin.watchRun(run)) {
    changes += 1
    if (view.state !== 'running') throw new Error(`the run ended before it was killed often enough: ${view.state}`)
    if (changes < count) continue
    return `${view.current?.purpose} ${view.current?.round} ${view.current?.phase}`
  }
  throw new Error('the coordinator stopped telling of the run')
}
