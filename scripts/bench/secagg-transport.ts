/**
 * What the transport of masked uploads costs: several sites at once send their vectors through the real link to the real
 * listener, over loopback with mutual TLS; behind the listener the bytes are counted and forgotten.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CertificateAuthority, openCertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import { startFederationServer } from '@consilium/coordinator/grpc/federation-server.ts'
import type { FederationService } from '@consilium/coordinator/services.ts'
import { systemClock as clock } from '@consilium/protos/clock.ts'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { headerName, headerWords } from '@consilium/protos/secagg/header.ts'
import { secureUploadBytes, updateName } from '@consilium/protos/secagg/vectors.ts'
import { openLink } from '@consilium/site-agent/link/grpc-link.ts'
import { joinFederation } from '@consilium/site-agent/link/join.ts'
import pino from 'pino'

export type Transport = {
  /** From the first byte of the first upload to the last acknowledgement. */
  readonly seconds: number
  /** What one site's sockets wrote for its upload: TLS, HTTP/2 and the header message too. */
  readonly wireBytes: number
}

const log = pino({ level: 'silent' })
const planHash = 'ab'.repeat(32)

export async function measureTransport(sites: number, parameters: number): Promise<Transport> {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-bench-'))
  const authority = await openCertificateAuthority({ home: folder, advertisedHost: '127.0.0.1', clock, log })
  const service = countingService(authority)
  const server = await startFederationServer({ service, authority, host: '127.0.0.1', port: 0, clock, log })
  try {
    const vectors = [
      { name: headerName, words: headerWords },
      { name: updateName, words: parameters },
    ]
    const size = secureUploadBytes(vectors)
    const path = join(folder, 'upload')
    await writeFile(path, randomBytes(Math.min(size, 2 ** 30)))
    const names = Array.from({ length: sites }, (_, i) => `site-${i + 1}`)
    const uploads = await Promise.all(
      names.map((name) => openSite({ name, path, folder, port: server.port, authority })),
    )
    const started = performance.now()
    await Promise.all(uploads.map(({ upload }) => upload()))
    const seconds = (performance.now() - started) / 1000
    const written = await Promise.all(uploads.map(({ close }) => close()))
    return { seconds, wireBytes: Math.max(...written) }
  } finally {
    await server.stop()
    authority.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function openSite(of: {
  readonly name: string
  readonly path: string
  readonly folder: string
  readonly port: number
  readonly authority: CertificateAuthority
}) {
  const { name, path, folder, port, authority } = of
  let bytes = 0
  const ledger = {
    append(record: { readonly bytes: number }) {
      bytes += record.bytes
    },
  }
  const code = {
    address: `127.0.0.1:${port}`,
    site: name,
    authority: authority.fingerprint,
    secret: randomBytes(32).toString('base64'),
    expiresAt: new Date(clock.now().getTime() + 3_600_000).toISOString(),
  }
  const joined = await joinFederation({ code, state: join(folder, name), ledger, clock, environment: {} })
  bytes = 0
  const link = openLink({ joined, agentVersion: 'bench', ledger, clock, log, random: Math.random, environment: {} })
  const masked = { root: randomBytes(32), vectorHashes: [randomBytes(32), randomBytes(32)], signature: randomBytes(64) }
  return {
    upload: () =>
      link.upload({ planHash, path, study: '', masked, onProgress: () => {}, signal: new AbortController().signal }),
    /** All that the sockets of this site wrote. */
    async close() {
      await link.close()
      return bytes
    },
  }
}

/** Lets everybody join, and takes uploads. */
function countingService(authority: CertificateAuthority): FederationService {
  const { publicKey } = generateIdentity()
  const notPart = async () => {
    throw new Error('this bench has no part for that')
  }
  return {
    async join({ certificateRequest, site }) {
      const notAfter = new Date(clock.now().getTime() + 3_600_000)
      const { pem } = await authority.issueSiteCertificate(certificateRequest, site, { notAfter })
      return {
        certificatePem: pem,
        authorityPem: authority.certificatePem,
        coordinatorPublicKey: publicKey,
        federation: 'bench',
      }
    },
    renew: notPart,
    checkCaller() {},
    attend: () => ({ receive() {}, closed() {} }),
    studies: async () => [],
    decide: notPart,
    pin: notPart,
    standOut: notPart,
    sayOfPartners: notPart,
    proveLog: notPart,
    fetch: notPart,
    uploadOffset: async () => ({ offset: 0, complete: false }),
    async upload(_caller, _header, chunks) {
      let size = 0
      for await (const chunk of chunks) size += chunk.length
      return { size }
    },
  }
}
