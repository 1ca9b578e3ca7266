/** What sites say before a plan that they take no part in: the coordinator plans without them, or withholds at once. */
import type { StoodOut } from '@consilium/protos/control-messages.ts'
import { expect, test } from 'vitest'
import { type CoordinatorFixture, coordinatorFixture, hasEnded, siteNames } from '../support/coordinator-fixture.ts'

const study = { standardisation: 'none', rounds: 2, cohort: { min: 3, quorum: 3 } } as const

/** Of the round under way. */
async function planOf(fixture: CoordinatorFixture, run: string): Promise<string> {
  let planHash = ''
  for await (const { type, body } of fixture.admin.readLog(`run/${run}`))
    if (type === 'cohort-selected') planHash = String(body.planHash)
  return planHash
}

async function approved(changes: { readonly rounds?: number } = {}) {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const zurich = sites[3]!
  const { hash } = await fixture.createStudy({ ...study, ...changes })
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  const say = (...of: Pick<StoodOut, 'purpose' | 'code'>[]) =>
    zurich.say({ type: 'stands-out', of: of.map((each) => ({ study: hash, ...each })) })
  const shown = async () => (await fixture.admin.listSites()).find(({ name }) => name === 'zurich')!.standsOut
  return { fixture, sites, zurich, hash, say, shown }
}

const three = siteNames.slice(0, 3)

test('a site that stands out of evaluations when a study first runs trains, and is none of their partners', async () => {
  const { fixture, zurich, hash, say } = await approved()
  say({ purpose: 'evaluate', code: 'site-fault' })
  const evaluation = (await fixture.admin.planRun(hash)).sums.find(({ purpose }) => purpose === 'evaluate')!
  expect(evaluation).toMatchObject({ outlook: 'made', sites: three, missing: [] })
  expect(evaluation.reason).toBe('these sites become its partners, for good, without zurich, which takes no part now')
  const { run } = await fixture.admin.startRun(hash)
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  for (const round of view.rounds) {
    expect(round).toMatchObject({ survivors: siteNames, loss: expect.any(Number), dropouts: [] })
    expect(round.withheld).toBeUndefined()
  }
  expect(zurich.worked).toHaveLength(2)
})

test('one that stands out of them in mid-run, before they have partners, is not left out for good: they are withheld', async () => {
  const { fixture, zurich, hash, say } = await approved({ rounds: 3 })
  zurich.works = false
  const { run } = await fixture.admin.startRun(hash)
  for (const purpose of ['train', 'evaluate']) {
    const { current } = await fixture.runWhere(
      run,
      (view) => view.current?.purpose === purpose && view.current.phase === 'work',
    )
    expect(current!.sites.map(({ site }) => site)).toEqual(siteNames)
    const planHash = await planOf(fixture, run)
    zurich.say({ type: 'refusal', planHash, code: 'site-fault' })
  }
  zurich.works = true
  say({ purpose: 'evaluate', code: 'site-fault' })
  const view = await fixture.runWhere(run, ({ current }) => current?.round === 3 && current.purpose === 'evaluate')
  expect(view.rounds[1]!.withheld).toMatch(/^evaluation withheld: zurich is missing: it takes no part: site-fault/)
  expect(view.current).toMatchObject({ phase: 'recruit', awaited: { sites: ['zurich'] } })
  say()
  expect((await fixture.runWhere(run, hasEnded)).rounds[2]).toMatchObject({ loss: expect.any(Number) })
})

test('once it is a partner the evaluation is withheld at once, with its code, and no round fails of it', async () => {
  const { fixture, hash, say, shown } = await approved()
  const first = await fixture.admin.startRun(hash)
  await fixture.runWhere(first.run, hasEnded)
  say({ purpose: 'evaluate', code: 'data-not-ready' })
  expect(await shown()).toEqual([
    { studyHash: hash, studyName: 'heart-disease', purpose: 'evaluate', code: 'data-not-ready' },
  ])
  const evaluation = (await fixture.admin.planRun(hash)).sums.find(({ purpose }) => purpose === 'evaluate')!
  expect(evaluation).toMatchObject({ outlook: 'withheld', settled: true, missing: [{ site: 'zurich' }] })
  expect(evaluation.missing[0]!.why).toMatch(/^it takes no part: data-not-ready: /)

  const { run } = await fixture.admin.startRun(hash)
  // No time passes before the first is withheld; the last one waits for somebody there to look.
  const waiting = await fixture.runWhere(run, ({ current }) => current?.round === 2 && current.purpose === 'evaluate')
  expect(waiting.rounds[0]!.withheld).toMatch(
    /^evaluation withheld: zurich is missing: it takes no part: data-not-ready/,
  )
  expect(waiting.current).toMatchObject({ phase: 'recruit', awaited: { sites: ['zurich'], because: 'partners' } })
  say()
  expect(await shown()).toEqual([])
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.rounds[1]).toMatchObject({ loss: expect.any(Number) })
})

test('a site that stands out of a whole study is planned without, and its words count for as long as its stream is open', async () => {
  const { fixture, zurich, hash, say, shown } = await approved()
  say({ purpose: 'all', code: 'policy-refused' })
  const { run } = await fixture.admin.startRun(hash)
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  for (const round of view.rounds) expect(round).toMatchObject({ cohort: three, survivors: three, dropouts: [] })
  expect(zurich.worked).toEqual([])
  zurich.leave()
  expect(await shown()).toEqual([])
  zurich.attend()
  expect(await shown()).toEqual([])
})

test('a command line beside the agent tells the same by a call of its own, and what it says of other studies counts for nothing', async () => {
  const { fixture, zurich, hash, shown } = await approved()
  const other = 'f'.repeat(64)
  await fixture.service.standOut(zurich.caller, [{ study: other, purpose: 'all', code: 'site-fault' }])
  expect(await shown()).toMatchObject([{ studyHash: other, studyName: '', purpose: 'all' }])
  expect((await fixture.admin.planRun(hash)).sums.every(({ sites }) => sites.includes('zurich'))).toBe(true)
})
