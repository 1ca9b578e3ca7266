/** What the coordinator tells sites about whose keys count: the roster, and its own key handed on. */
import type { KeyRotation } from '@consilium/protos/control-messages.ts'
import { fingerprint, generateIdentity } from '@consilium/protos/identity.ts'
import { expect, test } from 'vitest'
import type { ToSite } from '../../coordinator/services.ts'
import { openPinnedCoordinator } from '../../site-agent/coordinator-key.ts'
import { collect } from '../support/collect.ts'
import { coordinatorFixture } from '../support/coordinator-fixture.ts'
import { FakeSite } from '../support/fake-site.ts'

type Heard<Type extends ToSite['type']> = Extract<ToSite, { type: Type }>

function heard<Type extends ToSite['type']>({ heard }: FakeSite, type: Type): Heard<Type>[] {
  return heard.filter((message): message is Heard<Type> => message.type === type)
}

const rosters = (site: FakeSite) => heard(site, 'roster').map(({ sites }) => sites.map((entry) => entry.site))
const chains = (site: FakeSite) => heard(site, 'coordinator-keys').map(({ rotations }) => rotations)

/** Where a site that pinned `publicKey` ends when it follows the chain. */
function followed(publicKey: Uint8Array, rotations: readonly KeyRotation[]): Uint8Array {
  const pinned = openPinnedCoordinator({ publicKey, keep: () => undefined, emit: () => undefined })
  pinned.rotated(rotations)
  return pinned.publicKey
}

test('a site is told the roster when it attends and whenever it changes, and not once more', async () => {
  const fixture = await coordinatorFixture()
  const [basel] = (await fixture.sites(['basel'])) as [FakeSite]
  expect(rosters(basel)).toEqual([['basel']])
  const zurich = await FakeSite.join(fixture, 'zurich', 1)
  await basel.until((site) => rosters(site).length === 2)
  await fixture.createStudy()
  await fixture.admin.revokeSite('zurich', 'left')
  await basel.until((site) => rosters(site).length === 3)
  expect(rosters(basel)).toEqual([['basel'], ['basel', 'zurich'], ['basel']])
  expect(heard(zurich, 'roster')[0]!.sites.map(({ publicKey }) => Buffer.from(publicKey))).toEqual(
    [basel, zurich].map(({ identity }) => Buffer.from(identity.publicKey)),
  )
  await fixture.stop()
})

test('a rotated key reaches the sites that attend, those that come later, and whoever joins', async () => {
  const fixture = await coordinatorFixture()
  const first = fixture.identity.publicKey
  const [basel] = (await fixture.sites(['basel'])) as [FakeSite]
  expect(chains(basel)).toEqual([])
  const shown = await fixture.admin.rotateKey()
  const second = fixture.identity.publicKey
  expect(shown).toMatchObject({
    fingerprint: fingerprint(second),
    rotations: [{ from: fingerprint(first), to: fingerprint(second) }],
  })
  expect(await fixture.admin.showKey()).toEqual(shown)
  const [chain] = chains(basel)
  expect(followed(first, chain!)).toEqual(Buffer.from(second))

  const zurich = await FakeSite.join(fixture, 'zurich', 1)
  await fixture.admin.revokeSite('zurich', 'to join anew')
  const reply = await zurich.join((await fixture.admin.addSite('zurich', 60)).joinCode)
  expect(Buffer.from(reply.coordinatorPublicKey)).toEqual(Buffer.from(second))

  await fixture.admin.rotateKey()
  await fixture.restart()
  basel.attend()
  const last = chains(basel).at(-1)!
  expect(last).toHaveLength(2)
  for (const pinned of [first, second]) expect(followed(pinned, last)).toEqual(Buffer.from(fixture.identity.publicKey))
  await fixture.stop()
})

test('two rotations at once are one after the other', async () => {
  const fixture = await coordinatorFixture()
  const first = fixture.identity.publicKey
  await Promise.all([fixture.admin.rotateKey(), fixture.admin.rotateKey()])
  const [basel] = (await fixture.sites(['basel'])) as [FakeSite]
  const [chain] = chains(basel)
  expect(chain).toHaveLength(2)
  expect(followed(first, chain!)).toEqual(Buffer.from(fixture.identity.publicKey))
  await fixture.stop()
})

test('killed before the log names the new key, the coordinator goes on with the old one', async () => {
  const fixture = await coordinatorFixture()
  const first = fixture.identity.publicKey
  void fixture.killAfter(0)
  await expect(fixture.admin.rotateKey()).rejects.toThrow()
  await fixture.restart()
  expect(await fixture.admin.showKey()).toEqual({ fingerprint: fingerprint(first), rotations: [] })
  expect(fixture.identity.publicKey).toEqual(first)
  await fixture.stop()
})

test('killed right after the log names the new key, the coordinator goes on with the new one', async () => {
  const fixture = await coordinatorFixture()
  const first = fixture.identity.publicKey
  void fixture.killAfter(1)
  await expect(fixture.admin.rotateKey()).rejects.toThrow()
  expect(fixture.identity.publicKey).toEqual(first)
  await fixture.restart()
  const { fingerprint: named } = await fixture.admin.showKey()
  expect(named).not.toBe(fingerprint(first))
  expect(fingerprint(fixture.identity.publicKey)).toBe(named)
  const [basel] = (await fixture.sites(['basel'])) as [FakeSite]
  expect(followed(first, chains(basel)[0]!)).toEqual(Buffer.from(fixture.identity.publicKey))
  await fixture.stop()
})

test('a coordinator with a key that its log never named does not start', async () => {
  const fixture = await coordinatorFixture()
  const entry = (await collect(fixture.eventLog.read('federation')))[0]!
  expect(entry.type).toBe('federation-created')
  const stranger = generateIdentity().publicKey
  expect(await fixture.identity.adopt(stranger)).toBe(false)
  await fixture.identity.adopt((await fixture.identity.prepareNext()).publicKey)
  await expect(fixture.restart()).rejects.toThrow(/signing key is not the one that the log of federation hearts names/)
})

test('no key is rotated while a run goes on; its end frees it', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  for (const site of sites) site.works = false
  const { run } = await fixture.startRun()
  await expect(fixture.admin.rotateKey()).rejects.toMatchObject({
    code: 'permission-denied',
    message: expect.stringContaining(run),
  })
  await fixture.admin.cancelRun(run, 'to rotate the key')
  expect((await fixture.admin.rotateKey()).rotations).toHaveLength(1)
  await fixture.stop()
})
