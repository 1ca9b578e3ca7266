/**
 * One TLS listener: gRPC under the coordinator's certificate (replaced while running), client certificates of its own
 * authority, bounded messages, keepalive, health and reflection. Both servers here stand on it.
 */
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Clock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { messageBytesMax } from '@consilium/protos/limits.ts'
import { experimental, Server, type ServerInterceptor, type ServerOptions } from '@grpc/grpc-js'
import type { PackageDefinition } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation } from 'grpc-health-check'
import type { CertificateAuthority } from '../certificate-authority.ts'

export type Listener = {
  readonly port: number
  /** Refuses new calls, waits for those under way at most `stopMs`, then cuts what is left. */
  stop(): Promise<void>
}

export type ListenerOptions = {
  readonly authority: CertificateAuthority
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly interceptor: ServerInterceptor
  readonly definition: PackageDefinition
  readonly service: string
  readonly addTo: (server: Server) => void
  readonly clock: Clock
}

const streamWindowBytes = 2 * 1024 * 1024
const connectionWindowBytes = 4 * 1024 * 1024
const stopMs = 3000

const serverOptions: ServerOptions = {
  'grpc.max_receive_message_length': messageBytesMax,
  'grpc.max_send_message_length': messageBytesMax,
  'grpc.max_concurrent_streams': 64,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.max_connection_idle_ms': 5 * 60_000,
  'grpc.enable_channelz': 0,
}

export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { authority, host, clock, service } = options
  const server = new Server({ ...serverOptions, interceptors: [options.interceptor] })
  raiseStreamWindow(server)
  const health = new HealthImplementation({ '': 'SERVING', [service]: 'SERVING' })
  health.addToServer(server)
  new ReflectionService(options.definition).addToServer(server)
  options.addTo(server)

  const provider = certificateProvider(authority)
  const credentials = experimental.createCertificateProviderServerCredentials(provider, provider, false)
  const port = await bind(
    server,
    host.includes(':') ? `[${host}]:${options.port}` : `${host}:${options.port}`,
    credentials,
  )
  const sockets = keepSockets(server)
  return {
    port,
    async stop() {
      health.setStatus('', 'NOT_SERVING')
      const cancelTimer = clock.setTimer(stopMs, () => {
        for (const socket of sockets) socket.destroy()
      })
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
      cancelTimer()
    },
  }
}

/** The server's certificate and the authority that client certificates must come from, as grpc-js asks for them. */
function certificateProvider(authority: CertificateAuthority): experimental.CertificateProvider {
  const endings = new Map<experimental.IdentityCertificateUpdateListener, () => void>()
  const caCertificate = Buffer.from(authority.certificatePem)
  return {
    // Told at the next tick, not within the call: until then grpc-js has nobody to pass it on to.
    addCaCertificateListener: (listener) => process.nextTick(() => listener({ caCertificate })),
    removeCaCertificateListener: () => {},
    addIdentityCertificateListener(listener) {
      const tell = () => {
        const { chainPem, keyPem } = authority.serverCertificate()
        listener({ certificate: Buffer.from(chainPem), privateKey: Buffer.from(keyPem) })
      }
      endings.set(listener, authority.onServerCertificate(tell))
      process.nextTick(tell)
    },
    removeIdentityCertificateListener(listener) {
      endings.get(listener)?.()
      endings.delete(listener)
    },
  }
}

function bind(server: Server, address: string, credentials: Parameters<Server['bindAsync']>[1]): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause === null) return resolve(port)
      const message = `cannot listen on ${address}: choose another host or port in coordinator.yaml`
      reject(new FederationError('invalid-argument', message, { cause }))
    })
  })
}

/**
 * grpc-js leaves the receive window of a server at 64 KiB, which makes uploads crawl over long links, and has no option
 * for it: the HTTP/2 settings it will pass to node are changed in place.
 */
function raiseStreamWindow(server: Server): void {
  const http2Options: unknown = Reflect.get(server, 'commonServerOptions')
  if (typeof http2Options !== 'object' || http2Options === null)
    throw new Error('grpc-js keeps its HTTP/2 options elsewhere now')
  const settings: unknown = Reflect.get(http2Options, 'settings')
  Reflect.set(http2Options, 'settings', { ...(settings ?? {}), initialWindowSize: streamWindowBytes })
}

/** The open sockets of a bound server; also raises the receive window of each connection. */
function keepSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  const http2Servers: unknown = Reflect.get(server, 'http2Servers')
  if (!(http2Servers instanceof Map)) throw new Error('grpc-js keeps its HTTP/2 servers elsewhere now')
  for (const http2Server of http2Servers.keys() as Iterable<Http2SecureServer>) {
    http2Server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    http2Server.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(connectionWindowBytes))
  }
  return sockets
}
