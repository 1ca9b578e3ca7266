import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint, generateIdentity, verifySignature } from '@consilium/protos/identity.ts'
import { decodeContribution } from '@consilium/protos/plan/contribution.ts'
import { type RoundPlan, type SignedRoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { openUpdate } from '@consilium/protos/sealing/sealed-update.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { refusalAt } from '../support/refusal.ts'
import {
  coordinator,
  lead,
  openSite,
  runKey,
  type SiteFixture,
  sealed,
  siteName,
  studyBytes,
  studyOf,
} from '../support/site-fixture.ts'

let opened: SiteFixture | undefined
/** A site of a study whose updates are sealed: what these tests are about goes the same way in a secure round. */
const open = (options: Parameters<typeof openSite>[0] = {}) => {
  opened = openSite({ ...options, study: sealed })
  return opened
}
afterEach(() => opened?.close())

const assign = (site: SiteFixture, plan: SignedRoundPlan) => site.coordinator.say({ type: 'assignment', plan })
const workDone = (site: SiteFixture, hash: string, times = 1) =>
  site.coordinator.until(
    () => site.coordinator.sent.filter((m) => m.type === 'work-done' && m.planHash === hash)[times - 1],
  )
const uploaded = (site: SiteFixture, hash: string) =>
  site.coordinator.until(() => site.events.find((e) => e.type === 'uploaded' && e.planHash === hash))
const refusal = refusalAt
const trained = (site: SiteFixture) => site.trainer.calls.filter((call) => call === 'train').length

/** What the coordinator reads from the upload for a plan. */
function received(site: SiteFixture, { plan, hash }: { plan: RoundPlan; hash: string }, length: number) {
  const context = Buffer.from(`${hash}:${siteName}`)
  return decodeContribution(openUpdate(site.coordinator.uploads.get(hash)!, runKey, context), plan.purpose, length)
}

describe('a round', () => {
  test('training ends in a sealed update that only this run, plan and site open', async () => {
    const site = open()
    const assigned = site.plan()
    assign(site, assigned.signed)
    await workDone(site, assigned.hash)
    site.coordinator.say({ type: 'collect-updates', planHash: assigned.hash })
    await uploaded(site, assigned.hash)
    expect(received(site, assigned, 3)).toEqual({
      header: { purpose: 'train', examples: 10, steps: 20, loss: 0.6, clipped: false },
      vector: Float32Array.of(0.1, -0.2, 0.05),
    })
  })

  test('statistics and evaluation go the same way', async () => {
    const site = open()
    const { standardisation: _, ...statistics } = site.plan({ purpose: 'statistics', round: 0 }).plan
    const first = { plan: statistics, signed: signRoundPlan(statistics, coordinator) }
    assign(site, first.signed)
    const done = await site.coordinator.until(() => site.coordinator.sent.find((m) => m.type === 'work-done'))
    const hash = done.type === 'work-done' ? done.planHash : ''
    site.coordinator.say({ type: 'collect-updates', planHash: hash })
    await uploaded(site, hash)
    expect(received(site, { plan: statistics, hash }, 6).vector).toEqual(site.trainer.statistics.sums)

    const second = site.plan({ purpose: 'evaluate' })
    assign(site, second.signed)
    await workDone(site, second.hash)
    site.coordinator.say({ type: 'collect-updates', planHash: second.hash })
    await uploaded(site, second.hash)
    expect(received(site, second, 8).header).toEqual({ purpose: 'evaluate', examples: 4, lossSum: 2.5, correct: 3 })
    expect(site.trainer.calls).toEqual(['start', 'statistics', 'evaluate'])
  })

  test('progress leaves in quarters, and always the last', async () => {
    const site = open()
    assign(site, site.plan().signed)
    await workDone(site, site.plan().hash)
    const progress = site.coordinator.sent.filter((m) => m.type === 'progress')
    expect(progress.map((m) => m.quarters)).toEqual([0, 1, 2, 3, 4])
  })

  test('progress made while the line was down is told when it is back, and none is made up', async () => {
    const site = open()
    site.trainer.gate = new Promise(() => undefined)
    const told = () => site.coordinator.sent.filter((m) => m.type === 'progress').map((m) => m.quarters)
    assign(site, site.plan().signed)
    await site.coordinator.until(() => (told().length === 5 ? true : undefined))
    site.coordinator.reconnect()
    expect(told()).toEqual([0, 1, 2, 3, 4, 4])
  })

  test.for(['the trainer crashed', 'the agent was killed'])(
    'work during which %s goes on where it was kept; done, it is kept no longer',
    async (what) => {
      const site = open()
      const { hash, signed } = site.plan()
      const state = { parameters: new Float32Array(3), optimizerState: new Float32Array(0), data: 'ab'.repeat(32) }
      site.trainer.checkpoint = { steps: 12, lossSum: 7, ...state }
      if (what === 'the trainer crashed') site.trainer.crashes = 1
      else site.trainer.gate = new Promise(() => undefined)
      assign(site, signed)
      if (what === 'the agent was killed') {
        await site.coordinator.until(() => site.trainer.calls.find((call) => call === 'train'))
        site.trainer.gate = undefined
        site.restart()
        assign(site, signed)
      }
      await workDone(site, hash)
      expect(site.trainer.resumed).toEqual([undefined, 12])
      expect(site.events.filter(({ type }) => type === 'work-resumed')).toMatchObject([{ steps: 12, planHash: hash }])
      expect(existsSync(site.store.outbox.checkpointPath(hash))).toBe(false)
    },
  )

  test('an agent that is started again works on before it hears from the coordinator', async () => {
    const site = open()
    const { hash, signed } = site.plan()
    site.trainer.gate = new Promise(() => undefined)
    assign(site, signed)
    await site.coordinator.until(() => site.trainer.calls.find((call) => call === 'train'))
    site.trainer.gate = undefined
    site.coordinator.unreachable = true
    site.restart()
    await workDone(site, hash)
    expect(site.trainer.calls.filter((call) => call === 'train')).toHaveLength(2)
    assign(site, signed)
    expect(site.trainer.calls.filter((call) => call === 'train')).toHaveLength(2)
  })

  test('once it is over nothing of it stays on disk but the parameters the next one starts from', async () => {
    const site = open()
    const { hash, signed } = site.plan()
    assign(site, signed)
    await workDone(site, hash)
    expect(site.store.outbox.has(hash)).toBe(true)
    site.coordinator.say({ type: 'round-over', planHash: hash, outcome: 'committed', reason: '' })
    site.coordinator.say({ type: 'round-over', planHash: hash, outcome: 'committed', reason: '' })
    expect(site.events.filter(({ type }) => type === 'round-over')).toHaveLength(1)
    expect(site.store.outbox.has(hash)).toBe(false)
    expect(site.store.objects.read(site.model)).toBeDefined()
    site.coordinator.say({ type: 'run-over', run: 'heart-1', outcome: 'finished', reason: '' })
    expect(site.store.objects.read(site.model)).toBeUndefined()
    expect(site.store.objects.read(site.study.manifest.graph.sha256)).toBeDefined()
    await site.coordinator.until(() => site.trainer.calls.find((call) => call === 'stop'))
  })

  test('that commits before the upload is answered counts as uploaded all the same', async () => {
    const site = open()
    const { hash, signed } = site.plan()
    assign(site, signed)
    await workDone(site, hash)
    const { promise, resolve } = Promise.withResolvers<void>()
    site.coordinator.answer = promise
    site.coordinator.say({ type: 'collect-updates', planHash: hash })
    await site.coordinator.until(() => site.coordinator.uploads.get(hash))
    site.coordinator.say({ type: 'round-over', planHash: hash, outcome: 'committed', reason: '' })
    resolve()
    await uploaded(site, hash)
  })

  test('that ends while the site still works calls the work off', async () => {
    const site = open()
    site.trainer.gate = new Promise(() => undefined)
    const { hash, signed } = site.plan()
    assign(site, signed)
    await site.coordinator.until(() => site.coordinator.sent.find((m) => m.type === 'progress' && m.quarters === 4))
    site.coordinator.say({ type: 'round-over', planHash: hash, outcome: 'dropped', reason: 'too slow' })
    site.trainer.gate = undefined
    const next = site.plan({ round: 2 })
    assign(site, next.signed)
    await workDone(site, next.hash)
    expect(site.coordinator.sent.filter((m) => m.type === 'refusal' || m.type === 'work-done')).toHaveLength(1)
  })
})

describe('a refusal', () => {
  test('names plan, code and reason, is kept, and leaves other rounds going', async () => {
    const site = open()
    const small = site.plan({ cohort: ['mercy', 'hope'], run: 'heart-0' })
    assign(site, small.signed)
    expect(await refusal(site)).toMatchObject({ planHash: small.hash, code: 'cohort-too-small' })
    expect(site.store.records.refusals(1)).toMatchObject([{ planHash: small.hash, code: 'cohort-too-small' }])
    assign(site, site.plan().signed)
    await workDone(site, site.plan().hash)
  })

  test('of bytes that are no plan stays at the site: there is nothing it could name', async () => {
    const site = open()
    assign(site, { bytes: Buffer.from('{'), signature: new Uint8Array(64) })
    expect(site.store.records.refusals(1)).toMatchObject([{ planHash: '', code: 'message-invalid' }])
    const said = site.coordinator.sent.map(({ type }) => type)
    expect(said.filter((type) => type !== 'pinned' && type !== 'known-heads')).toEqual([])
  })

  test.for([
    { what: 'NaN in the update', update: [Number.NaN, 0, 0], loss: 0.5 },
    { what: 'infinity in the update', update: [Number.POSITIVE_INFINITY, 0, 0], loss: 0.5 },
    { what: 'a loss that is not a number', update: [0, 0, 0], loss: Number.NaN },
    { what: 'an update of another length', update: [0, 0], loss: 0.5 },
  ])('$what never leaves', async ({ update, loss }) => {
    const site = open()
    site.trainer.train = { update: Float32Array.from(update), examples: 10, steps: 20, loss, zeroShare: 0 }
    assign(site, site.plan().signed)
    expect(await refusal(site)).toMatchObject({ planHash: site.plan().hash, code: 'update-invalid' })
    expect(site.store.outbox.has(site.plan().hash)).toBe(false)
    // The assignment that comes again is refused again, without a second training.
    assign(site, site.plan().signed)
    expect(await refusal(site, 2)).toMatchObject({ planHash: site.plan().hash, code: 'update-invalid' })
    expect(trained(site)).toBe(1)
  })

  test('of data that do not fit names the problem, and the next round tries again', async () => {
    const site = open()
    site.trainer.dataProblem = new FederationError('data-missing-column', 'mercy: the view has no column chol')
    assign(site, site.plan().signed)
    expect(await refusal(site)).toMatchObject({ code: 'data-missing-column', reason: /no column chol/ })
    expect(site.store.records.dataCheckOf(studyHash(site.study.manifest))?.failure?.code).toBe('data-missing-column')
    site.trainer.dataProblem = undefined
    const next = site.plan({ round: 2 })
    assign(site, next.signed)
    await workDone(site, next.hash)
  })

  test('says nothing of an error that is not ours, since it may hold anything', async () => {
    const site = open()
    site.trainer.dataProblem = new Error('row 17: Smith, 67') as FederationError
    assign(site, site.plan().signed)
    expect(JSON.stringify(await refusal(site))).not.toContain('Smith')
  })
})

describe('a trainer that crashes', () => {
  test('once is started again and the work is done', async () => {
    const site = open()
    site.trainer.crashes = 1
    assign(site, site.plan().signed)
    await workDone(site, site.plan().hash)
    expect(site.trainer.calls).toEqual(['start', 'train', 'stop', 'start', 'train'])
  })

  test('twice in a row is a refusal', async () => {
    const site = open()
    site.trainer.crashes = 2
    assign(site, site.plan().signed)
    expect(await refusal(site)).toMatchObject({ planHash: site.plan().hash, code: 'trainer-failed' })
    expect(trained(site)).toBe(2)
  })
})

describe('kill -9 and restart', () => {
  test('while working: the same plan is worked again, another model for its round is not', async () => {
    const site = open()
    site.trainer.gate = new Promise(() => undefined)
    const { hash, signed } = site.plan({ round: 2 })
    assign(site, signed)
    await site.coordinator.until(() => site.coordinator.sent.find((m) => m.type === 'progress'))
    site.restart()
    site.trainer.gate = undefined
    assign(site, site.plan({ round: 2, model: 'd'.repeat(64) }).signed)
    expect(await refusal(site)).toMatchObject({ code: 'stale-round' })
    assign(site, signed)
    await workDone(site, hash)
  })

  test('after the outbox and before the journal: the contribution is not lost and not made twice', async () => {
    const site = open()
    const { hash, plan, signed } = site.plan()
    site.store.journal.begin(hash, plan)
    site.store.outbox.put(hash, Buffer.from('sealed'))
    site.restart()
    assign(site, signed)
    await workDone(site, hash)
    site.coordinator.say({ type: 'collect-updates', planHash: hash })
    await uploaded(site, hash)
    expect(site.coordinator.uploads.get(hash)).toEqual(Buffer.from('sealed'))
    expect(trained(site)).toBe(0)
  })

  test('after the work: it is said again at once, and the very same bytes are uploaded', async () => {
    const site = open()
    const { hash, signed } = site.plan()
    assign(site, signed)
    await workDone(site, hash)
    site.restart()
    await workDone(site, hash, 2)
    assign(site, signed)
    await workDone(site, hash, 3)
    site.coordinator.say({ type: 'collect-updates', planHash: hash })
    await uploaded(site, hash)
    expect(trained(site)).toBe(1)
    expect(received(site, { plan: site.plan().plan, hash }, 3).vector).toEqual(site.trainer.train.update)
  })

  test('after the upload: a coordinator that never got it may ask again', async () => {
    const site = open()
    const { hash, signed } = site.plan()
    assign(site, signed)
    await workDone(site, hash)
    site.coordinator.say({ type: 'collect-updates', planHash: hash })
    await uploaded(site, hash)
    site.coordinator.uploads.clear()
    site.restart()
    site.events.length = 0
    assign(site, signed)
    site.coordinator.say({ type: 'collect-updates', planHash: hash })
    await uploaded(site, hash)
    expect(site.coordinator.uploads.has(hash)).toBe(true)
    expect(trained(site)).toBe(1)
  })

  test('with the outbox lost: an update asked for before it is made again is uploaded once it is', async () => {
    const site = open()
    const { hash, signed } = site.plan()
    assign(site, signed)
    await workDone(site, hash)
    rmSync(site.store.outbox.path(hash))
    site.restart()
    assign(site, signed)
    site.coordinator.say({ type: 'collect-updates', planHash: hash })
    await uploaded(site, hash)
    expect(received(site, { plan: site.plan().plan, hash }, 3).vector).toEqual(site.trainer.train.update)
  })

  test('with the round over meanwhile: the next plan of the run clears what is left of it', async () => {
    const site = open()
    const { hash, signed } = site.plan()
    assign(site, signed)
    await workDone(site, hash)
    site.restart()
    const next = site.plan({ round: 2 })
    assign(site, next.signed)
    await workDone(site, next.hash)
    expect(site.store.journal.find(hash)).toMatchObject({ state: 'over', outcome: 'superseded' })
    expect(site.store.outbox.has(hash)).toBe(false)
  })

  test('a stored object that was damaged is fetched again', async () => {
    const site = open()
    assign(site, site.plan().signed)
    await workDone(site, site.plan().hash)
    writeFileSync(site.store.objects.path(site.model), 'damaged')
    assign(site, site.plan({ purpose: 'evaluate' }).signed)
    await workDone(site, site.plan({ purpose: 'evaluate' }).hash)
    expect(site.coordinator.fetched.filter((sha256) => sha256 === site.model)).toHaveLength(2)
  })
})

describe('consent', () => {
  test('a study of a lead the policy names is approved under the signature of the site, and its data are checked', async () => {
    const site = open({ approved: false })
    site.leadsApproved.push(fingerprint(lead.publicKey))
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    const decision = await site.coordinator.until(() => site.coordinator.decisions[0])
    const parts = [Buffer.from(decision.studyHash, 'hex'), Buffer.from('approve')]
    expect(decision).toMatchObject({ studyHash: studyHash(site.study.manifest), decision: 'approve' })
    expect(verifySignature(site.identity.publicKey, decision.signature, 'decision', ...parts)).toBe(true)
    expect(await site.coordinator.until(() => site.events.find((e) => e.type === 'data-checked'))).toMatchObject({
      trainRows: 10,
      remarks: ['the column chol is constant'],
    })
    expect(site.store.studies.decisionOn(decision.studyHash)).toMatchObject({ decision: 'approved', by: 'policy' })
  })

  test('a study of any other lead waits for a person', async () => {
    const site = open({ approved: false })
    site.leadsApproved.push(fingerprint(lead.publicKey))
    const strange = signStudy(studyOf({ name: 'strange' }, site.coordinator), generateIdentity())
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(strange) })
    expect(await site.coordinator.until(() => site.events.find((e) => e.type === 'study-offered'))).toMatchObject({
      name: 'strange',
    })
    expect(site.store.studies.decisionOn(studyHash(strange.manifest))).toBeUndefined()
    expect(site.coordinator.decisions).toEqual([])
  })

  test('a study whose updates the coordinator could open waits for a person, unless the policy says it need not', async () => {
    const site = open({ approved: false, sealedApproved: false })
    site.leadsApproved.push(fingerprint(lead.publicKey))
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    await site.coordinator.until(() => site.events.find((e) => e.type === 'study-offered'))
    expect(site.store.studies.decisionOn(studyHash(site.study.manifest))).toBeUndefined()
    const secure = signStudy(studyOf({ name: 'masked' }, site.coordinator), lead)
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(secure) })
    expect(await site.coordinator.until(() => site.coordinator.decisions[0])).toMatchObject({
      studyHash: studyHash(secure.manifest),
      decision: 'approve',
    })
  })

  test('a study whose signature does not verify is not even kept', async () => {
    const site = open({ approved: false })
    const forged = { ...site.study, manifest: studyOf({ name: 'forged' }, site.coordinator) }
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(forged) })
    expect(await site.coordinator.until(() => site.events.find((e) => e.type === 'trouble'))).toMatchObject({
      code: 'signature-invalid',
    })
    expect(site.store.studies.list().map(({ name }) => name)).toEqual(['heart'])
  })

  test('data that do not fit an approved study refuse the study before its first round', async () => {
    const site = open({ approved: false })
    site.leadsApproved.push(fingerprint(lead.publicKey))
    site.trainer.dataProblem = new FederationError('data-empty', 'mercy: heart.csv has no row')
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    expect(await refusal(site)).toMatchObject({ studyHash: studyHash(site.study.manifest), code: 'data-empty' })
  })

  test('a study for fewer than half of the sites known here is shown to a person, whoever its lead is', async () => {
    const site = openSite({ approved: false })
    opened = site
    site.leadsApproved.push(fingerprint(lead.publicKey))
    const accept = site.policy.approve.accept.filter((rule) => rule !== 'planned')
    site.policy.approve = { ...site.policy.approve, accept }
    for (let i = 0; i < 6; i++)
      site.store.roster.pin(
        { site: `far-${i}`, publicKey: generateIdentity().publicKey },
        { by: 'person', account: '' },
      )
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    const event = await site.coordinator.until(() => site.events.find((e) => e.type === 'study-offered'))
    expect(event).toMatchObject({ breaks: expect.stringMatching(/^planned: it is planned for 3 sites/) })
    expect(site.coordinator.decisions).toHaveLength(0)
  })

  test('an approval is told only once the data fit, which are looked at again when a person here decides anew', async () => {
    const site = open({ approved: false })
    site.leadsApproved.push(fingerprint(lead.publicKey))
    site.trainer.dataProblem = new FederationError('data-empty', 'mercy: heart.csv has no row')
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    await refusal(site)
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    site.trainer.dataProblem = undefined
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    expect(site.coordinator.decisions).toHaveLength(0)
    expect(site.coordinator.sent.filter((m) => m.type === 'refusal')).toHaveLength(1)
    site.decide('approved')
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    expect(await site.coordinator.until(() => site.coordinator.decisions[0])).toMatchObject({ decision: 'approve' })
  })

  test('withdrawn while the site works keeps what it made from leaving', async () => {
    const site = open()
    const { hash, signed } = site.plan()
    assign(site, signed)
    await workDone(site, hash)
    site.decide('rejected')
    site.coordinator.say({ type: 'collect-updates', planHash: hash })
    expect(await refusal(site)).toMatchObject({ planHash: hash, code: 'study-unapproved' })
    expect(site.coordinator.uploads.size).toBe(0)
    expect(site.store.outbox.has(hash)).toBe(false)
  })

  test('a decision the coordinator has not heard is told when it offers the study again', async () => {
    const site = open({ approved: false })
    site.leadsApproved.push(fingerprint(lead.publicKey))
    site.coordinator.unreachable = true
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    await site.coordinator.until(() => site.events.find((e) => e.type === 'trouble'))
    expect(site.coordinator.sent.some((m) => m.type === 'refusal')).toBe(false)
    site.coordinator.unreachable = false
    site.coordinator.say({ type: 'study', signedStudy: studyBytes(site.study) })
    expect(await site.coordinator.until(() => site.coordinator.decisions[0])).toMatchObject({ decision: 'approve' })
    expect(site.store.studies.decisions(studyHash(site.study.manifest))).toHaveLength(1)
  })

  test('a link that fails in mid-work is no refusal: the plan is worked when it comes again', async () => {
    const site = open()
    site.coordinator.unreachable = true
    assign(site, site.plan().signed)
    await site.coordinator.until(() => site.events.find((e) => e.type === 'trouble'))
    site.coordinator.unreachable = false
    site.coordinator.reconnect()
    assign(site, site.plan().signed)
    await workDone(site, site.plan().hash)
    expect(site.coordinator.sent.some((m) => m.type === 'refusal')).toBe(false)
  })
})
