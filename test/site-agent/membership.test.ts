/** A coordinator that says whose keys count, to an agent: rosters, and its own key handed on. */
import { fingerprint, generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import { signRotation } from '@consilium/protos/key-rotation.ts'
import { signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { afterEach, expect, test } from 'vitest'
import type { AgentEvent } from '../../site-agent/round/events.ts'
import { coordinator, openSite, peers, type SiteFixture, siteName } from '../support/site-fixture.ts'

let site: SiteFixture
afterEach(() => site.close())

const stranger = { site: 'stranger', publicKey: generateIdentity().publicKey }
const own = () => ({ site: siteName, publicKey: site.identity.publicKey })
const event = <Type extends AgentEvent['type']>(type: Type) =>
  site.coordinator.until(() => site.events.find((it): it is Extract<AgentEvent, { type: Type }> => it.type === type))
const workDoneOn = (hash: string) =>
  site.coordinator.until(() =>
    site.coordinator.sent.find((message) => message.type === 'work-done' && message.planHash === hash),
  )

test('a site that the coordinator slips in is told to the people here and trusted by nobody', async () => {
  site = openSite()
  site.coordinator.say({ type: 'roster', sites: [own(), stranger] })
  expect(await event('roster-changed')).toEqual({
    type: 'roster-changed',
    sites: [{ site: 'stranger', fingerprint: fingerprint(stranger.publicKey), state: 'offered' }],
  })
  expect(site.store.roster.pinned('stranger')).toBeUndefined()
})

test('a site that policy.yaml names is trusted without a restart', async () => {
  site = openSite()
  site.sitesApproved.stranger = fingerprint(stranger.publicKey)
  site.coordinator.say({ type: 'roster', sites: [own(), stranger] })
  expect(await event('roster-changed')).toMatchObject({ sites: [{ state: 'pinned' }] })
  expect(Buffer.from(site.store.roster.pinned('stranger')!)).toEqual(Buffer.from(stranger.publicKey))
})

test("a roster with another key in this site's place is trouble, and the agent goes on", async () => {
  site = openSite()
  site.coordinator.say({ type: 'roster', sites: [{ site: siteName, publicKey: stranger.publicKey }] })
  expect(await event('trouble')).toMatchObject({ code: 'roster-mismatch' })
  const { signed, hash } = site.plan()
  site.coordinator.say({ type: 'assignment', plan: signed })
  await workDoneOn(hash)
})

test('every roster is answered with what is pinned of it, and a pin that changes beside the agent is told with the next plan', async () => {
  site = openSite({ pinned: false })
  const { sent } = site.coordinator
  const told = () => sent.flatMap((message) => (message.type === 'pinned' ? [message.sites] : []))
  const plain = ({ site, publicKey }: typeof stranger) => ({ site, publicKey: Buffer.from(publicKey) })
  const hope = { site: 'hope', publicKey: peers.get('hope')!.identity.publicKey }
  const approval = { by: 'person', account: 'ada' } as const
  site.store.roster.pin({ site: 'gone', publicKey: generateIdentity().publicKey }, approval)
  site.sitesApproved.stranger = fingerprint(stranger.publicKey)

  const roster = [own(), hope, stranger]
  site.coordinator.say({ type: 'roster', sites: roster })
  site.coordinator.reconnect()
  site.coordinator.say({ type: 'roster', sites: roster })
  const first = [[plain(stranger)], [plain(stranger)]]
  expect(told().map((sites) => sites.map(plain))).toEqual(first)

  const { signed } = site.plan()
  site.coordinator.say({ type: 'assignment', plan: signed })
  expect(told()).toHaveLength(2)
  site.store.roster.pin(hope, approval)
  site.coordinator.say({ type: 'assignment', plan: signed })
  site.coordinator.say({ type: 'assignment', plan: signed })
  expect(told().map((sites) => sites.map(plain))).toEqual([...first, [plain(hope), plain(stranger)]])

  site.store.roster.unpin('hope', approval)
  site.coordinator.say({ type: 'roster', sites: [{ ...own(), publicKey: stranger.publicKey }, hope] })
  expect(told().at(-1)).toEqual([])
})

test('plans count by the key that the pinned one handed on to, and no more by the old one', async () => {
  site = openSite()
  const next = generateIdentity()
  site.coordinator.say({ type: 'coordinator-keys', rotations: [signRotation(coordinator, next)] })
  expect(await event('coordinator-key-rotated')).toEqual({
    type: 'coordinator-key-rotated',
    previous: fingerprint(coordinator.publicKey),
    fingerprint: fingerprint(next.publicKey),
  })
  const byOld = site.plan({ run: 'heart-8' })
  site.coordinator.say({ type: 'assignment', plan: byOld.signed })
  expect(await refusedUnsigned()).toBe(true)
  const { plan, hash } = site.plan()
  site.coordinator.say({ type: 'assignment', plan: signRoundPlan(plan, next) })
  await workDoneOn(hash)
})

test('a forged rotation is trouble, and plans of the forger are refused', async () => {
  site = openSite()
  const forger: Identity = generateIdentity()
  const forged = { ...signRotation(forger, forger), oldPublicKey: coordinator.publicKey }
  site.coordinator.say({ type: 'coordinator-keys', rotations: [forged] })
  expect(await event('trouble')).toMatchObject({ code: 'coordinator-key-changed' })
  const { plan, signed, hash } = site.plan()
  site.coordinator.say({ type: 'assignment', plan: signRoundPlan(plan, forger) })
  expect(await refusedUnsigned()).toBe(true)
  site.coordinator.say({ type: 'assignment', plan: signed })
  await workDoneOn(hash)
})

/** A plan with a bad signature is not answered by its hash: nothing in it can be believed. */
function refusedUnsigned(): Promise<true> {
  return site.coordinator.until(() =>
    site.events.some((it) => (it.type === 'refused' || it.type === 'trouble') && it.code === 'signature-invalid')
      ? true
      : undefined,
  )
}
