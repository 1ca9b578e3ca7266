/**
 * Joining: the site makes its keys, checks that the server at the code's address stands under the authority the code
 * names, and only then sends its one-time secret, its certificate request and its public identity.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { DetailedPeerCertificate } from 'node:tls'
import type { Clock } from '@consilium/protos/clock.ts'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { assertUsablePublicKey, sign } from '@consilium/protos/identity.ts'
import type { JoinCode } from '@consilium/protos/join-code.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import { splitAddress } from './address.ts'
import { certificateRequest, checkCertificate } from './certificate.ts'
import { openEgress } from './egress.ts'
import { hasJoined, type JoinedSite, openJoined, openKeys, writeJoined } from './identity-files.ts'
import type { EgressLedger } from './link.ts'
import { type Environment, proxyFor } from './proxy.ts'
import { secure, type TlsTarget } from './tls.ts'
import { openWire } from './wire.ts'

export type JoinOptions = {
  readonly code: JoinCode
  /** The site's state folder; keys that are there already are used. */
  readonly state: string
  readonly ledger: EgressLedger
  readonly clock: Clock
  /** For https_proxy and no_proxy; process.env where not given. */
  readonly environment?: Environment
}

const dialMs = 20_000
const closeMs = 2000

/**
 * Enrols the site. Throws `already-exists` where it has joined before, `join-code-expired`, `join-code-used`,
 * `join-code-invalid`, `unauthenticated` where the server is another than the code's, and `link-down` where it is not
 * reached.
 */
export async function joinFederation(options: JoinOptions): Promise<JoinedSite> {
  const { code, state, ledger, clock, environment = process.env } = options
  if (hasJoined(state))
    throw new FederationError('already-exists', `${state} belongs to site ${openJoined(state).site} already`)
  if (new Date(code.expiresAt) <= clock.now())
    throw new FederationError('join-code-expired', `this join code expired at ${code.expiresAt}: ask for a new one`)
  const egress = openEgress(ledger, clock)
  const target = { address: code.address, proxy: proxyFor(code.address, environment), egress, clock }
  try {
    const authorityPem = await fetchAuthority(target, code, clock)
    return await enrol(options, target, authorityPem)
  } finally {
    await egress.allClosed(closeMs)
  }
}

async function enrol(options: JoinOptions, target: TlsTarget, authorityPem: string): Promise<JoinedSite> {
  const { code, state, clock } = options
  const { site, address } = code
  const { tlsKeyPem, identity, secret: siteSecret } = openKeys(state)
  const request = await certificateRequest(site, tlsKeyPem)
  const secret = Buffer.from(code.secret, 'base64')
  const wire = openWire({ ...target, identity: { authorityPem } })
  try {
    const reply = await wire.unary(
      federationTypes().Federation.service.Join,
      {
        site,
        secret,
        certificateRequest: request,
        identityPublicKey: identity.publicKey,
        identitySignature: sign(identity, 'join', Buffer.from(site, 'utf8'), secret, request),
      },
      { kind: 'join', study: '' },
    )
    const { certificatePem, coordinatorPublicKey, federation } = reply
    checkCertificate(certificatePem, { site, tlsKeyPem, authorityPem })
    assertUsablePublicKey(coordinatorPublicKey)
    const joinedAt = clock.now().toISOString()
    const enrolled = { state, site, federation, address, joinedAt, coordinatorPublicKey, authorityPem, certificatePem }
    const joined = { ...enrolled, secret: siteSecret }
    writeJoined(joined)
    return { ...joined, identity, tlsKeyPem }
  } finally {
    await wire.close()
  }
}

/** The authority's certificate as the server presents it, once its SHA-256 is the one in the code. */
async function fetchAuthority(target: TlsTarget, code: JoinCode, clock: Clock): Promise<string> {
  const socket = connect(splitAddress(target.proxy?.address ?? target.address))
  const cancelTimer = clock.setTimer(dialMs, () => socket.destroy(new Error(`no answer in ${dialMs / 1000} s`)))
  try {
    await once(socket, 'connect')
    // Nothing is trusted yet: what is read here counts by its hash alone.
    const connection = await secure(socket, target, { rejectUnauthorized: false })
    const chain = certificateChain(connection.getPeerCertificate(true))
    const authority = chain.find((der) => createHash('sha256').update(der).digest('hex') === code.authority)
    connection.end()
    if (authority) return new X509Certificate(authority).toString()
  } catch (cause) {
    socket.destroy()
    if (cause instanceof FederationError) throw cause
    const advice = 'check the address, the firewall and https_proxy'
    throw new FederationError('link-down', `cannot reach ${describe(target)}: ${errorMessage(cause)}; ${advice}`, {
      cause,
    })
  } finally {
    cancelTimer()
  }
  throw new FederationError(
    'unauthenticated',
    `${describe(target)} is not the coordinator of this join code: its certificate authority is another one. ` +
      'Check the address, and whether a proxy on the way opens TLS connections',
  )
}

function describe({ address, proxy }: TlsTarget): string {
  return proxy ? `${address} through the proxy ${proxy.address}` : address
}

/** DER of each certificate, leaf first; the last names itself as its issuer. */
function certificateChain(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = []
  const lengthMax = 5
  for (let one: DetailedPeerCertificate | undefined = leaf; one?.raw && chain.length < lengthMax; ) {
    chain.push(one.raw)
    one = one.issuerCertificate === one ? undefined : one.issuerCertificate
  }
  return chain
}
