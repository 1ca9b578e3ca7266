/** Before a run starts it is said that sites would refuse its first sum: nearly the same one was taken before. */
import { expect, test } from 'vitest'
import { coordinatorFixture, hasEnded } from '../support/coordinator-fixture.ts'

test('a study run again with one site away is refused at its start, with the ways out; with all it starts', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const study = { standardisation: 'none', rounds: 1, cohort: { min: 3, quorum: 3 } } as const
  const first = await fixture.startRun(study)
  await fixture.runWhere(first.run, hasEnded)
  const again = () => fixture.admin.startRun(first.studyHash)

  sites[3]!.leave()
  await expect(again()).rejects.toMatchObject({
    code: 'cohort-differencing',
    message: expect.stringMatching(
      new RegExp(`run ${first.run} trained the same .*; zurich is missing now: .*another seed$`),
    ),
  })
  // Another name and other rounds make no other function of it; another loss or seed does.
  await expect(fixture.startRun({ ...study, name: 'renamed', rounds: 2 }, 3)).rejects.toMatchObject({
    code: 'cohort-differencing',
  })
  await fixture.startRun({ ...study, name: 'reseeded', seed: 7 }, 3)

  sites[3]!.attend()
  expect((await fixture.runWhere((await again()).run, hasEnded)).state).toBe('finished')
})
