/** Joining: what is kept and what is sent, and every way in which it may fail. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '@consilium/protos/clock.ts'
import type { JoinCode } from '@consilium/protos/join-code.ts'
import { openJoined } from '@consilium/site-agent/link/identity-files.ts'
import { joinFederation } from '@consilium/site-agent/link/join.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { coordinatorPublicKey } from '../../support/fake-federation-service.ts'
import { memoryLedger, startWireFixture, type WireFixture } from '../../support/wire-fixture.ts'

let wire: WireFixture
beforeEach(async () => {
  wire = await startWireFixture()
})
afterEach(() => wire.stop())

function joinWith(code: JoinCode, environment = {}) {
  return joinFederation({
    code,
    state: wire.stateOf('site-a'),
    ledger: memoryLedger(),
    clock: systemClock,
    environment,
  })
}

test('an enrolment is read again as it was made', async () => {
  const joined = await joinWith(wire.codeFor('site-a'))
  expect(openJoined(wire.stateOf('site-a'))).toEqual(joined)
  expect(joined).toMatchObject({ site: 'site-a', federation: 'test', address: `127.0.0.1:${wire.server.port}` })
  expect(Buffer.from(joined.coordinatorPublicKey)).toEqual(coordinatorPublicKey)
})

test('private keys are readable by their owner only, and never sent', async () => {
  const { join: joinService } = wire.service
  let sent = Buffer.alloc(0)
  wire.service.join = (request) => {
    sent = Buffer.concat([request.certificateRequest, request.identityPublicKey, request.identitySignature])
    return joinService(request)
  }
  const joined = await joinWith(wire.codeFor('site-a'))
  const keys = join(wire.stateOf('site-a'), 'keys')
  for (const name of readdirSync(keys)) expect(statSync(join(keys, name)).mode & 0o777).toBe(0o600)
  expect(statSync(keys).mode & 0o777).toBe(0o700)
  expect(sent.includes(Buffer.from(joined.identity.seed))).toBe(false)
})

test('a site joins once; its keys stay the same when a first try failed', async () => {
  const code = wire.codeFor('site-a')
  await expect(joinWith({ ...code, secret: randomBytes(32).toString('base64') })).rejects.toMatchObject({
    code: 'join-code-invalid',
  })
  const keys = join(wire.stateOf('site-a'), 'keys')
  const before = readFileSync(join(keys, 'identity-key.pem'), 'utf8')
  await joinWith(code)
  expect(readFileSync(join(keys, 'identity-key.pem'), 'utf8')).toBe(before)
  await expect(joinWith(wire.codeFor('site-a'))).rejects.toMatchObject({ code: 'already-exists' })
})

test('a code that was used is refused', async () => {
  const code = wire.codeFor('site-a')
  await joinWith(code)
  rmSync(wire.stateOf('site-a'), { recursive: true })
  await expect(joinWith(code)).rejects.toMatchObject({ code: 'join-code-used' })
})

test('an expired code is not even sent', async () => {
  const code = { ...wire.codeFor('site-a'), expiresAt: '2020-01-01T00:00:00.000Z', address: '127.0.0.1:1' }
  await expect(joinWith(code)).rejects.toMatchObject({ code: 'join-code-expired' })
})

test("a server under another authority than the code's gets no secret", async () => {
  const code = { ...wire.codeFor('site-a'), authority: '00'.repeat(32) }
  await expect(joinWith(code)).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringContaining('not the coordinator of this join code'),
  })
  expect(wire.service.secrets.has('site-a')).toBe(true)
})

test('a server that shows the right authority without being vouched for by it gets no secret', async () => {
  const impostor = await startWireFixture()
  // The impostor's own leaf, followed by the true authority's certificate, which is public.
  const { keyPem, chainPem } = impostor.authority.serverCertificate()
  const leafPem = chainPem.slice(0, chainPem.indexOf('-----END') + '-----END CERTIFICATE-----'.length)
  const { createServer: createTlsServer } = await import('node:tls')
  const server = createTlsServer({
    key: keyPem,
    cert: `${leafPem}\n${wire.authority.certificatePem}`,
    ALPNProtocols: ['h2'],
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const code = { ...wire.codeFor('site-a'), address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
  await expect(joinWith(code)).rejects.toMatchObject({ code: expect.stringMatching(/^(unauthenticated|link-down)$/) })
  expect(wire.service.secrets.has('site-a')).toBe(true)
  server.close()
  await impostor.stop()
})

test('an address nobody listens at is named, with what to check', async () => {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  await once(free, 'close')
  await expect(joinWith({ ...wire.codeFor('site-a'), address: `127.0.0.1:${port}` })).rejects.toMatchObject({
    code: 'link-down',
    message: expect.stringMatching(`127.0.0.1:${port}.*firewall`),
  })
})

test('a server that is no TLS server is said not to be reachable', async () => {
  const plain = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
  await once(plain, 'listening')
  const { port } = plain.address() as AddressInfo
  const code = { ...wire.codeFor('site-a'), address: `127.0.0.1:${port}` }
  await expect(joinWith(code)).rejects.toMatchObject({ code: 'link-down' })
  plain.close()
})

test('a certificate that is not for this site is not kept', async () => {
  const { join: joinService } = wire.service
  wire.service.join = async (request) => {
    const reply = await joinService(request)
    const { pem } = await wire.authority.issueSiteCertificate(request.certificateRequest, 'site-b', {
      notAfter: new Date(Date.now() + 60_000_000),
    })
    return { ...reply, certificatePem: pem }
  }
  await expect(joinWith(wire.codeFor('site-a'))).rejects.toMatchObject({ code: 'message-invalid' })
  expect(() => openJoined(wire.stateOf('site-a'))).toThrow(expect.objectContaining({ code: 'not-found' }))
})

test.for(['joined.json', 'certificate.pem', 'keys/identity-key.pem'])(
  'an enrolment with a damaged %s says so',
  async (file) => {
    await joinWith(wire.codeFor('site-a'))
    writeFileSync(join(wire.stateOf('site-a'), file), '{"format":1')
    expect(() => openJoined(wire.stateOf('site-a'))).toThrow(expect.objectContaining({ code: 'invalid-site-config' }))
  },
)
