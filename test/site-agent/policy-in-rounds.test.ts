/** What a site's policy does to studies and rounds: approval in passing, a stricter policy, rows that are too few. */
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { afterEach, expect, test } from 'vitest'
import { defaultPolicy } from '../../site-agent/policy.ts'
import { makeStudy } from '../support/coordinator-fixture.ts'
import { refusalAt } from '../support/refusal.ts'
import { lead, logHead, openSite, type SiteFixture, studyBytes } from '../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (options: Parameters<typeof openSite>[0] = {}) => {
  opened = openSite(options)
  return opened
}
afterEach(() => opened?.close())

const assign = (site: SiteFixture, plan: ReturnType<SiteFixture['plan']>) =>
  site.coordinator.say({ type: 'assignment', plan: plan.signed })
const refusals = (site: SiteFixture) => site.coordinator.sent.filter(({ type }) => type === 'refusal')

/** A study of the zoo as its author may change it, offered by a lead whom the policy names. */
function offer(site: SiteFixture, changes: Parameters<typeof makeStudy>[0] = {}) {
  const { manifest, objects } = makeStudy({
    cohort: { planned: 5, min: 4, quorum: 3 },
    ...changes,
    aggregation: { mode: 'secure' },
  })
  for (const object of objects) site.coordinator.addObject(object)
  const study = signStudy(manifest, lead)
  site.coordinator.say({ type: 'study', signedStudy: studyBytes(study) })
  return studyHash(manifest)
}

/** The default policy but for rows: the scripted data have ten. */
function strict(site: SiteFixture) {
  site.leadsApproved.push(fingerprint(lead.publicKey))
  site.policy.approve = { ...defaultPolicy.approve, leads: site.leadsApproved }
  return site
}

test('a study that breaks no rule is approved in passing; the same with one rule broken waits for a person, who is told which', async () => {
  const site = strict(open({ approved: false }))
  const fits = offer(site, { name: 'fits' })
  expect(await site.coordinator.until(() => site.coordinator.decisions[0])).toMatchObject({ studyHash: fits })
  const long = offer(site, { name: 'long', rounds: 201 })
  const event = await site.coordinator.until(() => site.events.find((each) => each.type === 'study-offered'))
  expect(event).toMatchObject({ study: long, breaks: 'rounds: 201 rounds, at most 200' })
  expect(site.store.studies.decisionOn(long)).toBeUndefined()
})

test('a lead gets no more studies approved in passing than the policy lets pass in 31 days', async () => {
  const site = strict(open({ approved: false }))
  for (let i = 0; i < 5; i++) offer(site, { name: `study-${i}` })
  await site.coordinator.until(() => site.coordinator.decisions[4])
  offer(site, { name: 'study-5' })
  const event = await site.coordinator.until(() => site.events.find((each) => each.type === 'study-offered'))
  expect(event).toMatchObject({ breaks: expect.stringMatching(/^studies: 5 studies/) })
})

test('a policy that became stricter than a running study: the site leaves at its next round, says why here, and is back once it is accepted', async () => {
  const site = open()
  site.store.studies.decide({ ...decisionOf(site), accepted: ['graph', 'parameters', 'steps'] })
  const first = site.plan()
  assign(site, first)
  await site.coordinator.until(() => site.coordinator.sent.find(({ type }) => type === 'work-done'))
  site.policy.approve = { ...defaultPolicy.approve, roundsMax: 2 }
  const next = site.plan({ purpose: 'evaluate' })
  assign(site, next)
  expect(await refusalAt(site)).toMatchObject({
    planHash: next.hash,
    code: 'policy-refused',
    reason: expect.stringMatching(/rounds: 3 rounds, at most 2.*--accept rounds/),
  })
  expect(site.store.studies.decisionOn(studyHash(site.study.manifest))?.decision).toBe('approved')
  site.store.studies.decide({ ...decisionOf(site), accepted: ['graph', 'parameters', 'steps', 'rounds'] })
  assign(site, next)
  await site.coordinator.until(() => site.coordinator.sent.filter(({ type }) => type === 'work-done')[1])
})

test('a study approved under an older policy stays approved where its lead is no longer named; the next of that lead waits for a person', async () => {
  const site = strict(open({ approved: false }))
  const fits = offer(site, { name: 'fits' })
  await site.coordinator.until(() => site.coordinator.decisions[0])
  site.leadsApproved.length = 0
  site.restart()
  const told = site.coordinator.decisions.length
  offer(site, { name: 'fits' })
  const again = await site.coordinator.until(() => site.coordinator.decisions[told])
  expect(again).toMatchObject({ studyHash: fits, decision: 'approve' })
  const later = offer(site, { name: 'later' })
  await site.coordinator.until(() => site.events.find((each) => each.type === 'study-offered' && each.study === later))
  expect(site.store.studies.decisionOn(later)).toBeUndefined()
  expect(site.store.studies.decisionOn(fits)).toMatchObject({ decision: 'approved', by: 'policy' })
})

test('a study has as many runs here as the policy lets it have', async () => {
  const site = open()
  site.store.studies.decide({ ...decisionOf(site), accepted: ['graph', 'parameters', 'steps'] })
  site.policy.approve = { ...defaultPolicy.approve, runsMax: 1 }
  assign(site, site.plan())
  await site.coordinator.until(() => site.coordinator.sent.find(({ type }) => type === 'work-done'))
  assign(site, site.plan({ run: 'heart-2' }))
  expect(await refusalAt(site)).toMatchObject({ code: 'policy-refused', reason: expect.stringMatching(/runs: run 2/) })
})

test('a roll-back that this site followed counts as a run', async () => {
  const site = open()
  site.store.studies.decide({ ...decisionOf(site), accepted: ['graph', 'parameters', 'steps'] })
  site.policy.approve = { ...defaultPolicy.approve, runsMax: 1 }
  assign(site, site.plan())
  await site.coordinator.until(() => site.coordinator.sent.find(({ type }) => type === 'work-done'))
  site.store.heads.accept('heart-1', logHead, { entry: 1, parameters: site.model, isRollback: true })
  assign(site, site.plan({ round: 2, modelEntry: 1 }))
  expect(await refusalAt(site)).toMatchObject({ code: 'policy-refused', reason: expect.stringMatching(/runs: run 2/) })
})

test('too few rows: one code leaves, once, whatever comes again, and only a person here changes that', async () => {
  const site = strict(open({ approved: false }))
  site.policy.rows = { rowsMin: 11, testRowsMin: 0 }
  const hash = offer(site)
  expect(await refusalAt(site)).toMatchObject({
    studyHash: hash,
    code: 'data-too-few',
    reason: expect.stringMatching(/rows: 10 training rows here, at least 11; patients/),
  })
  expect(refusals(site)).toEqual([{ type: 'refusal', studyHash: hash, code: 'data-not-ready' }])
  offer(site)
  site.coordinator.reconnect()
  await site.coordinator.until(() => site.events.filter(({ type }) => type === 'link-up')[1])
  expect(refusals(site)).toHaveLength(1)
  expect(site.coordinator.decisions).toHaveLength(0)
  site.store.studies.decide({ ...decisionOf(site), study: hash, accepted: ['rows', 'patients'] })
  offer(site)
  expect(await site.coordinator.until(() => site.coordinator.decisions[0])).toMatchObject({ studyHash: hash })
})

test('a series of studies that differ in a range: each says one code, once, and no lead gets more of them than the policy lets pass', async () => {
  const site = strict(open({ approved: false }))
  site.policy.rows = { rowsMin: 1, testRowsMin: 0 }
  site.trainer.dataProblem = new FederationError('data-out-of-range', 'column age, data row 153: outside the range')
  const search = (max: number) => {
    const features = [{ name: 'age', type: 'number', range: [0, max] as [number, number] } as const]
    return offer(site, { name: `up-to-${max}`, features })
  }
  const hashes = [60, 70, 80, 90, 100].map(search)
  await refusalAt(site, 5)
  const said = hashes.map((studyHash) => ({ type: 'refusal', studyHash, code: 'data-not-ready' }))
  expect(refusals(site)).toEqual(expect.arrayContaining(said))
  search(60)
  search(110)
  await site.coordinator.until(() => site.events.find(({ type }) => type === 'study-offered'))
  expect(refusals(site)).toHaveLength(5)
  expect(JSON.stringify(site.coordinator.sent)).not.toMatch(/age|153|range/)
})

test('too few test rows: the study waits for a person, who may accept them', async () => {
  const site = strict(open({ approved: false }))
  site.policy.rows = { rowsMin: 10, testRowsMin: 5 }
  const hash = offer(site)
  expect(await refusalAt(site)).toMatchObject({
    studyHash: hash,
    code: 'data-too-few',
    reason: expect.stringMatching(/test-rows: 4 test rows/),
  })
  site.store.studies.decide({ ...decisionOf(site), study: hash, accepted: ['test-rows'] })
  offer(site)
  expect(await site.coordinator.until(() => site.coordinator.decisions[0])).toMatchObject({ studyHash: hash })
})

test('a policy that asks for more test rows later keeps the site out of the next evaluation', async () => {
  const site = open({ approved: false })
  site.store.studies.decide({ ...decisionOf(site), accepted: ['graph', 'parameters', 'steps'] })
  assign(site, site.plan())
  await site.coordinator.until(() => site.coordinator.sent.find(({ type }) => type === 'work-done'))
  site.policy.rows = { rowsMin: 10, testRowsMin: 5 }
  const evaluate = site.plan({ purpose: 'evaluate' })
  assign(site, evaluate)
  expect(await refusalAt(site)).toMatchObject({ planHash: evaluate.hash, code: 'data-too-few' })
  expect(refusals(site)).toMatchObject([{ code: 'data-not-ready' }])
})

function decisionOf(site: SiteFixture) {
  const study = studyHash(site.study.manifest)
  const by = { by: 'person', account: 'it', reason: '' } as const
  return { study, decision: 'approved', lead: fingerprint(lead.publicKey), ...by } as const
}
