/**
 * The site's certificate, renewed once a third of its life is left: same key, a new request, the file replaced as a whole,
 * and from then on new connections. A renewal that fails is tried again; there is a third of a life for it.
 */
import { X509Certificate } from 'node:crypto'
import type { Clock } from '@consilium/protos/clock.ts'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import type { Logger } from 'pino'
import { certificateRequest, checkCertificate, renewalDue } from './certificate.ts'
import { type JoinedSite, writeCertificate } from './identity-files.ts'
import type { TlsIdentity } from './tls.ts'
import type { Wire } from './wire.ts'

export type Renewal = {
  /** Renews where that is due; throws `certificate-expired` where it is too late. What fails otherwise is only logged. */
  ifDue(): Promise<void>
  stop(): void
}

export type RenewalOptions = {
  readonly joined: JoinedSite
  readonly wire: Wire
  readonly clock: Clock
  readonly log: Logger
  /** New connections carry the new certificate. */
  readonly onRenewed: () => void
}

const retryMs = 60 * 60_000

export function openRenewal({ joined, wire, clock, log, onRenewed }: RenewalOptions): Renewal {
  const { state, site, tlsKeyPem, authorityPem } = joined
  let certificatePem = joined.certificatePem
  let running: Promise<void> | undefined
  let cancelTimer = schedule(0)

  function schedule(delayMsMin: number): () => void {
    const delayMs = renewalDue(certificatePem).getTime() - clock.now().getTime()
    return clock.setTimer(Math.max(delayMs, delayMsMin), () => void renewOnce())
  }
  /** Never rejects. */
  function renewOnce(): Promise<void> {
    running ??= renew()
      .catch((error: unknown) => log.warn({ reason: errorMessage(error) }, 'the certificate was not renewed yet'))
      .finally(() => {
        running = undefined
        cancelTimer()
        cancelTimer = schedule(retryMs)
      })
    return running
  }
  async function renew(): Promise<void> {
    const request = await certificateRequest(site, tlsKeyPem)
    const reply = await wire.unary(
      federationTypes().Federation.service.Renew,
      { certificateRequest: request },
      { kind: 'renew', study: '' },
    )
    checkCertificate(reply.certificatePem, { site, tlsKeyPem, authorityPem })
    writeCertificate(state, reply.certificatePem)
    certificatePem = reply.certificatePem
    wire.change(identityOf({ ...joined, certificatePem }))
    log.info({ expiresAt: expiryOf(certificatePem) }, 'the certificate was renewed')
    onRenewed()
  }

  return {
    async ifDue() {
      if (expiryOf(certificatePem) <= clock.now())
        throw new FederationError(
          'certificate-expired',
          `the certificate of site ${site} has expired: ask for a new join code, and join again in a new state folder`,
        )
      if (renewalDue(certificatePem) <= clock.now()) await renewOnce()
    },
    stop: () => cancelTimer(),
  }
}

export function identityOf({ authorityPem, tlsKeyPem, certificatePem }: JoinedSite): TlsIdentity {
  return { authorityPem, own: { keyPem: tlsKeyPem, certificatePem } }
}

function expiryOf(certificatePem: string): Date {
  return new Date(new X509Certificate(certificatePem).validTo)
}
