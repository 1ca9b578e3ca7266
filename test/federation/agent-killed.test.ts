/** kill -9 of one site's agent in mid-round: the round ends by quorum, and the site takes part again once it is back. */
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

const victim = 'synthetic-c'

test('a round goes on without a killed agent, which takes part again once it runs', async () => {
  await using heart = await heartFolder('synthetic')
  await using federation = await DeployedFederation.start(heart.folder)
  const site = federation.sites.get(victim)!
  const study = await federation.createStudy({
    rounds: 6,
    localTraining: { steps: 40_000, batchSize: 4 },
    deadlines: { absentMs: 300 },
  })
  const { run } = await federation.admin.startRun(study)
  await site.next((event) => event.type === 'work-started' && event.purpose === 'train' && event.round === 2)
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
