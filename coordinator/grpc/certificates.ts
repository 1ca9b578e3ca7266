/**
 * Who calls, read from the client certificate that TLS has verified: its one URI name, never anything a message says.
 */
import type { PeerCertificate } from 'node:tls'
import { FederationError } from '@consilium/protos/errors.ts'
import type { Caller } from '../services.ts'

const siteName = /^URI:consilium:site:([a-z0-9][a-z0-9-]{0,62})$/
const operatorName = 'URI:consilium:operator'

/** Throws `unauthenticated` without a verified certificate, `permission-denied` for one that is no site's. */
export function siteOf(certificate: PeerCertificate | undefined): Caller {
  const { subjectaltname, serialNumber, valid_from, valid_to } = verified(certificate)
  const site = siteName.exec(subjectaltname ?? '')?.[1]
  if (site === undefined)
    throw new FederationError('permission-denied', 'this certificate is not a site’s: sites call here, nobody else')
  return {
    ...{ site, serial: serialNumber.toLowerCase() },
    ...{ expiresAt: new Date(valid_to), issuedAt: new Date(valid_from) },
  }
}

/** When the operator's certificate expires. Throws `permission-denied` for any other certificate. */
export function operatorOf(certificate: PeerCertificate | undefined): { readonly expiresAt: Date } {
  const { subjectaltname, valid_to } = verified(certificate)
  if (subjectaltname !== operatorName)
    throw new FederationError(
      'permission-denied',
      'this certificate is not the operator’s: only the operator calls here',
    )
  return { expiresAt: new Date(valid_to) }
}

function verified(certificate: PeerCertificate | undefined): PeerCertificate {
  if (certificate === undefined)
    throw new FederationError(
      'unauthenticated',
      'no valid client certificate: this call needs one that this federation issued and that has not expired',
    )
  return certificate
}
