/**
 * A column is summed once (fedsum, section E.4), as the coordinator plans by it: over studies and runs, also side by side and
 * over a restart, it asks for no second sum of one, and says where the means come from.
 */
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import type { RunView } from '../../coordinator/services.ts'
import { aStudy } from '../support/a-study.ts'
import { type CoordinatorFixture, coordinatorFixture, hasEnded } from '../support/coordinator-fixture.ts'

const cohort = { min: 3, quorum: 3 }
const named = (...names: string[]): Partial<StudyInput> => ({
  name: `of-${names.join('-').toLowerCase()}`,
  features: names.map((name) => ({ name, type: 'number' })),
  rounds: 1,
  cohort,
})

/** The columns of every statistics plan, in the order of the plans. */
async function plannedColumns({ eventLog }: CoordinatorFixture): Promise<string[][]> {
  const planned: string[][] = []
  for (const stream of await eventLog.streams())
    for await (const { type, body } of eventLog.read(stream))
      if (type === 'cohort-selected' && body.purpose === 'statistics')
        planned.push((body.plan as { columns: { name: string }[] }).columns.map(({ name }) => name))
  return planned
}

async function run(fixture: CoordinatorFixture, changes: Partial<StudyInput>): Promise<RunView> {
  const { run: id } = await fixture.startRun(changes)
  return fixture.runWhere(id, hasEnded)
}

test('a second run of a study begins with training, from the means of the first', async () => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const first = await run(fixture, { rounds: 1, cohort })
  expect(first).toMatchObject({ state: 'finished', reason: '' })
  const again = await run(fixture, { rounds: 1, cohort })
  expect(again).toMatchObject({ state: 'finished', reason: '', parametersSha256: first.parametersSha256 })
  expect(first.columnsTaken).toBeUndefined()
  expect(again.columnsTaken).toEqual([{ run: first.run, columns: aStudy.features.map(({ name }) => name) }])
  expect(again.rounds.map(({ round }) => round)).toEqual([1])
  expect(await plannedColumns(fixture)).toHaveLength(1)
})

test('another study sums the columns that have no mean, and its runs take all others from where they came', async () => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const [one, two, three] = [
    await run(fixture, named('age', 'chol')),
    await run(fixture, named('chol', 'pressure')),
    await run(fixture, named('pressure', 'Age')),
  ]
  expect([one, two, three].map(({ state, reason }) => [state, reason])).toEqual(Array(3).fill(['finished', '']))
  expect(await plannedColumns(fixture)).toEqual([['age', 'chol'], ['pressure']])
  expect(two.columnsTaken).toEqual([{ run: one.run, columns: ['chol'] }])
  expect(three.columnsTaken).toEqual([
    { run: two.run, columns: ['pressure'] },
    { run: one.run, columns: ['age'] },
  ])
})

test('two studies that start together do not both sum a column: one waits for the other', async () => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const studies = await Promise.all(
    [named('age', 'chol'), named('chol', 'pressure')].map((each) => fixture.createStudy(each)),
  )
  for (const { hash } of studies) await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  const started = await Promise.all(studies.map(({ hash }) => fixture.admin.startRun(hash)))
  const views = await Promise.all(started.map(({ run: id }) => fixture.runWhere(id, hasEnded)))
  expect(views.map(({ state, reason }) => [state, reason])).toEqual(Array(2).fill(['finished', '']))
  const planned = (await plannedColumns(fixture)).flat()
  expect(planned.toSorted()).toEqual(['age', 'chol', 'pressure'])
})

test('statistics that still wait for a hospital give way to those of another study, and take their means', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const waiting = await fixture.createStudy(named('age'))
  await fixture.studyWhere(waiting.hash, ({ decisions }) => decisions.length === 4)
  sites[3]!.leave()
  const { run: first } = await fixture.admin.startRun(waiting.hash)
  const other = await fixture.createStudy(named('age', 'chol'))
  await fixture.studyWhere(other.hash, ({ decisions }) => decisions.length === 3)
  const { run: second } = await fixture.admin.startRun(other.hash)
  const overtaking = await fixture.runWhere(second, hasEnded)
  expect(overtaking).toMatchObject({ state: 'finished', reason: '' })
  await fixture.pass(30_000)
  const view = await fixture.runWhere(first, ({ rounds }) => rounds.some(({ round }) => round === 1))
  expect(view.columnsTaken).toEqual([{ run: second, columns: ['age'] }])
  expect(await plannedColumns(fixture)).toEqual([['age', 'chol']])
})

test('a coordinator that was killed knows of the columns again', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const one = await run(fixture, named('age', 'chol'))
  await fixture.restart()
  for (const site of sites) site.attend()
  const two = await run(fixture, named('age'))
  expect(two).toMatchObject({ state: 'finished', columnsTaken: [{ run: one.run, columns: ['age'] }] })
})

test('what cannot begin for the sake of a column is refused at the start, with the ways out', async () => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const { run: first } = await run(fixture, named('age', 'cp'))
  const asCategory = await fixture.createStudy({
    ...named('age'),
    name: 'otherwise',
    features: [{ name: 'CP', type: 'category', levels: [1, 2, 3] }],
  })
  await fixture.studyWhere(asCategory.hash, ({ decisions }) => decisions.length === 4)
  const why = new RegExp(`run ${first} summed the column cp as a number.*as a category.*per-site.*another name`)
  await expect(fixture.admin.startRun(asCategory.hash)).rejects.toMatchObject({ code: 'column-summed', message: why })
  const outlook = await fixture.admin.planRun(asCategory.hash)
  expect(outlook.refusals).toMatchObject([{ code: 'column-summed' }])
})

test('run plan says which means a run would take, and plans no statistics for them', async () => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const { run: first } = await run(fixture, named('age', 'chol'))
  const { hash } = await fixture.createStudy(named('chol'))
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  const { columnsTaken, sums } = await fixture.admin.planRun(hash)
  expect(columnsTaken).toEqual([{ run: first, columns: ['chol'] }])
  expect(sums).toMatchObject([
    { purpose: 'statistics', outlook: 'taken', sites: [] },
    { purpose: 'train' },
    { purpose: 'evaluate' },
  ])
})

test('what failed half-way is summed among the very same sites only, which the start of a run without one says', async () => {
  const fixture = await coordinatorFixture()
  const zurich = (await fixture.sites())[3]!
  zurich.uploads = false
  const { run: first } = await fixture.startRun(named('age'))
  await fixture.runWhere(
    first,
    ({ current }) => current?.sites.filter(({ state }) => state === 'uploaded').length === 3,
  )
  const { planHash } = await zurich.until(({ heard }) => heard.find((message) => message.type === 'shares'))
  zurich.say({ type: 'refusal', planHash, code: 'session-lost' })
  expect(await fixture.runWhere(first, hasEnded)).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(/zurich is missing/),
  })
  zurich.uploads = true

  const { hash } = await fixture.createStudy(named('age', 'chol'))
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  const why = /masked for a sum of age in run of-age-1, which never came out.*zurich would not be in this one/
  const without = fixture.admin.startRun(hash, ['zurich'])
  await expect(without).rejects.toMatchObject({ code: 'column-summed', message: expect.stringMatching(why) })

  const { run: second } = await fixture.admin.startRun(hash)
  expect(await fixture.runWhere(second, hasEnded)).toMatchObject({ state: 'finished', reason: '' })
  expect(await plannedColumns(fixture)).toEqual([['age'], ['age', 'chol']])
})
