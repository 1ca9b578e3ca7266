/** A bare gRPC client, for what the site agent would never send. */
import type { CertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import type { AdminClient } from '@consilium/protos/gen/consilium/v1/Admin.ts'
import type { FederationClient } from '@consilium/protos/gen/consilium/v1/Federation.ts'
import { adminTypes, federationTypes } from '@consilium/protos/load.ts'
import { certificateRequest } from '@consilium/site-agent/link/certificate.ts'
import { openKeys } from '@consilium/site-agent/link/identity-files.ts'
import { credentials, type ServiceError, status } from '@grpc/grpc-js'

export type OwnCertificate = { readonly keyPem: string; readonly certificatePem: string }

/** `own` is the client certificate to show; none where not given. */
export function rawClient(authority: CertificateAuthority, port: number, own?: OwnCertificate): FederationClient {
  const { Federation } = federationTypes()
  return new Federation(`localhost:${port}`, channelCredentials(authority, own), {
    'grpc.max_send_message_length': -1,
    'grpc.enable_retries': 0,
  })
}

export function rawAdminClient(authority: CertificateAuthority, port: number, own?: OwnCertificate): AdminClient {
  const { Admin } = adminTypes()
  return new Admin(`localhost:${port}`, channelCredentials(authority, own))
}

export function channelCredentials(authority: CertificateAuthority, own?: OwnCertificate) {
  const root = Buffer.from(authority.certificatePem)
  if (!own) return credentials.createSsl(root)
  return credentials.createSsl(root, Buffer.from(own.keyPem), Buffer.from(own.certificatePem))
}

/** A certificate for a site, issued without a join. `folder` keeps its keys. */
export async function certificateFor(
  authority: CertificateAuthority,
  site: string,
  folder: string,
  notAfter: Date,
): Promise<OwnCertificate> {
  const { tlsKeyPem } = openKeys(folder)
  const request = await certificateRequest(site, tlsKeyPem)
  const { pem } = await authority.issueSiteCertificate(request, site, { notAfter })
  return { keyPem: tlsKeyPem, certificatePem: pem }
}

/** How a unary call ended: `OK`, or the name of its status and the error code of ours that came with it. */
export function outcome<Reply>(
  call: (callback: (error: ServiceError | null, reply?: Reply) => void) => void,
): Promise<{ readonly status: string; readonly code?: string; readonly details: string; readonly reply?: Reply }> {
  return new Promise((resolve) => {
    call((error, reply) => resolve(error ? refusal(error) : { status: 'OK', details: '', ...(reply ? { reply } : {}) }))
  })
}

type Stream = {
  on(event: 'data', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

/** How a stream ended. */
export function streamOutcome(
  stream: Stream,
): Promise<{ readonly status: string; readonly code?: string; readonly details: string }> {
  return new Promise((resolve) => {
    stream.on('data', () => {})
    stream.on('error', (error) => resolve(refusal(error as ServiceError)))
    stream.on('end', () => setImmediate(() => resolve({ status: 'OK', details: '' })))
  })
}

function refusal(error: ServiceError) {
  const code = error.metadata?.get('consilium-error-code')[0]
  return { status: status[error.code]!, details: error.details, ...(code ? { code: String(code) } : {}) }
}
