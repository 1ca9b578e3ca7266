/**
 * kill -9 of one site's agent. Where the round can wait for it, after every step of a secure round in turn: it goes on
 * where its sealed journal says it stood, nothing is worked or masked twice, and the survivors are all sites. Where it
 * stays away, the round ends without it and it takes part again once it is back.
 */
import type { AgentEvent } from '@consilium/site-agent/round/events.ts'
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

const victim = 'synthetic-c'

const steps = [
  'work-started',
  'work-done',
  'keys-advertised',
  'keys-shared',
  'uploading',
  'uploaded',
  'survivors-confirmed',
  'unmasked',
] as const satisfies readonly AgentEvent['type'][]

test('an agent killed after each step of a round goes on there, and every round has all sites', async () => {
  await using heart = await heartFolder('synthetic')
  await using federation = await DeployedFederation.start(heart.folder)
  const site = federation.sites.get(victim)!
  const study = await federation.createStudy({
    // Three chunks of upload, so that a kill can come between two of them.
    model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [512, 1024] },
    localTraining: { steps: 4, batchSize: 16 },
    rounds: steps.length,
    evaluation: { everyRounds: steps.length },
    deadlines: { absentMs: 120_000 },
  })
  const { run } = await federation.admin.startRun(study)
  const watched = federation.watch(run)
  for (const [i, step] of steps.entries()) {
    await site.next((event) => event.type === step && event.purpose === 'train' && event.round === i + 1)
    await site.kill()
    site.start()
  }
  const view = await watched
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  const everybody = [...federation.sites.keys()].sort()
  expect(view.rounds.map(({ survivors }) => survivors)).toEqual(view.rounds.map(() => everybody))

  const worked = ofTraining(site.events, 'work-done')
  expect(worked).toEqual(steps.map((_, i) => i + 1))
  const log = await federation.log(run)
  const plans = log.filter(({ type }) => type === 'cohort-selected').map(({ body }) => body.planHash)
  for (const type of ['survivors-fixed', 'round-committed'])
    expect(log.filter((entry) => entry.type === type).map(({ body }) => body.planHash)).toEqual(plans)
  for (const type of ['keys-advertised', 'keys-shared', 'update-received', 'survivors-confirmed', 'shares-revealed']) {
    const ofVictim = log.filter((entry) => entry.type === type && entry.body.site === victim)
    expect(new Set(ofVictim.map(({ body }) => body.planHash)).size, type).toBe(ofVictim.length)
  }
})

test('a round goes on without a killed agent, which takes part again once it runs', async () => {
  await using heart = await heartFolder('synthetic')
  await using federation = await DeployedFederation.start(heart.folder)
  const site = federation.sites.get(victim)!
  const study = await federation.createStudy({
    rounds: 5,
    localTraining: { steps: 20_000, batchSize: 4 },
    deadlines: { absentMs: 300 },
  })
  const { run } = await federation.admin.startRun(study)
  await site.next((event) => event.type === 'keys-shared' && event.purpose === 'train' && event.round === 2)
  await site.kill()
  let back = false
  const view = await federation.watch(run, ({ rounds }) => {
    if (back || !rounds.some(({ dropouts }) => dropouts.length > 0)) return
    back = true
    site.start()
  })
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  const round2 = view.rounds.find(({ round }) => round === 2)!
  expect(round2.cohort).toContain(victim)
  expect(round2.survivors).toEqual([...federation.sites.keys()].filter((name) => name !== victim).sort())
  expect(round2.dropouts).toMatchObject([{ site: victim, reason: expect.stringContaining('absent') }])
  expect(view.rounds.at(-1)!.survivors).toContain(victim)
})

test('an agent killed after 60 % of a long work phase does no more than a chunk of it again', async () => {
  await using heart = await heartFolder('synthetic')
  await using federation = await DeployedFederation.start(heart.folder)
  const site = federation.sites.get(victim)!
  const study = await federation.createStudy({
    rounds: 1,
    standardisation: 'none',
    optimizer: { name: 'adam', learningRate: 0.001 },
    localTraining: { steps: 300_000, batchSize: 4 },
  })
  const { run } = await federation.admin.startRun(study)
  const watched = federation.watch(run)
  await site.next((event) => event.type === 'progress' && event.purpose === 'train' && event.done >= 0.6 * event.total)
  await site.kill()
  const told = site.events.flatMap((event) =>
    event.type === 'progress' && event.purpose === 'train' ? [event.done] : [],
  )
  site.start()
  const resumed = await site.next((event) => event.type === 'work-resumed')
  // Progress is told of at most five times a second: two chunks may lie between two of them.
  const chunk = 2 * Math.max(...told.map((done, i) => done - (told[i - 1] ?? 0)))
  expect(resumed).toMatchObject({ round: 1, purpose: 'train' })
  if (resumed.type === 'work-resumed') expect(told.at(-1)! - resumed.steps).toBeLessThanOrEqual(chunk)
  const view = await watched
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  expect(view.rounds).toMatchObject([{ survivors: [...federation.sites.keys()].sort(), dropouts: [] }])
})

/** The training rounds in which the agent said so, in order. */
function ofTraining(events: readonly AgentEvent[], type: 'work-done'): number[] {
  return events.flatMap((event) => (event.type === type && event.purpose === 'train' ? [event.round] : []))
}
