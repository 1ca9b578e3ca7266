/** Runs of a real coordinator, exported as its operator does and verified as an auditor does: with the roster alone. */
import { canonicalJson } from '@consilium/protos/hash.ts'
import { fingerprint, identityFromSeed } from '@consilium/protos/identity.ts'
import { verifyConsistency, verifyInclusion } from '@consilium/protos/log/merkle.ts'
import { readModelEntry } from '@consilium/protos/log/model-entry.ts'
import { signPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test } from 'vitest'
import { type BundleSource, bundleLines } from '../../../coordinator/audit/bundle.ts'
import { type BundleReport, verifyBundle } from '../../../coordinator/audit/verify-bundle.ts'
import { linesOf } from '../../../coordinator/cli/log-source.ts'
import { collect } from '../../support/collect.ts'
import { type CoordinatorFixture, coordinatorFixture, hasEnded } from '../../support/coordinator-fixture.ts'
import type { FakeSite } from '../../support/fake-site.ts'

function sourceOf({ admin }: CoordinatorFixture): BundleSource {
  return {
    signedHead: (stream) => admin.signedHead(stream),
    async *readLog(stream) {
      for await (const entry of admin.readLog(stream)) yield canonicalJson(entry)
    },
    async *fetchObject(sha256, offset) {
      yield* await admin.fetchObject(sha256, offset)
    },
  }
}

async function audited(
  fixture: CoordinatorFixture,
  sites: readonly FakeSite[],
  run: string,
  coordinator = fingerprint(fixture.identity.publicKey),
): Promise<BundleReport> {
  const lines = await collect(bundleLines(sourceOf(fixture), run))
  return verifyBundle(linesOf([Buffer.from(lines.map((line) => `${line}\n`).join(''))]), {
    coordinator,
    sites: Object.fromEntries(sites.map(({ name, identity }) => [name, fingerprint(identity.publicKey)])),
  })
}

const counts = { advertised: 4, shared: 4, survivors: 4, confirmations: 3, releases: 3, threshold: 3 }

test('a secure run holds from its statistics to its last evaluation', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const { run } = await fixture.startRun()
  await fixture.runWhere(run, hasEnded)
  const report = await audited(fixture, sites, run)
  expect(report).toMatchObject({ errors: [], ok: true, state: 'finished', federation: 'hearts' })
  expect(report.rounds.map(({ round, purpose, outcome }) => [round, purpose, outcome])).toEqual([
    [0, 'statistics', 'committed'],
    [1, 'train', 'committed'],
    [1, 'evaluate', 'committed'],
    [2, 'train', 'committed'],
    [2, 'evaluate', 'committed'],
  ])
  for (const round of report.rounds) expect(round.counts).toEqual(counts)
  await fixture.stop()
})

test('a run whose coordinator was killed in the middle of a round holds', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const killed = fixture.killAfter(45)
  const { run } = await fixture.startRun()
  await killed
  await fixture.restart()
  for (const site of sites) site.attend()
  await fixture.runWhere(run, hasEnded)
  expect(await audited(fixture, sites, run)).toMatchObject({ errors: [], ok: true, state: 'finished' })
  await fixture.stop()
})

test('a run in which a hospital leaves for good, and evaluations go on by the lead’s word and the others’, holds', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const [basel, , , zurich] = sites as [FakeSite, FakeSite, FakeSite, FakeSite]
  const { contribution } = basel
  basel.contribution = (plan, manifest) => {
    if (plan.purpose === 'evaluate' && plan.round === 1) basel.works = false
    return contribution(plan, manifest)
  }
  const { run, studyHash: study } = await fixture.startRun({
    rounds: 3,
    standardisation: 'none',
    cohort: { min: 3, quorum: 3 },
  })
  await fixture.runWhere(run, ({ current }) => current?.round === 2 && current.phase === 'work')
  const before = sites.map(({ name }) => name)
  await zurich.sayOfPartners({ word: 'leave', study, since: 0, purposes: ['evaluate'] })
  await zurich.decide(study, 'reject')
  const sets = [{ purpose: 'evaluate' as const, before, after: before.slice(0, 3) }]
  const lead = identityFromSeed(new Uint8Array(32).fill(5))
  await fixture.admin.changePartners(signPartnerChange({ format: 1, study, number: 1, sets }, lead))
  await fixture.studyWhere(study, ({ partnerChanges }) => partnerChanges[0]?.awaited.length === 0)
  basel.works = true
  basel.leave()
  basel.attend()
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.rounds.map(({ loss }) => loss !== undefined)).toEqual([true, true, true])
  expect(await audited(fixture, sites, run)).toMatchObject({ errors: [], ok: true, state: 'finished' })
  await fixture.stop()
})

test('a run that was finished without the evaluation of its last model holds', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const { run } = await fixture.startRun({ standardisation: 'none', rounds: 2, cohort: { min: 3, quorum: 3 } })
  await fixture.runWhere(run, ({ rounds }) => rounds[0]?.loss !== undefined)
  sites[3]!.leave()
  await fixture.pass(600_000)
  await fixture.runWhere(run, ({ current }) => current?.round === 2 && current.purpose === 'evaluate')
  await fixture.admin.finishRun(run, 'enough')
  await fixture.runWhere(run, hasEnded)
  const report = await audited(fixture, sites, run)
  expect(report).toMatchObject({ errors: [], ok: true, state: 'finished' })
  expect(report.rounds.map(({ purpose, outcome }) => [purpose, outcome])).toEqual([
    ['train', 'committed'],
    ['evaluate', 'committed'],
    ['train', 'committed'],
  ])
  await fixture.stop()
})

test('a run in sealed mode holds', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const { run } = await fixture.startRun({ aggregation: { mode: 'sealed' } })
  await fixture.runWhere(run, hasEnded)
  const report = await audited(fixture, sites, run)
  expect(report).toMatchObject({ errors: [], ok: true, state: 'finished' })
  expect(report.rounds.every(({ mode }) => mode === 'sealed')).toBe(true)
  await fixture.stop()
})

test('each plan of a run is proven to a site: its head extends the one before, its model stands in it', async () => {
  const fixture = await coordinatorFixture()
  const [site] = await fixture.sites()
  const { run } = await fixture.startRun()
  await fixture.runWhere(run, hasEnded)
  const plans: RoundPlan[] = []
  for await (const { type, body } of fixture.admin.readLog(`run/${run}`))
    if (type === 'cohort-selected') plans.push(body.plan as RoundPlan)
  const inBytes = ({ logHead: { size, root } }: RoundPlan) => ({ size, root: Buffer.from(root, 'hex') })
  for (const [i, plan] of plans.entries()) {
    const before = plans[i - 1] ?? plan
    const { size: oldSize } = before.logHead
    const { modelEntry: seq } = plan
    const request = { run, oldSize, newSize: plan.logHead.size, ...(seq === undefined ? {} : { seq }) }
    const proof = await fixture.service.proveLog(site!.caller, request)
    expect(verifyConsistency(inBytes(before), inBytes(plan), proof.consistency)).toBe(true)
    if (seq === undefined) continue
    const { leaf, parameters } = readModelEntry(proof.entry!, run, seq)
    expect(parameters).toBe(plan.model)
    expect(verifyInclusion({ leaf, index: seq, path: proof.inclusion, ...inBytes(plan) })).toBe(true)
  }
  expect(plans.map(({ modelEntry }) => modelEntry !== undefined)).toEqual([false, false, true, true, true])
  await fixture.stop()
})

test('a run that was taken back to an earlier model holds, also once the coordinator has a new key', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const slow = sites.at(-1)!
  const known = fingerprint(fixture.identity.publicKey)
  const { run } = await fixture.startRun({ rounds: 4, standardisation: 'none' })
  // Round 3 waits for the last site.
  await slow.until(({ heard, worked }) =>
    heard.some((message) => {
      if (message.type !== 'assignment') return false
      const plan = JSON.parse(Buffer.from(message.plan.bytes).toString()) as RoundPlan
      return plan.round === 2 && plan.purpose === 'evaluate' && worked.includes(planHash(plan))
    }),
  )
  slow.works = false
  await fixture.runWhere(run, ({ current }) => current?.round === 3 && current.phase === 'work')
  slow.works = true
  await fixture.admin.rollBackRun(run, 1, 'round 2 diverged')
  await fixture.runWhere(run, hasEnded)
  await fixture.admin.rotateKey()
  const report = await audited(fixture, sites, run, known)
  expect(report).toMatchObject({ errors: [], ok: true, state: 'finished' })
  expect(report.coordinator).not.toBe(known)
  await fixture.stop()
})
