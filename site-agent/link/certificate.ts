/** The site's side of its certificate: the request for one (PKCS#10, RFC 2986), and the checks of what comes back. */
import 'reflect-metadata'
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A request in DER, signed with the site's TLS key (PKCS#8, PEM), which it does not hold. */
export async function certificateRequest(site: SiteName, tlsKeyPem: string): Promise<Uint8Array> {
  const privateDer = createPrivateKey(tlsKeyPem).export({ type: 'pkcs8', format: 'der' })
  const publicDer = createPublicKey(tlsKeyPem).export({ type: 'spki', format: 'der' })
  const { subtle } = globalThis.crypto
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [site] }],
    keys: {
      privateKey: await subtle.importKey('pkcs8', new Uint8Array(privateDer), ecdsa, false, ['sign']),
      publicKey: await subtle.importKey('spki', new Uint8Array(publicDer), ecdsa, true, ['verify']),
    },
    signingAlgorithm: ecdsa,
  })
  return new Uint8Array(request.rawData)
}

/** Throws `message-invalid` unless this is the authority's certificate for this site and this key. */
export function checkCertificate(
  certificatePem: string,
  expected: { readonly site: SiteName; readonly tlsKeyPem: string; readonly authorityPem: string },
): void {
  try {
    const certificate = new X509Certificate(certificatePem)
    const right =
      certificate.checkPrivateKey(createPrivateKey(expected.tlsKeyPem)) &&
      certificate.verify(new X509Certificate(expected.authorityPem).publicKey) &&
      certificate.subjectAltName === `URI:consilium:site:${expected.site}`
    if (right) return
  } catch (cause) {
    throw new FederationError('message-invalid', 'the coordinator answered with something that is no certificate', {
      cause,
    })
  }
  throw new FederationError(
    'message-invalid',
    `the coordinator answered with a certificate that is not for site ${expected.site}`,
  )
}

/** When to ask for the next certificate: a third of its life before it expires. */
export function renewalDue(certificatePem: string): Date {
  const { validFrom, validTo } = new X509Certificate(certificatePem)
  const [from, to] = [new Date(validFrom).getTime(), new Date(validTo).getTime()]
  return new Date(to - (to - from) / 3)
}
