/** What a site may and may not do at the coordinator: joining, fetching, speaking after its certificate ended. */
import { parseJoinCode } from '@consilium/protos/join-code.ts'
import { planHash } from '@consilium/protos/plan/round-plan.ts'
import { readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import { expect, test } from 'vitest'
import type { ToSite } from '../../coordinator/services.ts'
import { collect } from '../support/collect.ts'
import { coordinatorFixture, hasEnded, iterate, makeStudy } from '../support/coordinator-fixture.ts'

function hashOf(message: ToSite): string {
  if (message.type !== 'assignment') throw new Error(`an assignment, not ${message.type}`)
  return planHash(JSON.parse(Buffer.from(message.plan.bytes).toString()))
}

test('a join code tells where to dial and whom to trust', async () => {
  const fixture = await coordinatorFixture()
  const { joinCode, expiresAt } = await fixture.admin.addSite('basel', 60)
  expect(parseJoinCode(joinCode)).toMatchObject({
    address: 'localhost:7443',
    site: 'basel',
    authority: 'a'.repeat(64),
    expiresAt: '2026-11-22T11:00:00.000Z',
  })
  expect(expiresAt).toBe('2026-11-22T11:00:00.000Z')
  await fixture.sites(['zurich'])
  expect(await fixture.admin.listSites()).toMatchObject([
    { name: 'basel', state: 'invited', attending: false, fingerprint: '' },
    { name: 'zurich', state: 'enrolled', attending: true, fingerprint: expect.stringMatching(/^SHA256:/) },
  ])
})

test('of two that join with the same code at once, one gets in', async () => {
  const fixture = await coordinatorFixture()
  const [zurich] = await fixture.sites(['zurich'])
  await fixture.admin.revokeSite('zurich', 'moved')
  const { joinCode } = await fixture.admin.addSite('zurich', 60)
  const joins = await Promise.allSettled([zurich!.join(joinCode), zurich!.join(joinCode)])
  expect(joins.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  expect(joins[1]).toMatchObject({ reason: { code: 'join-code-used' } })
})

test('a revoked site loses its stream, its round and its voice at once; the others go on', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const zurich = sites[3]!
  zurich.works = false
  const { run } = await fixture.startRun({ rounds: 1, standardisation: 'none' })
  await zurich.until(({ heard }) => heard.some(({ type }) => type === 'assignment'))
  expect(await fixture.admin.revokeSite('zurich', 'its laptop was stolen')).toMatchObject({
    state: 'revoked',
    attending: false,
  })
  expect(zurich.endings).toMatchObject([{ code: 'certificate-revoked' }])
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(view.rounds[0]!.dropouts).toEqual([
    { site: 'zurich', reason: 'revoked: its certificate was revoked', purpose: 'train', phase: 'work' },
  ])
  expect(view.rounds[0]).toMatchObject({ survivors: ['basel', 'cleveland', 'hungary'], auroc: expect.any(Number) })
  for (const call of [() => fixture.service.checkCaller(zurich.caller), () => zurich.attend()])
    expect(call).toThrow(expect.objectContaining({ code: 'certificate-revoked' }))
  for (const call of [
    () => fixture.service.studies(zurich.caller),
    () => fixture.service.fetch(zurich.caller, view.parametersSha256!, 0),
    () => fixture.service.uploadOffset(zurich.caller, 'f'.repeat(64)),
    () => fixture.service.renew(zurich.caller, Buffer.from('request')),
  ])
    await expect(call()).rejects.toMatchObject({ code: 'certificate-revoked' })
})

test('a certificate that expires ends the stream; a renewed one does not lose it', async () => {
  const fixture = await coordinatorFixture()
  const [basel, zurich] = await fixture.sites(['basel', 'zurich'])
  await fixture.pass(80 * 86_400_000)
  const renewed = await fixture.service.renew(zurich!.caller, Buffer.from('request'))
  const serial = renewed.split(' ')[1]!
  zurich!.caller = { ...zurich!.caller, serial, expiresAt: new Date(fixture.clock.now().getTime() + 90 * 86_400_000) }
  zurich!.attend()
  await fixture.pass(10 * 86_400_000)
  expect(basel!.endings).toMatchObject([{ code: 'certificate-expired' }])
  expect(zurich!.endings).toMatchObject([{ code: 'stale-round' }])
  expect(() => fixture.service.checkCaller(basel!.caller)).toThrow(
    expect.objectContaining({ code: 'certificate-expired' }),
  )
  fixture.service.checkCaller(zurich!.caller)
  expect((await fixture.admin.listSites()).map(({ attending }) => attending)).toEqual([false, true])
})

test('a site fetches what is open to it and nothing else', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  sites[3]!.approves = false
  const { run } = await fixture.startRun({ rounds: 1 }, 3)
  const view = await fixture.runWhere(run, hasEnded)
  const { manifest } = readSignedStudy((await fixture.admin.showStudy('heart-disease')).signedStudy)
  const fetched = async (site: number, sha256: string, offset = 0) =>
    Buffer.concat(await collect(await fixture.service.fetch(sites[site]!.caller, sha256, offset)))
  for (const { sha256, bytes } of [manifest.graph, manifest.initialParameters])
    for (const site of [0, 3]) expect(await fetched(site, sha256)).toHaveLength(bytes)
  expect(await fetched(0, view.parametersSha256!, 4)).toHaveLength(4 * 6 - 4)
  await expect(fetched(0, view.parametersSha256!, 4 * 6 + 1)).rejects.toMatchObject({ code: 'offset-mismatch' })
  await expect(fetched(3, view.parametersSha256!)).rejects.toMatchObject({ code: 'permission-denied' })
  await expect(fetched(0, view.modelSha256!)).rejects.toMatchObject({ code: 'permission-denied' })
  const study = await fixture.objects.put(Buffer.from('something of the coordinator'))
  await expect(fetched(0, study.sha256)).rejects.toMatchObject({ code: 'permission-denied' })
  expect(Buffer.concat(await collect(await fixture.admin.fetchObject(view.modelSha256!, 0))).length).toBeGreaterThan(
    100,
  )
})

test('a study is created once, and offered to every site that attends', async () => {
  const fixture = await coordinatorFixture()
  const [basel] = await fixture.sites(['basel'])
  basel!.approves = false
  const first = await fixture.createStudy()
  expect(await fixture.createStudy()).toEqual(first)
  expect(await fixture.admin.listStudies()).toHaveLength(1)
  const other = makeStudy({}, fixture.identity)
  const again = fixture.admin.createStudy(Buffer.from(JSON.stringify(other.signed)), iterate(other.objects))
  await expect(again).rejects.toMatchObject({ code: 'already-exists' })
  expect(basel!.heard.map(({ type }) => type)).toEqual(['roster', 'study'])
  basel!.attend()
  expect(basel!.heard.map(({ type }) => type)).toEqual(['roster', 'study', 'roster', 'study'])
  expect(await fixture.service.studies(basel!.caller)).toHaveLength(1)
})

test('a site whose data do not fit is left out, with its reason, until it approves again', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const { hash } = await fixture.createStudy({ rounds: 1 })
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  sites[3]!.approves = false
  sites[3]!.say({ type: 'refusal', studyHash: hash, code: 'data-not-ready' })
  const study = await fixture.studyWhere(hash, ({ decisions }) =>
    decisions.some(({ decision }) => decision === 'refused'),
  )
  expect(study.decisions[3]).toMatchObject({ site: 'zurich', reason: expect.stringMatching(/^data-not-ready: /) })
  const { run } = await fixture.admin.startRun(hash)
  expect((await fixture.runWhere(run, hasEnded)).rounds[1]!.cohort).toEqual(['basel', 'cleveland', 'hungary'])
  await sites[3]!.decide(hash)
  // It would be in the next run, whose first sum differed from that of the one before by this site alone.
  await expect(fixture.admin.startRun(hash)).rejects.toMatchObject({
    code: 'cohort-differencing',
    message: expect.stringContaining('zurich is new'),
  })
})

test('a site that comes back with work of a round that is over is told so', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const zurich = sites[3]!
  zurich.works = false
  const { run } = await fixture.startRun({ standardisation: 'none', rounds: 1 })
  const plan = hashOf(await zurich.until(({ heard }) => heard.find(({ type }) => type === 'assignment')))
  zurich.leave()
  await fixture.pass(600_000)
  // It has approved the study: the last evaluation waits for it, and is then left out.
  await fixture.runWhere(run, ({ current }) => current?.purpose === 'evaluate')
  await fixture.pass(7 * 24 * 3_600_000)
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.rounds.at(-1)!.withheld).toMatch(/^evaluation withheld: zurich is missing: not connected since /)
  zurich.heard.length = 0
  zurich.attend()
  zurich.say({ type: 'work-done', planHash: plan })
  zurich.say({ type: 'work-done', planHash: 'f'.repeat(64) })
  await zurich.until(({ heard }) => heard.length === 4)
  expect(zurich.heard).toMatchObject([
    { type: 'roster' },
    { type: 'run-over', outcome: 'finished' },
    { type: 'round-over', planHash: plan, outcome: 'dropped' },
    { type: 'round-over', planHash: 'f'.repeat(64), outcome: 'failed' },
  ])
})
