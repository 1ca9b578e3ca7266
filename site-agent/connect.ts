/** Opens the link of a site that has joined; the agent and the commands beside it dial the same way. */
import { X509Certificate } from 'node:crypto'
import { type Clock, systemClock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import type { Logger } from 'pino'
import { openLink } from './link/grpc-link.ts'
import { hasJoined, type JoinedSite, openJoined } from './link/identity-files.ts'
import type { EgressLedger, Link } from './link/link.ts'
import { silentLogger } from './log.ts'
import agentPackage from './package.json' with { type: 'json' }

export type Connection = Pick<JoinedSite, 'identity' | 'secret' | 'coordinatorPublicKey'> & { readonly link: Link }

/** What a site may show of its membership: no key. */
export type Membership = Pick<JoinedSite, 'site' | 'federation' | 'address' | 'joinedAt'> & {
  /** Of the site's identity; the operator sees the same one. */
  readonly fingerprint: string
  readonly certificateExpiresAt: string
}

/** Dials nothing yet. Throws `unauthenticated` where this site has not joined. */
export function connect(options: {
  readonly state: string
  readonly ledger: EgressLedger
  readonly clock?: Clock
  readonly log?: Logger
}): Connection {
  const { state, ledger, clock = systemClock, log = silentLogger() } = options
  const joined = openMembership(state)
  const { identity, secret, coordinatorPublicKey } = joined
  const link = openLink({ joined, ledger, clock, log, agentVersion: agentPackage.version })
  return { link, identity, secret, coordinatorPublicKey }
}

export function readMembership(state: string): Membership {
  const { site, federation, address, joinedAt, identity, certificatePem } = openMembership(state)
  const certificateExpiresAt = new Date(new X509Certificate(certificatePem).validTo).toISOString()
  return { site, federation, address, joinedAt, fingerprint: fingerprint(identity.publicKey), certificateExpiresAt }
}

/** The enrolment kept in the state folder; throws `unauthenticated` where there is none. */
export function openMembership(state: string): JoinedSite {
  if (hasJoined(state)) return openJoined(state)
  throw new FederationError(
    'unauthenticated',
    `this site has not joined (nothing in ${state}): run site-agent join <code>, or name the folders with --site and --state`,
  )
}
