/**
 * Who may join, renew and speak: decisions about invitations and certificates. A join code is good once, until it
 * expires, and only for the site it names.
 */
import { timingSafeEqual } from 'node:crypto'
import { FederationError } from '@consilium/protos/errors.ts'
import { labelledHash } from '@consilium/protos/hash.ts'
import { assertUsablePublicKey, verifySignature } from '@consilium/protos/identity.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { shortReason } from '../round/events.ts'
import type { Caller, JoinRequest } from '../services.ts'
import type { FederationEvent } from './events.ts'
import type { Certificate, Federation, Site } from './federation.ts'
import { isProvenRevoked } from './losses.ts'

/** The hash under which the log knows the secret of a join code. The secret has 256 random bits, so a plain hash does. */
export function secretHash(site: SiteName, secret: Uint8Array): Sha256 {
  return labelledHash('join-secret', Buffer.from(site), secret).toString('hex')
}

/** Invites a new site, or one that was revoked or has not joined yet; its earlier codes end then. */
export function invite(
  federation: Federation,
  site: SiteName,
  secret: Uint8Array,
  expiresAt: Date,
  now: Date,
): FederationEvent[] {
  if (federation.sites.get(site)?.state === 'enrolled')
    throw new FederationError(
      'already-exists',
      `site ${site} has joined: revoke it first where its keys were lost, or choose another name`,
    )
  const event = {
    at: now.toISOString(),
    site,
    secretHash: secretHash(site, secret),
    expiresAt: expiresAt.toISOString(),
  }
  return [{ type: 'site-invited', ...event }]
}

/** Throws `join-code-invalid`, `join-code-used`, `join-code-expired`, `signature-invalid` or `already-exists`. */
export function checkJoin(federation: Federation, request: JoinRequest, now: Date): void {
  const site = federation.sites.get(request.site)
  checkInvitation(site, request, now)
  assertUsablePublicKey(request.identityPublicKey)
  const parts = [Buffer.from(request.site), request.secret, request.certificateRequest] as const
  if (!verifySignature(request.identityPublicKey, request.identitySignature, 'join', ...parts))
    throw new FederationError('signature-invalid', `${request.site} does not prove that it holds its identity key`)
  const identity = Buffer.from(request.identityPublicKey).toString('base64')
  const other = [...federation.sites.values()].find((known) => known.identityPublicKey === identity)
  if (other && other.name !== request.site)
    throw new FederationError('already-exists', `this identity key belongs to site ${other.name}: make a new one`)
}

/** The event of a join that {@link checkJoin} let through, with the certificate issued for it. */
export function joined(request: JoinRequest, certificate: Certificate, now: Date): FederationEvent {
  return {
    type: 'site-joined',
    at: now.toISOString(),
    site: request.site,
    secretHash: secretHash(request.site, request.secret),
    identityPublicKey: Buffer.from(request.identityPublicKey).toString('base64'),
    ...certificate,
  }
}

export function revoke(federation: Federation, name: SiteName, reason: string, now: Date): FederationEvent[] {
  const site = federation.sites.get(name)
  if (!site) throw new FederationError('not-found', `there is no site ${name}: see consilium site list`)
  if (site.state === 'revoked') return []
  return [{ type: 'site-revoked', at: now.toISOString(), site: name, reason: shortReason(reason) }]
}

/** Throws for a caller whose certificate is not one of its site's, is replaced, revoked or expired. */
export function checkCaller(federation: Federation, { site: name, serial, expiresAt }: Caller, now: Date): Site {
  const site = federation.sites.get(name)
  if (site?.state === 'revoked' || isProvenRevoked(federation, name))
    throw new FederationError('certificate-revoked', `site ${name} was revoked: ask the coordinator's operator why`)
  if (!site?.serials.includes(serial))
    throw new FederationError(
      'coordinator-restored',
      `this coordinator does not know the certificate of site ${name}, which its own authority issued: it runs from an old copy of its home folder. Its operator decides how it goes on; nothing is to be done here until then`,
    )
  if (site.state !== 'enrolled')
    throw new FederationError('unauthenticated', `site ${name} is not enrolled here: join with a new code`)
  const certificate = site.certificates.find((known) => known.serial === serial)
  if (!certificate)
    throw new FederationError('certificate-revoked', `this certificate of site ${name} was replaced by a newer one`)
  if (Math.min(Date.parse(certificate.expiresAt), expiresAt.getTime()) <= now.getTime())
    throw new FederationError(
      'certificate-expired',
      `the certificate of site ${name} has expired: join with a new code`,
    )
  return site
}

function checkInvitation(site: Site | undefined, { secret }: JoinRequest, now: Date): void {
  const last = site?.invitations.at(-1)
  const invitation = site?.invitations.find((known) => isSecret(known.secretHash, site.name, secret))
  // An unknown site, a wrong secret and a replaced code look the same from outside.
  if (!site || !invitation || (invitation !== last && !invitation.used))
    throw new FederationError('join-code-invalid', 'this join code is not valid here: ask for a new one')
  if (invitation.used)
    throw new FederationError(
      'join-code-used',
      `this join code of site ${site.name} was used: if that was not you, tell the operator at once`,
    )
  if (site.state !== 'invited')
    throw new FederationError('join-code-invalid', 'this join code is not valid here: ask for a new one')
  if (invitation.expiresAtMs <= now.getTime())
    throw new FederationError('join-code-expired', `this join code of site ${site.name} has expired: ask for a new one`)
}

function isSecret(hash: Sha256, site: SiteName, secret: Uint8Array): boolean {
  return timingSafeEqual(Buffer.from(hash, 'hex'), Buffer.from(secretHash(site, secret), 'hex'))
}
