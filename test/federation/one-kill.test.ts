/**
 * A whole federation of processes with every protection on, one of them killed: what `npm test` keeps of the suites that
 * `npm run test:all` runs whole (the files named `*.slow.test.ts`).
 */
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

test('a coordinator that is killed while it unmasks a sum finishes the run with every site', async () => {
  await using heart = await heartFolder('synthetic')
  await using federation = await DeployedFederation.start(heart.folder)
  const study = await federation.createStudy({ rounds: 2, deadlines: { absentMs: 120_000 } })
  const { run } = await federation.admin.startRun(study)
  for await (const { current } of federation.admin.watchRun(run))
    if (current?.purpose === 'train' && current.phase === 'unmask') break
  await federation.killCoordinator()
  await federation.startCoordinator()
  const view = await federation.watch(run)
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  const everybody = [...federation.sites.keys()].sort()
  expect(view.rounds.map(({ survivors }) => survivors)).toEqual(view.rounds.map(() => everybody))
})
