/** Before a run starts it is said that sites would refuse its first sum: nearly the same one was taken before. */
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { signStudy } from '@consilium/protos/plan/signed-study.ts'
import { expect, test } from 'vitest'
import { coordinatorFixture, hasEnded, iterate, makeStudy } from '../support/coordinator-fixture.ts'

test('a study that goes on from the model of that run is no repetition, whoever is away', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const study = { standardisation: 'none', rounds: 1, cohort: { min: 3, quorum: 3 } } as const
  const { run, studyHash } = await fixture.startRun(study)
  const view = await fixture.runWhere(run, hasEnded)
  sites[3]!.leave()
  await expect(fixture.admin.startRun(studyHash)).rejects.toMatchObject({
    code: 'cohort-differencing',
    message: expect.stringContaining(`--from-run ${run}`),
  })
  const model = await fixture.objects.get(view.parametersSha256!)
  const { manifest, objects } = makeStudy({ ...study, name: 'goes-on' })
  const from = {
    ...manifest,
    study: { ...manifest.study, initialParameters: { run } },
    initialParameters: { sha256: view.parametersSha256!, bytes: model.length },
  }
  const signed = Buffer.from(JSON.stringify(signStudy(from, identityFromSeed(new Uint8Array(32).fill(5)))))
  const { hash } = await fixture.admin.createStudy(signed, iterate([objects[0]!, model]))
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 3)
  // Statistics and evaluations wait for whoever approved; zurich has not.
  const again = await fixture.runWhere((await fixture.admin.startRun(hash)).run, hasEnded)
  expect(again.state).toBe('finished')
  expect(again.rounds[0]!.survivors).toEqual(['basel', 'cleveland', 'hungary'])
})

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

test('a study run again with one site more is refused too, and nobody is waited for: no site is missing', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const study = { standardisation: 'none', rounds: 1, cohort: { min: 3, quorum: 3 } } as const
  sites[3]!.leave()
  const first = await fixture.startRun(study, 3)
  await fixture.runWhere(first.run, hasEnded)
  sites[3]!.attend()
  await fixture.studyWhere(first.studyHash, ({ decisions }) => decisions.length === 4)
  const refused = await fixture.admin.startRun(first.studyHash).catch(({ message }: Error) => message)
  expect(refused).toMatch(/among basel, cleveland, hungary; zurich is new: .* so few\. Go on from its model /)
  expect(refused).not.toMatch(/missing|[Ww]ait/)
})
