/**
 * X.509 as this federation uses it (RFC 5280): one P-256 authority, and leaf certificates whose one URI name says who
 * holds them. Names are never taken from a request.
 */
import 'reflect-metadata'
import { createHash, randomBytes, type webcrypto } from 'node:crypto'
import { FederationError } from '@consilium/protos/errors.ts'
import * as x509 from '@peculiar/x509'

export type KeyAndCertificate = { readonly keyPem: string; readonly certificatePem: string }

/** An authority's certificate and the key that signs with it. */
export type Issuer = { readonly certificate: x509.X509Certificate; readonly signingKey: webcrypto.CryptoKey }

export type Validity = { readonly notBefore: Date; readonly notAfter: Date }

export type Leaf = Validity & {
  readonly commonName: string
  readonly names: x509.JsonGeneralNames
  readonly usage: 'server' | 'client'
}

const certificateRequestBytesMax = 8 * 1024
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A new self-signed authority that may sign leaf certificates and nothing else. */
export async function makeAuthority(commonName: string, validity: Validity): Promise<KeyAndCertificate> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: randomSerial(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { keyPem: await exportKey(keys.privateKey), certificatePem: certificate.toString('pem') }
}

export async function readIssuer(authority: KeyAndCertificate): Promise<Issuer> {
  return {
    certificate: new x509.X509Certificate(authority.certificatePem),
    signingKey: await crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(authority.keyPem), ecdsa, false, [
      'sign',
    ]),
  }
}

/** A leaf certificate for `publicKey`; never outlives its issuer. */
export async function issueLeaf(issuer: Issuer, publicKey: x509.PublicKeyType, leaf: Leaf): Promise<string> {
  const { certificate: authority, signingKey } = issuer
  const usage = leaf.usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter < authority.notAfter ? leaf.notAfter : authority.notAfter,
    subject: [{ CN: [leaf.commonName] }],
    issuer: authority.subject,
    publicKey,
    signingKey,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      new x509.SubjectAlternativeNameExtension(leaf.names),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return certificate.toString('pem')
}

/** A new key pair and the leaf certificate for it. */
export async function issueKeyAndLeaf(issuer: Issuer, leaf: Leaf): Promise<KeyAndCertificate> {
  const keys = await generateKeys()
  return {
    keyPem: await exportKey(keys.privateKey),
    certificatePem: await issueLeaf(issuer, keys.publicKey, leaf),
  }
}

/**
 * The public key of a PKCS#10 request (RFC 2986), the only thing taken from it. Throws `message-invalid` unless it is at
 * most 8 KiB of DER, holds a P-256 key and is signed by that key.
 */
export async function readCertificateRequest(der: Uint8Array): Promise<x509.PublicKey> {
  const invalid = (why: string, cause?: unknown) =>
    new FederationError('message-invalid', `the certificate request ${why}`, { cause })
  if (der.length === 0 || der.length > certificateRequestBytesMax)
    throw invalid(`has ${der.length} bytes; allowed are 1 to ${certificateRequestBytesMax}`)
  try {
    const request = new x509.Pkcs10CertificateRequest(Uint8Array.from(der))
    const { algorithm } = request.publicKey
    if (algorithm.name !== 'ECDSA' || !('namedCurve' in algorithm) || algorithm.namedCurve !== 'P-256')
      throw invalid('does not hold a P-256 key')
    if (!(await request.verify())) throw invalid('is not signed by the key it holds')
    return request.publicKey
  } catch (error) {
    if (error instanceof FederationError) throw error
    throw invalid('is not PKCS#10', error)
  }
}

/** SHA-256 of the certificate in DER, lower-case hexadecimal. */
export function certificateFingerprint(certificate: x509.X509Certificate): string {
  return createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex')
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
}

async function exportKey(privateKey: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')
}

/** 16 random bytes; the first is 0x40 to 0x7f, so that every library writes the same 32 hexadecimal digits. */
function randomSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | (bytes[0]! & 0x3f)
  return bytes.toString('hex')
}
