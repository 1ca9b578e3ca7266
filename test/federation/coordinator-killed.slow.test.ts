/**
 * kill -9 of the coordinator in every phase of a secure round. What should happen: the same round goes on with all its
 * survivors, and the model is that of an undisturbed run, bit for bit. What should not happen: a round recruited twice, a training step run twice, two survivor sets, more than one chunk of an
 * upload sent again.
 */
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

/** 0.55 million parameters: an update of three chunks. */
const study: Partial<StudyInput> & { readonly rounds: number } = {
  model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [512, 1024] },
  localTraining: { steps: 4, batchSize: 16 },
  rounds: 4,
  // Every site waits for the coordinator to be back, and the coordinator for every site.
  deadlines: { absentMs: 120_000 },
}

test('a coordinator killed in every phase ends with the same model, and nobody works twice', async () => {
  await using heart = await heartFolder('synthetic')
  await using federation = await DeployedFederation.start(heart.folder)
  const hash = await federation.createStudy(study)
  const { run } = await federation.admin.startRun(hash)
  const moments: string[] = []
  for (const position of positions) {
    moments.push(await reached(federation, run, position))
    await federation.killCoordinator()
    await federation.startCoordinator()
  }
  const view = await federation.watch(run)
  console.log(`killed in ${moments.join(', ')}`)
  // Afterwards: a second run takes the means of the first, and has no statistics to kill the coordinator in.
  const undisturbed = await federation.run(hash)
  expect(undisturbed).toMatchObject({ state: 'finished', reason: '' })
  expect(view).toMatchObject({ state: 'finished', reason: '', parametersSha256: undisturbed.parametersSha256! })
  const everybody = [...federation.sites.keys()].sort()
  expect(view.rounds.map(({ survivors }) => survivors)).toEqual(view.rounds.map(() => everybody))

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
    // As many in the undisturbed run, but for the statistics.
    expect(started).toHaveLength(2 * recruited.length - 1)
    await site.stop()
    const due = site.events.reduce((sum, event) => sum + (event.type === 'work-done' ? event.bytes : 0), 0)
    const sent = (await site.egress()).get('upload') ?? 0
    // A header and the framing of three chunks come with each update and each attempt.
    const framing = 300 * (started.length + positions.length)
    expect(sent - due).toBeLessThanOrEqual(positions.length * chunkBytesMax + framing)
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
/** Each phase in an exchange of its own, in order: statistics, then training and evaluation in turn. */
const positions = phases.map((_, i) => i * phases.length + i)

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
