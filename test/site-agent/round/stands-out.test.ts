/** A site stands out of what a fault has shown once, until a person has looked: one bit a study, not one a round. */
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import { studyHash } from '@consilium/protos/plan/signed-study.ts'
import { afterEach, expect, test } from 'vitest'
import { rules } from '../../../site-agent/policy.ts'
import { stoodOutOf } from '../../../site-agent/stood-out.ts'
import { refusalAt } from '../../support/refusal.ts'
import { openSite, type SiteFixture, sealed, siteName } from '../../support/site-fixture.ts'

let site: SiteFixture
afterEach(() => site.close())

const assign = (fields: Parameters<SiteFixture['plan']>[0]) => {
  const { signed, hash } = site.plan(fields)
  site.coordinator.say({ type: 'assignment', plan: signed })
  return hash
}
const done = (hash: string) =>
  site.coordinator.until(() => site.coordinator.sent.find((m) => m.type === 'work-done' && m.planHash === hash))
const breakData = (code: ErrorCode): void => {
  site.trainer.dataProblem = new FederationError(code, 'column chol, row 153')
}
const crash = (): void => {
  site.trainer.crashes = 2
}
const last = (): number => site.study.manifest.study.rounds

test.for([
  ['a crash of its trainer', () => crash()],
  ['its data', () => breakData('data-out-of-range')],
  ['a limit', () => breakData('limit-exceeded')],
] as const)('after %s in an evaluation one code leaves, and the same for every later one', async ([, fail]) => {
  site = openSite({ study: sealed })
  fail()
  assign({ purpose: 'evaluate', round: 1 })
  expect(await refusalAt(site)).toMatchObject({
    code: 'site-fault',
    reason: expect.stringMatching(
      /stands out of the evaluations of study heart until .* site-agent study resume heart$/,
    ),
  })
  site.trainer.dataProblem = undefined
  const calls = site.trainer.calls.length
  assign({ purpose: 'evaluate', round: 2 })
  expect(await refusalAt(site, 2)).toMatchObject({ code: 'site-fault' })
  expect(site.trainer.calls).toHaveLength(calls)
  // Training goes on, and so do evaluations once somebody has looked.
  await done(assign({ purpose: 'train', round: 3, modelEntry: 1 }))
  expect(site.store.standOuts.resume(studyHash(site.study.manifest), 'it')).toMatchObject([{ purpose: 'evaluate' }])
  await done(assign({ purpose: 'evaluate', round: last() }))
})

test('it is kept over a restart', async () => {
  site = openSite({ study: sealed })
  site.trainer.crashes = 2
  assign({ purpose: 'evaluate', round: 1 })
  await refusalAt(site)
  site.restart()
  assign({ purpose: 'evaluate', round: 2 })
  expect(await refusalAt(site, 2)).toMatchObject({ code: 'site-fault' })
  expect(site.store.standOuts.list()).toMatchObject([{ purpose: 'evaluate', code: 'trainer-failed' }])
})

test('a statistic that no word holds stands it out of the statistics, and of nothing else', async () => {
  site = openSite()
  site.trainer.statistics = { examples: 10, sums: Float64Array.of(10, 1e20, 1e20, 10, 1, 1) }
  assign({ purpose: 'statistics', round: 0 })
  expect(await refusalAt(site)).toMatchObject({ code: 'site-fault', reason: expect.stringMatching(/the statistics/) })
  await done(assign({ purpose: 'evaluate', round: 1 }))
})

test('a disk that is full stands it out of nothing: the next round is worked', async () => {
  site = openSite({ study: sealed })
  site.trainer.dataProblem = new FederationError('store-failed', 'ENOSPC in write: make room on that disk')
  assign({ purpose: 'evaluate', round: 1 })
  expect(await refusalAt(site)).toMatchObject({ code: 'store-failed' })
  site.trainer.dataProblem = undefined
  await done(assign({ purpose: 'evaluate', round: 2 }))
})

test('after a sum with too few contributors a site that was in it works for the study no more', async () => {
  site = openSite({ study: sealed })
  const hash = assign({ purpose: 'train', round: 1 })
  await done(hash)
  const reason = '2 of 3 sites contributed to a sum and 3 have to'
  site.coordinator.say({ type: 'round-over', planHash: hash, outcome: 'too-few-contributors', reason })
  assign({ purpose: 'train', round: 2 })
  expect(await refusalAt(site)).toMatchObject({ code: 'site-fault', reason: expect.stringMatching(/all rounds/) })
  site.store.standOuts.resume(studyHash(site.study.manifest), 'it')
  await done(assign({ purpose: 'train', round: 3 }))
})

test('training that diverges tells it here, and the update that leaves tells nothing', async () => {
  site = openSite({ study: sealed })
  site.trainer.train = { ...site.trainer.train, steps: 7, diverged: true }
  await done(assign({ purpose: 'train', round: 1 }))
  expect(site.events.find(({ type }) => type === 'diverged')).toMatchObject({ steps: 7, round: 1 })
  expect(site.store.records.refusals(1)[0]!.reason).toMatch(/diverged after 7 steps/)
  expect(site.coordinator.sent.filter(({ type }) => type === 'refusal')).toEqual([])
})

const told = () => site.coordinator.sent.flatMap((message) => (message.type === 'stands-out' ? [message.of] : []))

test('what it stands out of is told before any plan, by code alone, and again once it changes; nothing where there is nothing', async () => {
  site = openSite({ study: sealed })
  const study = studyHash(site.study.manifest)
  site.coordinator.reconnect()
  expect(told()).toEqual([])

  site.trainer.crashes = 2
  const planHash = assign({ purpose: 'evaluate', round: 1 })
  await refusalAt(site)
  site.coordinator.say({ type: 'round-over', planHash, outcome: 'failed', reason: '' })
  const evaluations = { study, purpose: 'evaluate', code: 'site-fault' }
  expect(told()).toEqual([[evaluations]])
  site.coordinator.reconnect()
  site.restart()
  expect(told()).toEqual([[evaluations], [evaluations], [evaluations]])

  site.store.standOuts.resume(study, 'it')
  await done(assign({ purpose: 'evaluate', round: 2 }))
  expect(told().at(-1)).toEqual([])
  site.coordinator.reconnect()
  expect(told()).toHaveLength(4)
})

test('the whole study is told where a sum had too few contributors, or the policy became stricter; then nothing besides', async () => {
  site = openSite()
  const study = studyHash(site.study.manifest)
  site.store.standOuts.add({ study, purpose: 'statistics', code: 'trainer-failed', reason: 'it ended' })
  site.store.standOuts.add({ study, purpose: 'all', code: 'too-few-contributors', reason: 'one of three' })
  expect(stoodOutOf(standing())).toEqual([{ study, purpose: 'all', code: 'site-fault' }])
  site.store.standOuts.resume(study, 'it')
  expect(stoodOutOf(standing())).toEqual([])
  acceptOnly(rules.filter((rule) => rule !== 'rounds'))
  expect(stoodOutOf(standing())).toEqual([])
  site.policy.approve = { ...site.policy.approve, accept: [], roundsMax: 1 }
  expect(stoodOutOf(standing())).toEqual([{ study, purpose: 'all', code: 'policy-refused' }])
  site.decide('rejected')
  expect(stoodOutOf(standing())).toEqual([])
})

test('too few test rows are the one code of all data, of evaluations alone; how many there are is not said', async () => {
  site = openSite()
  const study = studyHash(site.study.manifest)
  acceptOnly(rules.filter((rule) => rule !== 'test-rows'))
  site.policy.rows = { ...site.policy.rows, testRowsMin: 20 }
  const withRows = (testRows: number) =>
    site.store.records.dataChecked({ study, summary: { trainRows: 500, testRows, droppedRows: 0, remarks: [] } })
  withRows(20)
  expect(stoodOutOf(standing())).toEqual([])
  for (const testRows of [0, 19]) {
    withRows(testRows)
    expect(stoodOutOf(standing())).toEqual([{ study, purpose: 'evaluate', code: 'data-not-ready' }])
  }
})

/** A person here approves, accepting these rules. */
function acceptOnly(accepted: readonly string[]): void {
  const { hash: study, lead } = site.store.studies.list()[0]!
  site.store.studies.decide({
    ...{ study, lead, by: 'person', account: 'it', reason: '' },
    decision: 'approved',
    accepted,
  })
}

const standing = () => ({ name: siteName, store: site.store, readPolicy: () => site.policy })
