/** What `consilium run plan` says before a run: nothing starts, and what it says is what then happens. */
import { expect, test } from 'vitest'
import { comingsAndGoings } from '../../coordinator/study/limits-outlook.ts'
import { coordinatorFixture, hasEnded, sealed, siteNames } from '../support/coordinator-fixture.ts'

const study = { rounds: 1, cohort: { min: 3, quorum: 3 } } as const

async function approved(changes: Parameters<Awaited<ReturnType<typeof coordinatorFixture>>['createStudy']>[0] = study) {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const { hash } = await fixture.createStudy(changes)
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  const sum = async (purpose: string, without: readonly string[] = []) =>
    (await fixture.admin.planRun(hash, without)).sums.find((each) => each.purpose === purpose)
  return { fixture, sites, zurich: sites[3]!, hash, sum }
}

test('with every hospital there, all sums would be made, and nothing was started', async () => {
  const { fixture, hash } = await approved({ ...study, cohort: { planned: 4, min: 3, quorum: 3 } })
  const outlook = await fixture.admin.planRun(hash)
  expect(outlook).toMatchObject({ studyHash: hash, studyName: 'heart-disease', aggregation: 'secure', refusals: [] })
  expect(outlook.thresholds).toEqual({
    ...{ planned: 4, sites: 4, colluders: 1, survivorsMin: 3, threshold: 3, fewest: 3 },
  })
  expect(outlook.sites).toEqual(siteNames.map((site) => ({ site, decision: 'approve', attending: true })))
  expect(outlook.sums.map(({ purpose, outlook: fate, settled }) => [purpose, fate, settled])).toEqual([
    ['statistics', 'made', false],
    ['train', 'made', false],
    ['evaluate', 'made', false],
  ])
  for (const { sites } of outlook.sums) expect(sites).toEqual(siteNames)
  expect(outlook.limits.map(({ limit, used, max }) => [limit, used, max])).toEqual([
    ['approve.runsMax', 0, 5],
    ['secure.evaluateExposuresMax', 0, 3],
    ['secure.trainExposuresMax', 0, 25],
  ])
  expect(await fixture.admin.listRuns()).toEqual([])
})

test('a hospital away: statistics wait, the evaluation is withheld, training goes on without, and it can be left out', async () => {
  const { zurich, sum } = await approved()
  zurich.leave()
  const missing = [{ site: 'zurich', why: expect.stringMatching(/^not connected since 2026-/) }]
  const waysOut = ['wait until zurich is there', 'leave out for good: --without zurich']
  expect(await sum('statistics')).toMatchObject({ outlook: 'waits', missing, waysOut })
  expect(await sum('evaluate')).toMatchObject({ outlook: 'withheld', missing, waysOut })
  const training = { outlook: 'made', sites: siteNames.slice(0, 3), reason: 'it goes on without zurich' }
  expect(await sum('train')).toMatchObject(training)
  for (const purpose of ['statistics', 'evaluate'])
    expect(await sum(purpose, ['zurich'])).toMatchObject({ outlook: 'made', sites: siteNames.slice(0, 3), missing: [] })
})

test('what it refuses, run start refuses in the same words: a rerun with one away, too few approvals', async () => {
  const { fixture, zurich, hash, sum } = await approved({ ...study, standardisation: 'none' })
  await fixture.runWhere((await fixture.admin.startRun(hash)).run, hasEnded)
  zurich.leave()
  const [refusal] = (await fixture.admin.planRun(hash)).refusals
  expect(refusal).toMatchObject({ code: 'cohort-differencing', waysOut: { length: 3 } })
  const said = await fixture.admin.startRun(hash).catch((error: Error) => error.message)
  for (const words of [refusal!.reason, ...refusal!.waysOut.slice(1)]) expect(said).toContain(words)
  const leftForGood = 'where it left for good: consilium study partners heart-disease --without zurich --key <lead key>'
  expect(await sum('train')).toMatchObject({ outlook: 'refused', reason: refusal!.reason })
  // Its partners are settled: only the lead's signed change leaves it out.
  expect(await sum('evaluate')).toMatchObject({
    ...{ outlook: 'withheld', settled: true, sites: siteNames, waysOut: ['wait until zurich is there', leftForGood] },
  })
  const [runs] = (await fixture.admin.planRun(hash)).limits
  expect(runs).toMatchObject({ limit: 'approve.runsMax', used: 1, max: 5, sites: [] })

  const other = await fixture.createStudy({ ...study, name: 'nobody', cohort: { min: 4, quorum: 3 } })
  await fixture.studyWhere(other.hash, ({ decisions }) => decisions.length === 3)
  const few = (await fixture.admin.planRun(other.hash)).refusals[0]!
  expect(few.code).toBe('cohort-too-small')
  await expect(fixture.admin.startRun(other.hash)).rejects.toMatchObject({ code: few.code, message: few.reason })
})

test('means that an earlier run summed are taken, whoever is away now; while one sums them they are waited for', async () => {
  const { fixture, sites, zurich, hash, sum } = await approved()
  const other = await fixture.createStudy({ ...study, name: 'other', seed: 4 })
  await fixture.studyWhere(other.hash, ({ decisions }) => decisions.length === 4)
  for (const site of sites) site.works = false
  const first = await fixture.admin.startRun(other.hash)
  await fixture.runWhere(first.run, ({ current }) => current?.phase === 'work')
  expect(await sum('statistics')).toMatchObject({ outlook: 'waits', reason: expect.stringContaining('another run') })
  for (const site of sites) {
    site.works = true
    site.leave()
    site.attend()
  }
  await fixture.runWhere(first.run, hasEnded)
  zurich.leave()
  const reason = `every column has its mean from ${first.run}`
  expect(await sum('statistics')).toMatchObject({ outlook: 'taken', sites: [], missing: [], reason })
  zurich.attend()
  const { rounds } = await fixture.runWhere((await fixture.admin.startRun(hash)).run, hasEnded)
  expect(rounds.map(({ round }) => round)).toEqual([1])
})

test('too many evaluations by one label among nearly the same hospitals are told before, with who has had them', async () => {
  const { fixture, hash, sum } = await approved({ ...study, standardisation: 'none', name: 'with-all', seed: 9 })
  for (const seed of [1, 2, 3]) {
    expect(await sum('evaluate')).toMatchObject({ outlook: 'made' })
    const other = await fixture.createStudy({ ...study, standardisation: 'none', name: `without-${seed}`, seed })
    await fixture.studyWhere(other.hash, ({ decisions }) => decisions.length === 4)
    const { run } = await fixture.admin.startRun(other.hash, ['zurich'])
    expect((await fixture.runWhere(run, hasEnded)).state).toBe('finished')
  }
  expect(await sum('evaluate')).toMatchObject({
    outlook: 'refused',
    reason: expect.stringMatching(/^basel, cleveland, hungary had as many evaluations by this label/),
  })
  expect(await sum('evaluate', ['zurich'])).toMatchObject({ outlook: 'made', sites: siteNames.slice(0, 3) })
  const { limits } = await fixture.admin.planRun(hash)
  expect(limits[1]).toMatchObject({ used: 3, max: 3, sites: ['basel', 'cleveland', 'hungary'] })
})

test('hospitals that did not pin one another, and a required one that is away, are named', async () => {
  const { fixture, zurich, sum } = await approved({ ...study, cohort: { min: 3, quorum: 3, require: ['zurich'] } })
  zurich.distrusts.add('basel')
  zurich.attend()
  expect(await sum('statistics')).toMatchObject({ sites: siteNames.slice(0, 3) })
  zurich.leave()
  expect(await sum('train')).toMatchObject({ outlook: 'waits', reason: expect.stringContaining('requires zurich') })
  expect(await fixture.admin.listRuns()).toEqual([])
})

test('in sealed mode there are no partners, thresholds or limits, and whoever is there takes part', async () => {
  const { fixture, zurich, hash } = await approved({ ...study, ...sealed })
  zurich.leave()
  const outlook = await fixture.admin.planRun(hash)
  expect(outlook).toMatchObject({ aggregation: 'sealed', refusals: [], limits: [] })
  expect(outlook.thresholds).toBeUndefined()
  for (const { outlook: fate } of outlook.sums) expect(fate).toBe('made')
})

test('comings and goings are changes between being in a training sum and not', () => {
  const sum = (...survivors: string[]) =>
    ({ setting: { purpose: 'train' }, outcome: { type: 'committed' }, survivors }) as never
  const failed = { setting: { purpose: 'train' }, outcome: { type: 'failed' }, survivors: [] } as never
  const past = [sum('a', 'b'), failed, sum('a'), sum('a', 'b'), sum('a', 'b', 'c')]
  expect([...comingsAndGoings({ past, sites: ['a', 'b', 'c', 'd'] })]).toEqual([
    ['a', 0],
    ['b', 2],
    ['c', 1],
    ['d', 0],
  ])
})
