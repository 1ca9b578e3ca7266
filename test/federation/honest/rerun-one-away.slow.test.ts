/**
 * A study is run again while one of its hospitals is away. What should happen: the lead reads at once that the sites would
 * refuse, whom it is about, and the ways out, and each of these works. What should not: a run that starts and then fails at
 * every site, or a study that can never be run again.
 */
import { expect, test } from 'vitest'
import { refusals } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { passUntil } from '../../support/paced-run.ts'

const changes = { rounds: 2, evaluation: { bins: 8, everyRounds: 1 } } as const
const others = siteNames.slice(0, 3)

test('a rerun with one hospital away is refused at its start; another seed, or all back, and it runs', async () => {
  await using federation = await hostileFederation()
  const study = await federation.create(changes)
  const first = await federation.ended(await federation.startRun(study))
  // The other seed is approved while all are there, and run while one is away.
  const reseeded = await federation.create({ ...changes, name: 'reseeded', seed: 7 })
  await federation.leave('zurich')
  await expect(federation.startRun(study)).rejects.toMatchObject({
    code: 'cohort-differencing',
    message: expect.stringMatching(/zurich is missing now: .*Wait until the same sites attend; or .* another seed$/),
  })
  expect((await federation.admin.listRuns()).map(({ run }) => run)).toEqual([first.run])

  const { run } = await federation.admin.startRun(reseeded, ['zurich'])
  const fewer = await passUntil(federation, run, ({ state }) => state !== 'running')
  expect(fewer).toMatchObject({ state: 'finished', rounds: [{ survivors: others }, { survivors: others }] })
  expect(fewer.rounds.every(({ loss }) => loss !== undefined)).toBe(true)

  await federation.comeBack('zurich')
  const again = await federation.ended(await federation.startRun(study))
  expect(again).toMatchObject({ state: 'finished', parametersSha256: first.parametersSha256! })
  expect(refusals(federation)).toEqual([])
})
