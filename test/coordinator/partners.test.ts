/** Honest work among partners: what waits, what is withheld and said, and the way round a hospital that stays away. */
import { expect, test } from 'vitest'
import { coordinatorFixture, hasEnded } from '../support/coordinator-fixture.ts'

const study = { standardisation: 'none', cohort: { min: 3, quorum: 3 } } as const

test('a first evaluation with one hospital away is withheld, says so, and the hospital is in the later ones', async () => {
  const fixture = await coordinatorFixture()
  const zurich = (await fixture.sites())[3]!
  zurich.leave()
  const { hash } = await fixture.createStudy({ ...study, rounds: 3 })
  zurich.attend()
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  zurich.leave()
  const { run } = await fixture.admin.startRun(hash)
  await fixture.pass(30_000)
  await fixture.runWhere(run, ({ rounds }) => rounds[0]?.withheld !== undefined)
  zurich.attend()
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(view.rounds[0]!.withheld).toMatch(/^evaluation withheld: zurich is missing: not connected since /)
  expect(view.rounds[0]!.loss).toBeUndefined()
  // The last one waits for it in any case.
  expect(view.rounds.at(-1)).toMatchObject({ round: 3, loss: expect.any(Number) })
  expect(zurich.worked.length).toBeGreaterThan(0)
})

test('statistics wait for every hospital that approved, and begin without one where that is asked', async () => {
  const fixture = await coordinatorFixture()
  const zurich = (await fixture.sites())[3]!
  const { hash } = await fixture.createStudy({ rounds: 1, cohort: { min: 3, quorum: 3 } })
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  zurich.leave()
  const waiting = await fixture.admin.startRun(hash)
  await fixture.pass(3_600_000)
  const { current } = await fixture.admin.showRun(waiting.run)
  expect(current).toMatchObject({ purpose: 'statistics', phase: 'recruit', awaited: { answers: 1, sites: ['zurich'] } })
  await fixture.admin.cancelRun(waiting.run, 'it stays away')

  const { run } = await fixture.admin.startRun(hash, ['zurich'])
  // No training waits for it either: no time passes.
  const view = await fixture.runWhere(run, hasEnded)
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  expect(view.rounds.find(({ round }) => round === 0)!.survivors).toEqual(['basel', 'cleveland', 'hungary'])
  expect(view.rounds.at(-1)).toMatchObject({ loss: expect.any(Number) })
})
