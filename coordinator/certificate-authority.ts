/**
 * The federation's own certificate authority: made on first start, it vouches for the coordinator's server, for each site
 * and for the operator. The server's and the operator's certificates are renewed here before they expire.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '@consilium/protos/clock.ts'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { Logger } from 'pino'
import {
  certificateFingerprint,
  type Issuer,
  issueKeyAndLeaf,
  issueLeaf,
  type KeyAndCertificate,
  type Leaf,
  makeAuthority,
  readCertificateRequest,
  readIssuer,
  type Validity,
} from './certificates/issue.ts'
import { type KeyFiles, readKeyFiles, writeKeyFiles, writePrivateFile } from './certificates/key-files.ts'

/** `serial` is lower-case hexadecimal. */
export type IssuedCertificate = { readonly pem: string; readonly serial: string; readonly expiresAt: Date }

/** The leaf's key, and the chain a server presents: the leaf, then the authority. */
export type ServerCertificate = { readonly keyPem: string; readonly chainPem: string }

export type CertificateAuthority = {
  readonly certificatePem: string
  /** SHA-256 of the authority's certificate in DER: what a join code carries. */
  readonly fingerprint: Sha256
  /** Throws `message-invalid` where the request (PKCS#10, DER) is not a signed one for a P-256 key. */
  issueSiteCertificate(
    certificateRequest: Uint8Array,
    site: SiteName,
    validity: { readonly notAfter: Date },
  ): Promise<IssuedCertificate>
  serverCertificate(): ServerCertificate
  /** Calls `changed` after each renewal of the server certificate; returns what ends that. */
  onServerCertificate(changed: () => void): () => void
  /** Ends the renewals. */
  close(): void
}

export type AuthorityOptions = {
  /** The coordinator's home folder: `keys/` and `operator/` are kept in it. */
  readonly home: string
  /** Host name or IP address (no port) at which sites reach the coordinator. */
  readonly advertisedHost: string
  readonly clock: Clock
  readonly log: Logger
}

const dayMs = 24 * 60 * 60 * 1000
/** A site's clock may run behind. */
const backdatedMs = 10 * 60 * 1000
const authorityDays = 20 * 365
const serverDays = 90
const operatorDays = 365

export async function openCertificateAuthority(options: AuthorityOptions): Promise<CertificateAuthority> {
  const { clock, log } = options
  const issuer = await openIssuer(options)
  const authorityPem = issuer.certificate.toString('pem')
  const listeners = new Set<() => void>()
  let server = await renewLeaves(issuer, options)
  let closed = false
  let cancelTimer = scheduleRenewal()

  function scheduleRenewal(): () => void {
    const dueMs = new Date(new X509Certificate(server.certificatePem).validTo).getTime() - (serverDays * dayMs) / 3
    return clock.setTimer(Math.max(dueMs - clock.now().getTime(), dayMs), () => void renew())
  }
  async function renew(): Promise<void> {
    try {
      server = await renewLeaves(issuer, options)
      for (const changed of listeners) changed()
    } catch (error) {
      log.error({ error: errorMessage(error) }, 'the server certificate was not renewed; tried again in a day')
    }
    if (!closed) cancelTimer = scheduleRenewal()
  }
  return {
    certificatePem: authorityPem,
    fingerprint: certificateFingerprint(issuer.certificate),
    issueSiteCertificate: (request, site, { notAfter }) =>
      issueSiteCertificate(issuer, request, site, { notBefore: backdated(clock.now()), notAfter }),
    serverCertificate: () => ({ keyPem: server.keyPem, chainPem: `${server.certificatePem}\n${authorityPem}\n` }),
    onServerCertificate(changed) {
      listeners.add(changed)
      return () => listeners.delete(changed)
    },
    close() {
      closed = true
      cancelTimer()
    },
  }
}

async function openIssuer({ home, clock }: AuthorityOptions): Promise<Issuer> {
  const files = keyFiles(join(home, 'keys'), 'authority')
  const kept = await readKeyFiles(files)
  if (kept) return readIssuer(kept)
  const made = await makeAuthority('Consilium federation authority', validFor(clock.now(), authorityDays))
  await writeKeyFiles(files, made)
  return readIssuer(made)
}

async function issueSiteCertificate(
  issuer: Issuer,
  request: Uint8Array,
  site: SiteName,
  validity: Validity,
): Promise<IssuedCertificate> {
  const publicKey = await readCertificateRequest(request)
  const pem = await issueLeaf(issuer, publicKey, {
    ...validity,
    commonName: site,
    names: [{ type: 'url', value: `consilium:site:${site}` }],
    usage: 'client',
  })
  const { serialNumber, validTo } = new X509Certificate(pem)
  return { pem, serial: serialNumber.toLowerCase(), expiresAt: new Date(validTo) }
}

/** Renews what is due of the operator's and the server's certificate; returns the server's. */
async function renewLeaves(issuer: Issuer, { home, advertisedHost, clock }: AuthorityOptions) {
  const now = clock.now()
  const operator = join(home, 'operator')
  await openLeaf(issuer, { key: join(operator, 'key.pem'), certificate: join(operator, 'certificate.pem') }, now, {
    ...validFor(now, operatorDays),
    commonName: 'operator',
    names: [{ type: 'url', value: 'consilium:operator' }],
    usage: 'client',
  })
  await writePrivateFile(join(operator, 'authority.pem'), issuer.certificate.toString('pem'))
  const hosts = [...new Set([advertisedHost, 'localhost', '127.0.0.1', '::1'])]
  return openLeaf(issuer, keyFiles(join(home, 'keys'), 'server'), now, {
    ...validFor(now, serverDays),
    commonName: 'consilium coordinator',
    names: hosts.map((host) => ({ type: isIP(host) ? ('ip' as const) : ('dns' as const), value: host })),
    usage: 'server',
  })
}

/** The kept leaf while more than a third of its life is left and it still fits, else a fresh one. */
async function openLeaf(issuer: Issuer, files: KeyFiles, now: Date, leaf: Leaf): Promise<KeyAndCertificate> {
  const kept = await readKeyFiles(files)
  if (kept && isUsable(kept, issuer, now, leaf)) return kept
  const fresh = await issueKeyAndLeaf(issuer, leaf)
  await writeKeyFiles(files, fresh)
  return fresh
}

function isUsable(kept: KeyAndCertificate, issuer: Issuer, now: Date, leaf: Leaf): boolean {
  const certificate = parseCertificate(kept.certificatePem)
  const authority = new X509Certificate(issuer.certificate.toString('pem'))
  const lifeMs = leaf.notAfter.getTime() - leaf.notBefore.getTime()
  // checkIP throws for what is no IP address.
  const covers = ({ type, value }: { type: string; value: unknown }) =>
    type === 'url' || (type === 'ip' ? certificate.checkIP(String(value)) : certificate.checkHost(String(value)))
  return (
    new Date(certificate.validTo).getTime() - now.getTime() > lifeMs / 3 &&
    certificate.verify(authority.publicKey) &&
    createPublicKey(createPrivateKey(kept.keyPem)).equals(certificate.publicKey) &&
    (leaf.names as readonly { type: string; value: unknown }[]).every(covers)
  )
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new FederationError('store-failed', 'a certificate in the coordinator home is damaged: delete that file', {
      cause,
    })
  }
}

function keyFiles(folder: string, name: string): KeyFiles {
  return { key: join(folder, `${name}-key.pem`), certificate: join(folder, `${name}.pem`) }
}

function validFor(now: Date, days: number): Validity {
  return { notBefore: backdated(now), notAfter: new Date(now.getTime() + days * dayMs) }
}

function backdated(now: Date): Date {
  return new Date(now.getTime() - backdatedMs)
}
