/** Who may speak on the sites' port: only a site, by its own, valid, unrevoked certificate of this federation. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import type { FederationClient } from '@consilium/protos/gen/consilium/v1/Federation.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import { certificateRequest } from '@consilium/site-agent/link/certificate.ts'
import { joinFederation } from '@consilium/site-agent/link/join.ts'
import { Client } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import {
  certificateFor,
  channelCredentials,
  type OwnCertificate,
  outcome,
  rawClient,
  streamOutcome,
} from '../../support/raw-client.ts'
import { memoryLedger, silent, startWireFixture, until, type WireFixture } from '../../support/wire-fixture.ts'

const hash = Buffer.alloc(32, 1)
const hourMs = 60 * 60_000

let wire: WireFixture
let clock: ManualClock
let clients: Client[]
let folder: string
beforeEach(async () => {
  clock = manualClock()
  wire = await startWireFixture({ clock })
  clients = []
  folder = mkdtempSync(join(tmpdir(), 'consilium-access-'))
})
afterEach(async () => {
  for (const client of clients) client.close()
  await wire.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Every method but Join, called once. */
const methods: readonly { readonly name: string; call(client: FederationClient): ReturnType<typeof streamOutcome> }[] =
  [
    { name: 'Renew', call: (client) => outcome((done) => client.renew({ certificateRequest: hash }, done)) },
    { name: 'Attend', call: (client) => streamOutcome(client.attend()) },
    { name: 'Studies', call: (client) => streamOutcome(client.studies({})) },
    { name: 'Decide', call: (client) => outcome((done) => client.decide({}, done)) },
    { name: 'SayOfPartners', call: (client) => outcome((done) => client.sayOfPartners({}, done)) },
    { name: 'Pin', call: (client) => outcome((done) => client.pin({}, done)) },
    { name: 'StandOut', call: (client) => outcome((done) => client.standOut({}, done)) },
    { name: 'ProveLog', call: (client) => outcome((done) => client.proveLog({}, done)) },
    { name: 'Fetch', call: (client) => streamOutcome(client.fetch({ sha256: hash })) },
    { name: 'UploadOffset', call: (client) => outcome((done) => client.uploadOffset({ planHash: hash }, done)) },
    { name: 'Upload', call: (client) => streamOutcome(client.upload()) },
  ]

test('the table below names every method but Join', () => {
  const names = Object.keys(federationTypes().Federation.service)
  expect(methods.map(({ name }) => name).sort()).toEqual(names.filter((name) => name !== 'Join').sort())
})

describe.for(methods)('$name', ({ call }) => {
  test('is refused without a certificate', async () => {
    expect(await call(client())).toMatchObject({ status: 'UNAUTHENTICATED', code: 'unauthenticated' })
  })

  test("is refused with another authority's certificate", async () => {
    const other = await openCertificateAuthority({ home: folder, advertisedHost: 'localhost', clock, log: silent })
    const foreign = await certificateFor(other, 'site-a', join(folder, 'site'), inAnHour())
    expect(await call(client(foreign))).toMatchObject({ status: 'UNAUTHENTICATED' })
  })

  test('is refused with an expired certificate', async () => {
    const past = manualClock(new Date(Date.now() - 2 * hourMs))
    const earlier = await openCertificateAuthority({
      home: wire.home,
      advertisedHost: '127.0.0.1',
      clock: past,
      log: silent,
    })
    expect(earlier.fingerprint).toBe(wire.authority.fingerprint)
    const expired = await certificateFor(earlier, 'site-a', folder, new Date(Date.now() - hourMs))
    expect(await call(client(expired))).toMatchObject({ status: 'UNAUTHENTICATED' })
  })

  test('is refused to a revoked site', async () => {
    const own = await certificateFor(wire.authority, 'site-a', folder, inAnHour())
    wire.service.revoked.add('site-a')
    expect(await call(client(own))).toMatchObject({ status: 'PERMISSION_DENIED', code: 'certificate-revoked' })
  })

  test("is refused with the operator's certificate, and with the server's own", async () => {
    const operator = pemPair(join(wire.home, 'operator', 'key.pem'), join(wire.home, 'operator', 'certificate.pem'))
    expect(await call(client(operator))).toMatchObject({ status: 'PERMISSION_DENIED', code: 'permission-denied' })
    const server = pemPair(join(wire.home, 'keys', 'server-key.pem'), join(wire.home, 'keys', 'server.pem'))
    expect(await call(client(server))).toMatchObject({ status: 'UNAUTHENTICATED' })
  })

  test('is refused once the certificate has expired on the open connection', async () => {
    const own = client(await certificateFor(wire.authority, 'site-a', folder, inAnHour()))
    expect(await streamOutcome(own.studies({}))).toMatchObject({ status: 'OK' })
    clock.advance(hourMs + 1000)
    expect(await call(own)).toMatchObject({ status: 'UNAUTHENTICATED', code: 'certificate-expired' })
  })
})

test('a certificate that expires ends the open stream', async () => {
  const own = client(await certificateFor(wire.authority, 'site-a', folder, inAnHour()))
  const stream = own.attend()
  const ended = streamOutcome(stream)
  stream.write({ hello: { agentVersion: 'test', nonce: Buffer.alloc(16), planFormat: 2 } })
  await until(wire, () => wire.service.streams.length === 1)
  clock.advance(hourMs + 1000)
  expect(await ended).toMatchObject({ status: 'UNAUTHENTICATED', code: 'certificate-expired' })
  await until(wire, () => wire.service.streams[0]!.closed)
})

test('revocation ends the open stream, whatever waits in it, and nothing more of the site is heard', async () => {
  const own = client(await certificateFor(wire.authority, 'site-a', folder, inAnHour()))
  const stream = own.attend()
  const ended = streamOutcome(stream)
  stream.write({ hello: { agentVersion: 'test', nonce: Buffer.alloc(16), planFormat: 2 } })
  await until(wire, () => wire.service.streams.length === 1)
  const open = wire.service.streams[0]!
  wire.service.revoked.add('site-a')
  open.stream.end('certificate-revoked', 'the laptop was stolen')
  stream.write({ workDone: { planHash: hash } })
  open.stream.send({ type: 'study', signedStudy: Buffer.from('{}') })
  expect(await ended).toMatchObject({
    status: 'PERMISSION_DENIED',
    code: 'certificate-revoked',
    details: 'the laptop was stolen',
  })
  expect(open.heard.map(({ type }) => type)).toEqual(['hello'])
})

test('revocation stops an upload that is under way', async () => {
  const own = client(await certificateFor(wire.authority, 'site-a', folder, inAnHour()))
  const upload = own.upload()
  const ended = streamOutcome(upload)
  upload.write({ header: { planHash: hash, sha256: hash, size: 3000, offset: 0 } })
  upload.write({ chunk: Buffer.alloc(1000) })
  await new Promise((resolve) => upload.once('data', resolve))
  wire.service.revoked.add('site-a')
  upload.write({ chunk: Buffer.alloc(1000) })
  expect(await ended).toMatchObject({ status: 'PERMISSION_DENIED', code: 'certificate-revoked' })
  expect(wire.service.receivedBytes).toBe(1000)
})

describe('one site speaking as another', () => {
  test('what a site uploads is its own, whatever plan it names', async () => {
    const siteB = client(await certificateFor(wire.authority, 'site-b', folder, inAnHour()))
    const upload = siteB.upload()
    const ended = streamOutcome(upload)
    upload.write({ header: { planHash: hash, sha256: hash, size: 2000, offset: 0 } })
    upload.write({ chunk: Buffer.alloc(1000) })
    await new Promise((resolve) => upload.once('data', resolve))
    upload.cancel()
    await ended
    expect([...wire.service.staged.keys()]).toEqual([`site-b/${hash.toString('hex')}`])
  })

  test('a certificate carries the name the authority gave, not the one the request asked for', async () => {
    const asks = await certificateFor(wire.authority, 'site-b', folder, inAnHour())
    const tlsKeyPem = asks.keyPem
    const { pem } = await wire.authority.issueSiteCertificate(await certificateRequest('site-b', tlsKeyPem), 'site-a', {
      notAfter: inAnHour(),
    })
    const stream = client({ keyPem: tlsKeyPem, certificatePem: pem }).attend()
    stream.on('error', () => {})
    stream.write({ hello: { agentVersion: 'site-b', nonce: Buffer.alloc(16), planFormat: 2 } })
    await until(wire, () => wire.service.streams.length === 1)
    expect(wire.service.streams[0]?.stream.caller.site).toBe('site-a')
    stream.cancel()
  })

  test("a join with another site's secret is refused", async () => {
    const code = wire.codeFor('site-a')
    wire.codeFor('site-b')
    const joining = joinFederation({
      code: { ...code, site: 'site-b' },
      state: folder,
      ledger: memoryLedger(),
      clock,
      environment: {},
    })
    await expect(joining).rejects.toMatchObject({ code: 'join-code-invalid' })
  })
})

test('health and reflection answer a site, and nobody else', async () => {
  const own = await certificateFor(wire.authority, 'site-a', folder, inAnHour())
  // HealthCheckResponse { status: SERVING }
  expect(await health(own)).toEqual(Buffer.from([8, 1]))
  expect(await reflection(own)).toContain('consilium.v1.Federation')
  expect(await health()).toMatchObject({ details: expect.stringContaining('client certificate') })
  expect(await reflection()).toMatchObject({ details: expect.stringContaining('client certificate') })
})

function health(own?: OwnCertificate): Promise<unknown> {
  return new Promise((resolve) => {
    bare(own).makeUnaryRequest('/grpc.health.v1.Health/Check', asIs, asIs, Buffer.alloc(0), (error, reply) =>
      resolve(error ?? reply),
    )
  })
}

/** Lists the services. */
function reflection(own?: OwnCertificate): Promise<unknown> {
  return new Promise((resolve) => {
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'
    const call = bare(own).makeBidiStreamRequest(path, asIs, asIs)
    call.on('error', resolve)
    call.on('data', (reply: Buffer) => resolve(reply.toString('latin1')))
    // ServerReflectionRequest { list_services: "*" }
    call.write(Buffer.from([0x3a, 1, 0x2a]))
    call.end()
  })
}

function asIs(bytes: Buffer): Buffer {
  return bytes
}

function bare(own?: OwnCertificate): Client {
  const made = new Client(`localhost:${wire.server.port}`, channelCredentials(wire.authority, own))
  clients.push(made)
  return made
}

function client(own?: OwnCertificate): FederationClient {
  const made = rawClient(wire.authority, wire.server.port, own)
  clients.push(made)
  return made
}

function inAnHour(): Date {
  return new Date(clock.now().getTime() + hourMs)
}

function pemPair(key: string, certificate: string): OwnCertificate {
  return { keyPem: readFileSync(key, 'utf8'), certificatePem: readFileSync(certificate, 'utf8') }
}
