/** A site that the others have not pinned while a run goes on: the rounds go on without it, and with it once they have. */
import { expect, test } from 'vitest'
import type { RunView } from '../../coordinator/services.ts'
import { coordinatorFixture, siteNames } from '../support/coordinator-fixture.ts'
import { FakeSite } from '../support/fake-site.ts'

const lastCohort = ({ rounds }: RunView) => rounds.at(-1)?.cohort

test('a newcomer is left out, with the reason in the view, until every command line has told of its pin', async () => {
  const fixture = await coordinatorFixture()
  const four = await fixture.sites()
  for (const site of four) site.distrusts.add('aarau')
  const { run } = await fixture.startRun({ rounds: 40 })
  const aarau = await FakeSite.join(fixture, 'aarau', 4)
  const leaving = await fixture.runWhere(run, ({ current }) => current?.leftOut !== undefined)
  expect(leaving.current?.leftOut).toEqual([
    {
      site: 'aarau',
      reason: 'basel, cleveland, hungary and zurich have not approved its identity (site-agent roster approve aarau)',
    },
  ])
  const { round } = leaving.current!
  await fixture.runWhere(run, ({ rounds }) => (rounds.at(-1)?.round ?? 0) > round)

  for (const [i, site] of four.entries()) {
    site.distrusts.clear()
    await site.tellPins()
    const { current } = await fixture.admin.showRun(run)
    expect(current?.leftOut?.length ?? 0).toBe(i < 3 ? 1 : 0)
  }
  const five = await fixture.runWhere(run, (view) => lastCohort(view)?.length === 5)
  expect(lastCohort(five)).toEqual(['aarau', ...siteNames])
  for (const { cohort, survivors, dropouts } of five.rounds) {
    expect([survivors, dropouts]).toEqual([cohort, []])
    expect(cohort.filter((site) => site !== 'aarau')).toEqual(siteNames)
  }
  expect([...four, aarau].flatMap(({ failures }) => failures)).toEqual([])
  await fixture.stop()
})

test('a coordinator that comes back waits until each site has told its pins again', async () => {
  const fixture = await coordinatorFixture()
  const four = await fixture.sites()
  const { run } = await fixture.startRun({ rounds: 3 })
  await fixture.runWhere(run, ({ rounds }) => rounds.length > 1)
  await fixture.restart()
  for (const site of four) site.attend()
  const ended = await fixture.runWhere(run, ({ state }) => state !== 'running')
  expect(ended.state).toBe('finished')
  expect(ended.rounds.map(({ cohort }) => cohort)).toEqual(Array(4).fill(siteNames))
  await fixture.stop()
})

test('where nobody has pinned anybody the run fails at the deadline, and says what to do', async () => {
  const fixture = await coordinatorFixture()
  const four = await fixture.sites()
  for (const site of four) for (const other of siteNames) site.distrusts.add(other)
  for (const site of four) await site.tellPins()
  const { run } = await fixture.startRun({ rounds: 1 })
  await fixture.pass(30_000)
  const { state, reason } = await fixture.runWhere(run, (view) => view.state !== 'running')
  expect(state).toBe('failed')
  expect(reason).toContain('1 of at least 3 sites attend and have approved the identities of one another')
  expect(reason).toContain('site-agent roster approve cleveland')
  await fixture.stop()
})
