/** The agent as `site-agent run` starts it, over the real link, with a coordinator's edge that the test speaks through. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openAttending } from '@consilium/coordinator/attending/attending.ts'
import type { FromSite } from '@consilium/coordinator/services.ts'
import { systemClock } from '@consilium/protos/clock.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { formatJoinCode } from '@consilium/protos/join-code.ts'
import { decodeContribution } from '@consilium/protos/plan/contribution.ts'
import { planHash, type RoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { openUpdate } from '@consilium/protos/sealing/sealed-update.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningAgent, startAgent } from '../../site-agent/main.ts'
import type { AgentEvent } from '../../site-agent/round/events.ts'
import { anyStudy } from '../support/any-study.ts'
import { scriptedTrainer } from '../support/scripted-trainer.ts'
import { siteCommand } from '../support/site-command.ts'
import { cohort, coordinator, lead, logHead, runKey, sealed, studyBytes, studyOf } from '../support/site-fixture.ts'
import { startWireFixture, until, type WireFixture } from '../support/wire-fixture.ts'

let wire: WireFixture
let site: string
let agent: RunningAgent | undefined
const events: AgentEvent[] = []
const trainer = scriptedTrainer()

beforeEach(async () => {
  wire = await startWireFixture()
  const { service } = wire
  const join_ = service.join
  service.join = async (request) => ({ ...(await join_(request)), coordinatorPublicKey: coordinator.publicKey })
  service.studies = async () => [studyBytes(study)]
  site = mkdtempSync(join(tmpdir(), 'consilium-agent-'))
  events.length = 0
})
afterEach(async () => {
  await agent?.stop()
  agent = undefined
  await wire.stop()
  rmSync(site, { recursive: true, force: true })
})

/** The study is none of the zoo's, and the scripted data have ten rows. */
const accepted = 'sealed,graph,parameters,steps,rows,patients,test-rows'
const policyOf = (named: string) => ({ ...anyStudy, approve: { ...anyStudy.approve, sealed: true, leads: [named] } })

const objects = new Map<string, Uint8Array>()
const manifest = studyOf(sealed, { addObject })
const study = signStudy(manifest, lead)

test('joins, has a study approved by its policy, works and uploads; the ledger holds all of it', async () => {
  await joinAndStart()
  const { stream } = await attended()
  stream.send({ type: 'study', signedStudy: studyBytes(study) })
  await event((it) => it.type === 'data-checked')
  await heard(() => wire.service.decisions.length > 0)
  expect(wire.service.decisions).toMatchObject([{ site: 'mercy', decision: 'approve' }])
  const { hash, plan } = assign()
  await heardFromSite((message) => message.type === 'work-done')
  stream.send({ type: 'collect-updates', planHash: hash })
  await event((it) => it.type === 'uploaded')

  const sealed = wire.service.staged.get(`mercy/${hash}`)!
  const contribution = decodeContribution(openUpdate(sealed, runKey, Buffer.from(`${hash}:mercy`)), plan.purpose, 3)
  expect(contribution.vector).toEqual(trainer.train.update)
  await agent!.stop()
  const { totals, verified } = JSON.parse((await command('egress', '--verify')).out)
  expect(verified.entries).toBeGreaterThan(5)
  const kinds = totals.map(({ kind }: { kind: string }) => kind)
  expect(kinds).toEqual(
    expect.arrayContaining(['join', 'hello', 'decision', 'fetch', 'progress', 'work-done', 'upload']),
  )
})

test('a site whose database takes nothing more says so at once, and its ledger holds that later', async () => {
  await joinAndStart()
  const { stream } = await attended()
  stream.send({ type: 'study', signedStudy: studyBytes(study) })
  await heard(() => wire.service.decisions.length > 0)
  const beside = new DatabaseSync(join(site, 'state', 'agent.sqlite'))
  const tables = ['egress', 'work', 'refusals', 'attendance'] as const
  for (const table of tables)
    beside.exec(`CREATE TRIGGER full_${table} BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'full'); END`)
  const { hash } = assign()
  await heardFromSite((message) => message.type === 'refusal' && message.planHash === hash)
  const last = wire.service.streams[0]!.heard.at(-1)
  expect(last).toEqual({ type: 'refusal', planHash: hash, code: 'site-fault' })
  expect(events.map(({ type }) => type)).toContain('trouble')
  for (const table of tables) beside.exec(`DROP TRIGGER full_${table}`)
  beside.close()
  await agent!.stop()
  const { totals } = JSON.parse((await command('egress', '--verify')).out)
  expect(totals).toContainEqual(expect.objectContaining({ kind: 'refusal', messages: 1 }))
})

test('a decision at the command line reaches coordinator and running agent', async () => {
  await joinAndStart({ policy: false })
  await attended()
  expect(JSON.parse((await command('study', 'list')).out)).toMatchObject([{ name: 'heart', decision: null }])
  expect((await command('study', 'approve', 'heart', '--accept', accepted)).code).toBe(0)
  expect(wire.service.decisions).toMatchObject([{ site: 'mercy', decision: 'approve' }])
  const { hash } = assign()
  await heardFromSite((message) => message.type === 'work-done')
  expect((await command('study', 'reject', 'heart', '--reason', 'withdrawn')).code).toBe(0)
  wire.service.streams[0]!.stream.send({ type: 'collect-updates', planHash: hash })
  await heardFromSite((message) => message.type === 'refusal' && message.code === 'study-unapproved')
  expect(wire.service.staged.size).toBe(0)
})

test('an agent whose membership was ended stops and says so', async () => {
  await joinAndStart()
  const { stream } = await attended()
  wire.service.revoked.add('mercy')
  stream.end('certificate-revoked', 'left the consortium')
  await expect(agent!.ended).rejects.toMatchObject({ code: 'certificate-revoked' })
})

test('a copied state folder does not get in beside the agent that attends, and status says so', async () => {
  const attending = openAttending({ clock: systemClock, onChange() {}, onMessage() {}, onRefused() {} })
  wire.service.attend = (stream, hello) => attending.attend(stream, hello)
  await joinAndStart()
  await event((it) => it.type === 'link-up')
  const copied = mkdtempSync(join(tmpdir(), 'consilium-copy-'))
  cpSync(site, copied, { recursive: true })
  const refused = Promise.withResolvers<AgentEvent>()
  const copy = await startAgent({
    site: copied,
    startTrainer: trainer.start,
    onEvent: (it) => it.type === 'already-attending' && refused.resolve(it),
  })
  expect(await refused.promise).toMatchObject({
    reason: expect.stringContaining('identity of site mercy attends since'),
  })
  expect(JSON.parse((await command('status', '--site', copied)).out).attendance).toMatchObject({ state: 'refused' })
  expect(JSON.parse((await command('status')).out)).toMatchObject({ running: true, attendance: { state: 'attending' } })
  await agent!.stop()
  expect(events.filter(({ type }) => type === 'link-down')).toEqual([])
  await copy.stop()
  rmSync(copied, { recursive: true, force: true })
})

function addObject(bytes: Uint8Array): string {
  objects.set(sha256Hex(bytes), bytes)
  return sha256Hex(bytes)
}

async function joinAndStart({ policy = true } = {}): Promise<void> {
  for (const [sha256, bytes] of objects) wire.service.objects.set(sha256, bytes)
  const joined = await siteCommand(['join', '-', '--site', site], { input: formatJoinCode(wire.codeFor('mercy')) })
  expect(joined.code).toBe(0)
  if (policy) writeFileSync(join(site, 'policy.yaml'), JSON.stringify(policyOf(fingerprint(lead.publicKey))))
  agent = await startAgent({ site, startTrainer: trainer.start, onEvent: (it) => listeners.emit(it) })
}

function command(...args: readonly string[]) {
  const at = args.includes('--site') ? [] : ['--site', site]
  return siteCommand([...args, ...at, '--json'])
}

function assign(): { readonly hash: string; readonly plan: RoundPlan } {
  const plan: RoundPlan = {
    format: 2,
    run: 'heart-1',
    study: studyHash(manifest),
    round: 1,
    purpose: 'train',
    cohort,
    model: manifest.initialParameters.sha256,
    standardisation: { means: [50, 240], standardDeviations: [9, 50] },
    logHead,
    runPublicKey: Buffer.from(runKey.publicKey).toString('base64'),
  }
  wire.service.streams.at(-1)!.stream.send({ type: 'assignment', plan: signRoundPlan(plan, coordinator) })
  return { hash: planHash(plan), plan }
}

const heard = (holds: () => boolean) => until(wire, holds)
const heardFromSite = (like: (message: FromSite) => boolean) =>
  heard(() => wire.service.streams.some((open) => open.heard.some(like)))

async function attended() {
  await heardFromSite((message) => message.type === 'hello')
  await event((it) => it.type === 'link-up')
  return wire.service.streams.at(-1)!
}

const listeners = {
  waiting: new Set<() => void>(),
  emit(it: AgentEvent) {
    events.push(it)
    for (const look of [...listeners.waiting]) look()
  },
}

function event(like: (event: AgentEvent) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!events.some(like)) return
      listeners.waiting.delete(look)
      resolve()
    }
    listeners.waiting.add(look)
    look()
  })
}
