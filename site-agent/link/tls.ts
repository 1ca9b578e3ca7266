/**
 * The link's TLS: connects over a plain socket that the egress counter watches, through the proxy's tunnel where there is
 * one. grpc-js takes it as channel credentials.
 */
import { isIP, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { Clock } from '@consilium/protos/clock.ts'
import { type CallCredentials, ChannelCredentials, credentials, type experimental } from '@grpc/grpc-js'
import { splitAddress } from './address.ts'
import type { Egress } from './egress.ts'
import { type HttpProxy, openTunnel } from './proxy.ts'

export type TlsIdentity = {
  /** The one authority that may vouch for the coordinator. */
  readonly authorityPem: string
  /** The site's own key and certificate; absent while it joins. */
  readonly own?: { readonly keyPem: string; readonly certificatePem: string }
}

export type TlsTarget = {
  /** host:port of the coordinator; its certificate must name the host. */
  readonly address: string
  readonly proxy: HttpProxy | undefined
  readonly egress: Egress
  readonly clock: Clock
}

/** From the connected socket to the end of the handshake, the proxy's tunnel included. */
const handshakeMs = 5000

/** Throws where key or certificate cannot be read. */
export function linkCredentials(target: TlsTarget, identity: TlsIdentity): ChannelCredentials {
  return new LinkCredentials(
    target,
    createSecureContext({
      ca: identity.authorityPem,
      minVersion: 'TLSv1.2',
      ...(identity.own ? { key: identity.own.keyPem, cert: identity.own.certificatePem } : {}),
    }),
  )
}

/** TLS over `socket`, which may still have to pass a proxy. Rejects where the certificate does not verify. */
export async function secure(
  socket: Socket,
  { address, proxy, egress }: TlsTarget,
  options: { readonly secureContext?: SecureContext; readonly rejectUnauthorized: boolean },
): Promise<TLSSocket> {
  egress.watch(socket)
  if (proxy) await openTunnel(socket, address, proxy)
  const { host } = splitAddress(address)
  return new Promise((resolve, reject) => {
    // An IP address is checked against the certificate, but must not be sent as a server name (RFC 6066, section 3).
    const connection = connectTls({
      ...options,
      socket,
      host,
      servername: isIP(host) ? '' : host,
      ALPNProtocols: ['h2'],
    })
    const onClose = () => reject(new Error('the connection was closed during the TLS handshake'))
    connection.once('close', onClose)
    connection.on('error', reject)
    socket.on('error', reject)
    connection.once('secureConnect', () => {
      connection.removeListener('close', onClose)
      egress.settle(1)
      resolve(connection)
    })
  })
}

class LinkCredentials extends ChannelCredentials {
  readonly #target: TlsTarget
  readonly #secureContext: SecureContext

  constructor(target: TlsTarget, secureContext: SecureContext) {
    super()
    this.#target = target
    this.#secureContext = secureContext
  }

  override _isSecure(): boolean {
    return true
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other
  }

  /** A coordinator that is killed in mid-handshake may leave the connection open and silent for ever. */
  async #inTime(socket: Socket, options: Parameters<typeof secure>[2]): Promise<TLSSocket> {
    const tooLate = () => socket.destroy(new Error(`no TLS handshake in ${handshakeMs / 1000} s`))
    const cancelTimer = this.#target.clock.setTimer(handshakeMs, tooLate)
    try {
      return await secure(socket, this.#target, options)
    } finally {
      cancelTimer()
    }
  }

  override _createSecureConnector(
    _target: unknown,
    _options: unknown,
    callCredentials?: CallCredentials,
  ): experimental.SecureConnector {
    const options = { secureContext: this.#secureContext, rejectUnauthorized: true }
    return {
      connect: async (socket) => ({ socket: await this.#inTime(socket, options), secure: true }),
      waitForReady: async () => {},
      getCallCredentials: () => callCredentials ?? credentials.createEmpty(),
      destroy: () => {},
    }
  }
}
