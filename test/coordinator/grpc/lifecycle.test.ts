/** The server over time: its certificate renewed under open connections, its end, and the windows it opens. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { startFederationServer } from '@consilium/coordinator/grpc/federation-server.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { certificateFor, rawClient, streamOutcome } from '../../support/raw-client.ts'
import { silent, startWireFixture, until, type WireFixture } from '../../support/wire-fixture.ts'

const dayMs = 24 * 60 * 60_000
let clock: ManualClock
let wire: WireFixture
let folder: string
beforeEach(async () => {
  // TLS itself goes by the machine's clock: this one starts in the past and is moved up to it, not beyond.
  clock = manualClock(new Date(Date.now() - 61 * dayMs))
  wire = await startWireFixture({ clock })
  folder = mkdtempSync(join(tmpdir(), 'consilium-lifecycle-'))
})
afterEach(async () => {
  await wire.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('the server certificate is renewed while running, and open streams live on', async () => {
  const notAfter = new Date(Date.now() + dayMs)
  const own = await certificateFor(wire.authority, 'site-a', folder, notAfter)
  const client = rawClient(wire.authority, wire.server.port, own)
  const stream = client.attend()
  stream.on('error', () => {})
  stream.write({ hello: { agentVersion: 'test', nonce: Buffer.alloc(16), planFormat: 2 } })
  await until(wire, () => wire.service.streams.length === 1)
  const before = await presentedSerial()

  const renewed = new Promise<void>((resolve) => wire.authority.onServerCertificate(resolve))
  clock.advance(61 * dayMs)
  await renewed

  expect(await presentedSerial()).not.toBe(before)
  stream.write({ workDone: { planHash: Buffer.alloc(32) } })
  await until(wire, () => wire.service.streams[0]!.heard.length === 2)
  expect(wire.service.streams[0]!.closed).toBe(false)
  stream.cancel()
  client.close()
})

test('the server presents the authority along with its own certificate', async () => {
  const socket = await open()
  const chain = socket.getPeerCertificate(true)
  expect(chain.issuerCertificate.subject.CN).toBe('Consilium federation authority')
  expect(chain.subjectaltname).toBe('IP Address:127.0.0.1, DNS:localhost, IP Address:0:0:0:0:0:0:0:1')
  socket.destroy()
})

test('the receive windows are raised, per stream and per connection', async () => {
  const { certificatePem: ca } = wire.authority
  const session = connectHttp2(`https://127.0.0.1:${wire.server.port}`, { ca })
  const [settings] = await once(session, 'remoteSettings')
  expect(settings.initialWindowSize).toBe(2 * 1024 * 1024)
  // The connection's window comes as an update of its own; the answer to a ping comes after it.
  await new Promise((resolve) => session.ping(resolve))
  expect(session.state.remoteWindowSize).toBe(4 * 1024 * 1024)
  session.destroy()
})

test('stopping ends streams as unavailable, and the port is free again', async () => {
  const own = await certificateFor(wire.authority, 'site-a', folder, new Date(Date.now() + dayMs))
  const client = rawClient(wire.authority, wire.server.port, own)
  const stream = client.attend()
  const ended = streamOutcome(stream)
  stream.write({ hello: { agentVersion: 'test', nonce: Buffer.alloc(16), planFormat: 2 } })
  await until(wire, () => wire.service.streams.length === 1)
  await wire.server.stop()
  expect(await ended).toMatchObject({ status: 'UNAVAILABLE', code: 'link-down' })
  expect(wire.service.streams[0]!.closed).toBe(true)
  client.close()
  const { authority, service } = wire
  const options = { authority, service, host: '127.0.0.1', port: wire.server.port, clock, log: silent }
  const again = await startFederationServer(options)
  await expect(startFederationServer(options)).rejects.toMatchObject({ code: 'invalid-argument' })
  await again.stop()
})

test('stopping does not wait for a connection that never says anything', async () => {
  const idle = await open()
  idle.on('error', () => {})
  const closed = once(idle, 'close')
  const stopped = wire.server.stop()
  clock.advance(3000)
  await stopped
  await closed
})

function open(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: wire.server.port,
      ca: wire.authority.certificatePem,
      ALPNProtocols: ['h2'],
    }
    const socket = connect(options, () => resolve(socket))
    socket.once('error', reject)
  })
}

async function presentedSerial(): Promise<string> {
  const socket = await open()
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}
