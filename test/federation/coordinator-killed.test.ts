/**
 * kill -9 of the coordinator in every phase of a secure round, and at two more seeded moments. What should happen: the
 * same round goes on with the same survivors, the model has the same bits as without any kill. What should not happen: a
 * round recruited twice, a training step run twice, two survivor sets, more than one chunk of an upload sent again.
 */
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'
import { seededNumbers } from '../support/seeded.ts'

/** 0.55 million parameters: an update of three chunks. */
const study: Partial<StudyInput> & { readonly rounds: number } = {
  model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [512, 1024] },
  localTraining: { steps: 4, batchSize: 16 },
  rounds: 5,
}

const kills = 10

test('a coordinator killed in every phase ends with the same model, and nobody works twice', async () => {
  await using heart = await heartFolder('synthetic')
  const undisturbed = await (async () => {
    await using federation = await DeployedFederation.start(heart.folder)
    return await federation.run(await federation.createStudy(study))
  })()
  expect(undisturbed).toMatchObject({ state: 'finished', reason: '' })

  await using federation = await DeployedFederation.start(heart.folder)
  const { run } = await federation.admin.startRun(await federation.createStudy(study))
  const moments: string[] = []
  for (const position of positions(20_261_122)) {
    moments.push(await reached(federation, run, position))
    await federation.killCoordinator()
    await federation.startCoordinator()
  }
  const view = await federation.watch(run)
  console.log(`killed in ${moments.join(', ')}`)
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  expect(view.parametersSha256).toBe(undisturbed.parametersSha256)
  expect(view.modelSha256).toBe(undisturbed.modelSha256)

  const log = await federation.log(run)
  const recruited = log
    .filter(({ type }) => type === 'cohort-selected')
    .map(({ body }) => `${body.purpose} ${body.round}`)
  expect(recruited).toHaveLength(1 + 2 * study.rounds)
  expect(new Set(recruited).size).toBe(recruited.length)
  const fixed = log.filter(({ type }) => type === 'survivors-fixed').map(({ body }) => body.planHash)
  expect(fixed).toHaveLength(recruited.length)
  expect(new Set(fixed).size).toBe(fixed.length)
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

const phases = [
  'recruit',
  'work',
  'advertise-keys',
  'share-keys',
  'collect-updates',
  'confirm-survivors',
  'unmask',
  'commit',
]
/** Statistics, then training and evaluation in turn. */
const exchanges = 1 + 2 * study.rounds

/** Each phase in an exchange of its own, in order, and then two places drawn from what is left. */
function positions(seed: number): number[] {
  const next = seededNumbers(seed)
  const table = phases.map((_, i) => i * phases.length + i)
  const later = exchanges - phases.length
  const drawn = Array.from({ length: kills - table.length }, () => Math.floor(next() * later * phases.length))
  return [...table, ...drawn.map((at) => phases.length ** 2 + at).sort((one, other) => one - other)]
}

/** Resolves once the run is at this position or past it, with where it is. A run that ended by then is an error. */
async function reached(federation: DeployedFederation, run: string, position: number): Promise<string> {
  for await (const { state, current } of federation.admin.watchRun(run)) {
    if (state !== 'running') throw new Error(`the run ended before it was killed often enough: ${state}`)
    if (!current) continue
    const exchange = current.purpose === 'statistics' ? 0 : 2 * current.round - (current.purpose === 'train' ? 1 : 0)
    if (exchange * phases.length + phases.indexOf(current.phase) >= position)
      return `${current.purpose} ${current.round} ${current.phase}`
  }
  throw new Error('the coordinator stopped telling of the run')
}
