/** The certificate authority: made once, kept private, strict about requests, in time with its renewals. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import { certificateRequest } from '@consilium/site-agent/link/certificate.ts'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '../support/manual-clock.ts'
import { silent } from '../support/wire-fixture.ts'

const dayMs = 24 * 60 * 60_000
const start = new Date('2026-01-01T00:00:00.000Z')
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'consilium-authority-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function open(clock = manualClock(start), advertisedHost = 'fl.hospital.example') {
  return openCertificateAuthority({ home, advertisedHost, clock, log: silent })
}

function siteKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
}

test('the authority is made on first start and the same after a restart', async () => {
  const first = await open()
  const again = await open()
  expect(again.fingerprint).toBe(first.fingerprint)
  expect(again.serverCertificate()).toEqual(first.serverCertificate())
  expect(first.fingerprint).toBe(
    new X509Certificate(first.certificatePem).fingerprint256.replaceAll(':', '').toLowerCase(),
  )
})

test('private keys are readable by their owner only', async () => {
  await open()
  for (const file of ['keys/authority-key.pem', 'keys/server-key.pem', 'operator/key.pem'])
    expect(statSync(join(home, file)).mode & 0o777).toBe(0o600)
})

test('a site certificate names the site, may only be a client, and verifies under the authority', async () => {
  const authority = await open()
  const notAfter = new Date(start.getTime() + 30 * dayMs)
  const { pem, serial, expiresAt } = await authority.issueSiteCertificate(
    await certificateRequest('whatever', siteKey()),
    'site-a',
    { notAfter },
  )
  const certificate = new X509Certificate(pem)
  expect(certificate.subject).toBe('CN=site-a')
  expect(certificate.subjectAltName).toBe('URI:consilium:site:site-a')
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate.ca).toBe(false)
  expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true)
  expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/)
  expect(serial).toBe(certificate.serialNumber.toLowerCase())
  expect(expiresAt).toEqual(notAfter)
  expect(new Date(certificate.validFrom) < start).toBe(true)
})

test('no certificate outlives the authority, and no two share a serial number', async () => {
  const authority = await open()
  const request = await certificateRequest('a', siteKey())
  const validity = { notAfter: new Date('2150-01-01') }
  const issued = await Promise.all(
    Array.from({ length: 5 }, () => authority.issueSiteCertificate(request, 'a', validity)),
  )
  const authorityEnd = new Date(new X509Certificate(authority.certificatePem).validTo)
  expect(issued.every(({ expiresAt }) => expiresAt <= authorityEnd)).toBe(true)
  expect(new Set(issued.map(({ serial }) => serial)).size).toBe(5)
})

const goodRequest = await certificateRequest('a', siteKey())
test.for([
  { what: 'nothing', request: new Uint8Array() },
  { what: 'no DER', request: Buffer.from('hello') },
  { what: 'over 8 KiB', request: Buffer.concat([goodRequest, Buffer.alloc(8192)]) },
  { what: 'cut short', request: goodRequest.subarray(0, -10) },
  { what: 'signed by another key', request: withFlippedByte(goodRequest, goodRequest.length - 3) },
  { what: 'for another key than the one that signed', request: withFlippedByte(goodRequest, 60) },
])('a request that is $what is refused', async ({ request }) => {
  const authority = await open()
  const validity = { notAfter: new Date('2027-01-01') }
  await expect(authority.issueSiteCertificate(request, 'a', validity)).rejects.toMatchObject({
    code: 'message-invalid',
  })
})

test.for([
  { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
])('a request for a key of another kind ($name) is refused', async (algorithm) => {
  const authority = await open()
  const keys = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=a', keys, signingAlgorithm: algorithm })
  const validity = { notAfter: new Date('2027-01-01') }
  await expect(authority.issueSiteCertificate(new Uint8Array(request.rawData), 'a', validity)).rejects.toMatchObject({
    code: 'message-invalid',
    message: expect.stringContaining('P-256'),
  })
})

test('the server certificate covers the advertised host and the loopback names', async () => {
  const { serverCertificate } = await open()
  const certificate = new X509Certificate(serverCertificate().chainPem)
  for (const host of ['fl.hospital.example', 'localhost']) expect(certificate.checkHost(host)).toBe(host)
  for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBe(address)
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
})

test('another advertised host gets another server certificate under the same authority', async () => {
  const before = await open()
  const after = await open(manualClock(start), '192.0.2.7')
  expect(after.fingerprint).toBe(before.fingerprint)
  expect(new X509Certificate(after.serverCertificate().chainPem).checkIP('192.0.2.7')).toBe('192.0.2.7')
})

test('the server certificate is renewed after two thirds of its life, the operator certificate too', async () => {
  const clock = manualClock(start)
  const authority = await open(clock)
  const before = authority.serverCertificate().chainPem
  const renewed = () => new Promise<void>((resolve) => authority.onServerCertificate(resolve))
  clock.advance(59 * dayMs)
  expect(authority.serverCertificate().chainPem).toBe(before)
  const first = renewed()
  clock.advance(2 * dayMs)
  await first
  expect(authority.serverCertificate().chainPem).not.toBe(before)

  const operatorBefore = readFileSync(join(home, 'operator', 'certificate.pem'), 'utf8')
  const later = manualClock(new Date(start.getTime() + 300 * dayMs))
  await open(later)
  expect(readFileSync(join(home, 'operator', 'certificate.pem'), 'utf8')).not.toBe(operatorBefore)
})

test('a damaged certificate is said to be damaged', async () => {
  await open()
  writeFileSync(join(home, 'keys', 'server.pem'), 'not a certificate')
  await expect(open()).rejects.toMatchObject({ code: 'store-failed' })
})

function withFlippedByte(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = copy[at]! ^ 1
  return copy
}
