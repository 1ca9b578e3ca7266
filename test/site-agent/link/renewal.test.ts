/** The site's certificate over time: renewed in good time, on a new connection, without losing what is under way. */
import { X509Certificate } from 'node:crypto'
import { openJoined } from '@consilium/site-agent/link/identity-files.ts'
import { afterEach, expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { memoryLedger, startWireFixture, until, type WireFixture } from '../../support/wire-fixture.ts'

const hourMs = 60 * 60_000
const lifeMs = 30 * hourMs
let wire: WireFixture
let clock: ManualClock
afterEach(() => wire.stop())

/** TLS itself goes by the machine's clock: the tests start in the past and move up to it. */
async function startHoursAgo(hours: number): Promise<void> {
  clock = manualClock(new Date(Date.now() - hours * hourMs))
  wire = await startWireFixture({ certificateLifeMs: lifeMs, clock })
}

test('under a third of its life the certificate is renewed, and the stream comes back under the new one', async () => {
  await startHoursAgo(21)
  const joined = await wire.joinSite('site-a')
  const ledger = memoryLedger()
  const link = wire.linkOf(joined, ledger, clock)
  const downs: string[] = []
  const stop = new AbortController()
  const attending = link.attend({
    onUp() {},
    onDown: (reason) => downs.push(reason),
    onMessage() {},
    signal: stop.signal,
  })
  await until(wire, () => wire.service.streams.length === 1)
  clock.advance(19 * hourMs)
  expect(wire.service.renewals).toBe(0)
  clock.advance(2 * hourMs)
  await until(wire, () => wire.service.streams.length === 2)

  expect(wire.service.renewals).toBe(1)
  expect(downs).toEqual(['the certificate was renewed'])
  const [first, second] = wire.service.streams.map(({ stream }) => stream.caller.serial)
  expect(second).not.toBe(first)
  const kept = openJoined(joined.state)
  expect(new X509Certificate(kept.certificatePem).serialNumber.toLowerCase()).toBe(second)
  expect(kept.tlsKeyPem).toBe(joined.tlsKeyPem)
  expect(ledger.records.some(({ kind }) => kind === 'renew')).toBe(true)
  stop.abort()
  await attending
})

test('an agent that starts late renews before it attends', async () => {
  await startHoursAgo(25)
  const joined = await wire.joinSite('site-a')
  clock.advance(25 * hourMs)
  const link = wire.linkOf(joined, memoryLedger(), clock)
  const stop = new AbortController()
  const attending = link.attend({ onUp() {}, onDown() {}, onMessage() {}, signal: stop.signal })
  await until(wire, () => wire.service.streams.length === 1)
  expect(wire.service.renewals).toBe(1)
  expect(wire.service.streams[0]!.stream.caller.serial).toBe(
    new X509Certificate(openJoined(joined.state).certificatePem).serialNumber.toLowerCase(),
  )
  stop.abort()
  await attending
})

test('a site whose certificate has expired is told to join again', async () => {
  await startHoursAgo(31)
  const joined = await wire.joinSite('site-a')
  clock.advance(31 * hourMs)
  const link = wire.linkOf(joined, memoryLedger(), clock)
  const attending = link.attend({ onUp() {}, onDown() {}, onMessage() {}, signal: new AbortController().signal })
  await expect(attending).rejects.toMatchObject({
    code: 'certificate-expired',
    message: expect.stringContaining('join'),
  })
})

test('a renewal that fails leaves the certificate as it is, and the site attends', async () => {
  await startHoursAgo(25)
  const joined = await wire.joinSite('site-a')
  wire.service.renew = async () => {
    throw new Error('broken')
  }
  clock.advance(25 * hourMs)
  const link = wire.linkOf(joined, memoryLedger(), clock)
  const stop = new AbortController()
  const attending = link.attend({ onUp() {}, onDown() {}, onMessage() {}, signal: stop.signal })
  await until(wire, () => wire.service.streams.length === 1)
  expect(openJoined(joined.state).certificatePem).toBe(joined.certificatePem)
  stop.abort()
  await attending
})
