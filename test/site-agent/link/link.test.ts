/** The control stream against a real server: heard both ways, dialled again after every break, refused for good once. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { startFederationServer } from '@consilium/coordinator/grpc/federation-server.ts'
import { systemClock } from '@consilium/protos/clock.ts'
import type { FromCoordinator, Link } from '@consilium/site-agent/link/link.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'
import { startRelay } from '../../support/relay.ts'
import { silent, startWireFixture, until, type WireFixture } from '../../support/wire-fixture.ts'

const planHash = 'ab'.repeat(32)
let wire: WireFixture
beforeEach(async () => {
  wire = await startWireFixture()
})
afterEach(() => wire.stop())

test('messages go both ways, in order, and stop when nobody wants them any more', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const site = attend(link)
  await site.up(1)
  link.send({ type: 'progress', planHash, permille: 500 }, '')
  link.send({ type: 'work-done', planHash }, '')
  link.send({ type: 'refusal', studyHash: planHash, code: 'operator-refused', reason: 'é'.repeat(600) }, '')
  await until(wire, () => wire.service.streams[0]?.heard.length === 4)
  const [hello, ...rest] = wire.service.streams[0]!.heard
  expect(hello).toEqual({ type: 'hello', agentVersion: 'test' })
  expect(rest).toEqual([
    { type: 'progress', planHash, permille: 500 },
    { type: 'work-done', planHash },
    { type: 'refusal', studyHash: planHash, code: 'operator-refused', reason: 'é'.repeat(500) },
  ])

  const sent: FromCoordinator[] = [
    { type: 'study', signedStudy: Buffer.from('{"a":1}') },
    { type: 'assignment', plan: { bytes: Buffer.from('{}'), signature: Buffer.alloc(64, 3) } },
    { type: 'collect-updates', planHash },
    { type: 'round-over', planHash, outcome: 'dropped', reason: 'late' },
    { type: 'run-over', run: 'run-1', outcome: 'finished', reason: '' },
  ]
  for (const message of sent) wire.service.streams[0]!.stream.send(message)
  await site.heard(5)
  expect(site.messages).toEqual(sent)

  site.stop()
  await site.attending
  await until(wire, () => wire.service.streams[0]!.closed)
  expect(site.downs).toEqual([])
})

test.for(['hello', 'progress'])('a %s that the ledger cannot take does not leave: attending ends', async (refused) => {
  const full = {
    append({ kind }: { readonly kind: string }) {
      if (kind === refused) throw new Error('the disk is full')
    },
  }
  const link = wire.linkOf(await wire.joinSite('site-a'), full)
  const attending = link.attend({
    onUp: () => link.send({ type: 'progress', planHash, permille: 500 }, ''),
    onDown: () => {},
    onMessage: () => {},
    signal: new AbortController().signal,
  })
  await expect(attending).rejects.toThrow('the disk is full')
  expect(wire.service.streams.flatMap(({ heard }) => heard.map(({ type }) => type))).not.toContain(refused)
})

test('studies and decisions go beside it', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  expect((await link.studies()).map(String)).toEqual(['{"study":1}', '{"study":2}'])
  const decision = { studyHash: planHash, decision: 'approve' as const, reason: 'ours', signature: randomBytes(64) }
  await link.decide(decision)
  expect(wire.service.decisions).toEqual([{ ...decision, site: 'site-a' }])
})

test('a cut connection is dialled again, and the site hears that it is up again', async () => {
  const relay = await startRelay(wire.server.port)
  const joined = await wire.joinSite('site-a')
  const link = wire.linkOf({ ...joined, address: `127.0.0.1:${relay.port}` })
  const site = attend(link)
  for (let cuts = 1; cuts <= 3; cuts++) {
    await site.up(cuts)
    relay.cutAll()
  }
  await site.up(4)
  expect(site.downs).toHaveLength(3)
  link.send({ type: 'work-done', planHash }, '')
  await until(wire, () => wire.service.streams.at(-1)?.heard.length === 2)
  site.stop()
  await site.attending
  await link.close()
  await relay.close()
})

test('a connection whose handshake is never answered is given up and dialled again', async () => {
  const heard = Promise.withResolvers<void>()
  let answers = false
  const silentOnce = createServer((socket) => {
    if (answers) return void socket.pipe(connect(wire.server.port, '127.0.0.1')).pipe(socket)
    answers = true
    socket.once('data', () => heard.resolve())
  })
  await once(silentOnce.listen(0, '127.0.0.1'), 'listening')
  const { port } = silentOnce.address() as AddressInfo
  const clock = manualClock()
  const joined = await wire.joinSite('site-a')
  const link = wire.linkOf({ ...joined, address: `127.0.0.1:${port}` }, undefined, clock)
  const site = attend(link)
  await heard.promise
  clock.advance(5000)
  await site.down(1)
  expect(site.downs[0]).toContain('no TLS handshake in 5 s')
  clock.advance(5000)
  await site.up(1)
  site.stop()
  await site.attending
  await link.close()
  silentOnce.close()
})

test('a coordinator that stops and starts again on its port is found again', async () => {
  const joined = await wire.joinSite('site-a')
  const site = attend(wire.linkOf(joined))
  await site.up(1)
  await wire.server.stop()
  await site.down(1)
  expect(site.downs[0]).toContain('stopping')
  const { authority, service } = wire
  const options = { authority, service, host: '127.0.0.1', port: wire.server.port, clock: systemClock, log: silent }
  const again = await startFederationServer(options)
  await site.up(2)
  site.stop()
  await site.attending
  await again.stop()
})

test('a transfer that waits for the coordinator goes on as soon as the control stream is up again', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const site = attend(link)
  await site.up(1)
  await wire.server.stop()
  const studyless = link.fetch(download())
  studyless.catch(() => {})
  await site.down(1)
  const { authority, service } = wire
  const options = { authority, service, host: '127.0.0.1', port: wire.server.port, clock: systemClock, log: silent }
  const again = await startFederationServer(options)
  await expect(studyless).rejects.toMatchObject({ code: 'not-found' })
  site.stop()
  await site.attending
  await again.stop()
})

test('a revoked site stops dialling', async () => {
  const site = attend(wire.linkOf(await wire.joinSite('site-a')))
  await site.up(1)
  wire.service.revoked.add('site-a')
  wire.service.streams[0]!.stream.end('certificate-revoked', 'left the federation')
  await expect(site.attending).rejects.toMatchObject({ code: 'certificate-revoked', message: 'left the federation' })
})

test('a site that is refused at the door never counts as up', async () => {
  const joined = await wire.joinSite('site-a')
  wire.service.revoked.add('site-a')
  const ups: number[] = []
  const signal = new AbortController().signal
  const attending = wire.linkOf(joined).attend({ onUp: () => ups.push(1), onDown() {}, onMessage() {}, signal })
  await expect(attending).rejects.toMatchObject({ code: 'certificate-revoked' })
  expect(ups).toEqual([])
})

test('a stream that a newer one of the same site replaces is dialled again', async () => {
  const site = attend(wire.linkOf(await wire.joinSite('site-a')))
  await site.up(1)
  wire.service.streams[0]!.stream.end('stale-round', 'another agent of this site attends')
  await site.up(2)
  expect(site.downs).toEqual(['another agent of this site attends'])
  site.stop()
  await site.attending
})

test('what an agent sends while the stream is down goes nowhere', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  link.send({ type: 'work-done', planHash }, '')
  const site = attend(link)
  await site.up(1)
  expect(wire.service.streams[0]!.heard.map(({ type }) => type)).toEqual(['hello'])
  site.stop()
  await site.attending
  link.send({ type: 'work-done', planHash }, '')
})

test('an error in handling a message ends attending with that error', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const ours = new Error('ours')
  const attending = link.attend({
    onUp: () => wire.service.streams[0]!.stream.send({ type: 'collect-updates', planHash }),
    onDown: () => {},
    onMessage: () => {
      throw ours
    },
    signal: new AbortController().signal,
  })
  await expect(attending).rejects.toBe(ours)
})

test('closing ends the control stream and the transfers', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const site = attend(link)
  await site.up(1)
  wire.service.fetch = () => new Promise(() => {})
  const fetching = link.fetch(download())
  fetching.catch(() => {})
  await link.close()
  await site.attending
  await expect(fetching).rejects.toMatchObject({ code: 'cancelled' })
})

/** Attends, and lets a test wait for the n-th event of a kind. */
function attend(link: Link) {
  const controller = new AbortController()
  const messages: FromCoordinator[] = []
  const downs: string[] = []
  let ups = 0
  let tell = () => {}
  const once = async (holds: () => boolean) => {
    while (!holds())
      await new Promise<void>((resolve) => {
        tell = resolve
      })
  }
  const attending = link.attend({
    onUp() {
      ups += 1
      tell()
    },
    onDown(reason) {
      downs.push(reason)
      tell()
    },
    onMessage(message) {
      messages.push(message)
      tell()
    },
    signal: controller.signal,
  })
  attending.catch(() => {})
  return {
    attending,
    messages,
    downs,
    up: (count: number) => once(() => ups >= count),
    down: (count: number) => once(() => downs.length >= count),
    heard: (count: number) => once(() => messages.length >= count),
    stop: () => controller.abort(),
  }
}

function download() {
  const signal = new AbortController().signal
  return { sha256: '00'.repeat(32), bytesMax: 1, path: `${wire.home}/object`, study: '', signal }
}
