/** A run that has trained all its rounds and waits for a partner of its last evaluation: what can be done meanwhile. */
import { afterEach, expect, test } from 'vitest'
import { collect } from '../support/collect.ts'
import { type CoordinatorFixture, coordinatorFixture, hasEnded } from '../support/coordinator-fixture.ts'
import type { FakeSite } from '../support/fake-site.ts'

let fixture: CoordinatorFixture
afterEach(() => fixture.stop())

const weekMs = 7 * 86_400_000

/** Two rounds are trained; zurich was in the first evaluation, and is away from the last. */
async function runThatWaits(): Promise<{ readonly run: string; readonly zurich: FakeSite }> {
  fixture = await coordinatorFixture()
  const zurich = (await fixture.sites())[3]!
  const { run } = await fixture.startRun({ standardisation: 'none', rounds: 2, cohort: { min: 3, quorum: 3 } })
  await fixture.runWhere(run, ({ rounds }) => rounds[0]?.loss !== undefined)
  zurich.leave()
  // Away when the others had worked, it has as long as work may take.
  await fixture.pass(600_000)
  await fixture.runWhere(run, ({ current }) => current?.round === 2 && current.purpose === 'evaluate')
  return { run, zurich }
}

test('it says for whom it waits and until when, a week by default, and goes on when that one is back', async () => {
  const { run, zurich } = await runThatWaits()
  const { current } = await fixture.admin.showRun(run)
  expect(current).toMatchObject({ purpose: 'evaluate', phase: 'recruit' })
  expect(current!.awaited).toMatchObject({ answers: 1, sites: ['zurich'], because: 'partners' })
  const leftMs = Date.parse(current!.awaited!.until!) - fixture.clock.now().getTime()
  expect(leftMs).toBeGreaterThan(weekMs - 600_000)
  expect(leftMs).toBeLessThanOrEqual(weekMs)

  await fixture.pass(6 * 86_400_000)
  expect((await fixture.admin.showRun(run)).state).toBe('running')
  zurich.attend()
  const view = await fixture.runWhere(run, hasEnded)
  expect(view).toMatchObject({ state: 'finished' })
  expect(view.rounds.at(-1)).toMatchObject({ round: 2, loss: expect.any(Number) })
})

test('nobody finishes it: after the week it ends by itself, with the gap', async () => {
  const { run } = await runThatWaits()
  await fixture.pass(weekMs)
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(view.rounds.at(-1)!.withheld).toMatch(/^evaluation withheld: zurich is missing: not connected since /)
})

test('its model is there meanwhile, and is the one that it ends with', async () => {
  const { run } = await runThatWaits()
  const model = await fixture.admin.exportModel(run)
  expect((await collect(await fixture.admin.fetchObject(model, 0))).length).toBeGreaterThan(0)
  expect((await fixture.admin.showRun(run)).modelSha256).toBeUndefined()
  await fixture.admin.finishRun(run, 'enough')
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.modelSha256).toBe(model)
  expect(await fixture.admin.exportModel(run)).toBe(model)
})

test('finish ends it as an event of the log; the evaluation stays a gap, which is said, also after a restart', async () => {
  const { run } = await runThatWaits()
  const view = await fixture.admin.finishRun(run, 'closed for the holidays')
  const withheld =
    'evaluation withheld: zurich is missing; not waited for any longer (run finish): closed for the holidays'
  expect(view.rounds.at(-1)).toMatchObject({ round: 2, withheld })
  expect(await fixture.runWhere(run, hasEnded)).toMatchObject({ state: 'finished', reason: '' })
  const entries = await collect(fixture.admin.readLog(`run/${run}`))
  expect(entries.slice(-3).map(({ type }) => type)).toEqual(['evaluation-skipped', 'round-failed', 'run-finished'])
  expect(entries.at(-3)!.body).toEqual({ round: 2, reason: 'closed for the holidays' })
  await fixture.restart()
  const again = await fixture.admin.showRun(run)
  expect(again).toMatchObject({ state: 'finished' })
  expect(again.rounds.at(-1)).toMatchObject({ withheld })
})

test('a coordinator killed right after the event ends the run without the evaluation all the same', async () => {
  const { run } = await runThatWaits()
  // The evaluation skipped, its round over: appended as one.
  const killed = fixture.killAfter(2)
  await fixture.admin.finishRun(run, 'enough').catch(() => undefined)
  await killed
  await fixture.restart()
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(view.rounds.at(-1)!.withheld).toContain('run finish')
})

test('a run that has rounds to train, or is over, cannot be finished; one that has trained none has no model', async () => {
  fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  for (const site of sites) site.works = false
  const { run } = await fixture.startRun({ standardisation: 'none' })
  await fixture.runWhere(run, ({ current }) => current?.phase === 'work')
  await expect(fixture.admin.finishRun(run, 'x')).rejects.toMatchObject({
    code: 'stale-round',
    message: expect.stringContaining('consilium run cancel'),
  })
  await expect(fixture.admin.exportModel(run)).rejects.toMatchObject({ code: 'not-found' })
  await fixture.admin.cancelRun(run, 'x')
  await expect(fixture.admin.finishRun(run, 'x')).rejects.toMatchObject({ code: 'stale-round' })
  await expect(fixture.admin.finishRun('heart-99', 'x')).rejects.toMatchObject({ code: 'not-found' })
})
