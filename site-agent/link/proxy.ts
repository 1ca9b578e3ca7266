/**
 * The way out through a hospital's HTTP proxy: which one the environment names for an address, and the CONNECT tunnel
 * through it (RFC 9110, section 9.3.6). Upper- and lower-case variables count, as curl reads them.
 */
import { isIP, type Socket } from 'node:net'
import { FederationError } from '@consilium/protos/errors.ts'
import { splitAddress } from './address.ts'

/** `address` is host:port; `credentials` is user:password. */
export type HttpProxy = { readonly address: string; readonly credentials?: string }

export type Environment = Readonly<Record<string, string | undefined>>

const responseBytesMax = 16 * 1024

/** The proxy for a host:port, or undefined to dial it directly. Throws `invalid-site-config` for a proxy it cannot use. */
export function proxyFor(address: string, environment: Environment): HttpProxy | undefined {
  const text = environment.https_proxy || environment.HTTPS_PROXY
  if (!text || isExcepted(address, environment.no_proxy || environment.NO_PROXY || '')) return undefined
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url?.protocol !== 'http:' || url.hostname === '')
    throw new FederationError('invalid-site-config', 'https_proxy must name an http:// proxy: http://host:port')
  const user = decodeURIComponent(url.username)
  return {
    address: `${url.hostname}:${url.port || '80'}`,
    ...(user === '' ? {} : { credentials: `${user}:${decodeURIComponent(url.password)}` }),
  }
}

/** A list like "localhost, .hospital.example, 10.1.2.3": names with all below them, addresses, host:port, or `*`. */
function isExcepted(address: string, exceptions: string): boolean {
  const { host, port } = splitAddress(address)
  return exceptions
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .toLowerCase()
        .replace(/^\*?\./, ''),
    )
    .filter((entry) => entry !== '')
    .some((entry) => {
      const named = entry === '*' || entry === host || entry === address
      return named || (!isIP(host) && (host.endsWith(`.${entry}`) || `${host}:${port}`.endsWith(`.${entry}`)))
    })
}

/** Asks the proxy at the other end of `socket` for a tunnel to `address`; the socket is then the tunnel. */
export async function openTunnel(socket: Socket, address: string, proxy: HttpProxy): Promise<void> {
  const lines = [`CONNECT ${address} HTTP/1.1`, `Host: ${address}`]
  if (proxy.credentials !== undefined)
    lines.push(`Proxy-Authorization: Basic ${Buffer.from(proxy.credentials).toString('base64')}`)
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(await readHead(socket, proxy))?.[1]
  if (status !== '200')
    throw new FederationError(
      'link-down',
      `the proxy ${proxy.address} refused a tunnel to ${address} (status ${status ?? 'unreadable'}): ask for it to be allowed`,
    )
}

function readHead(socket: Socket, proxy: HttpProxy): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    const finish = (error?: FederationError) => {
      socket.removeListener('data', onData)
      socket.removeListener('close', onClose)
      socket.removeListener('error', onClose)
      socket.pause()
      if (error) reject(error)
      else resolve(head.toString('latin1'))
    }
    const onClose = () =>
      finish(new FederationError('link-down', `the proxy ${proxy.address} closed the connection without an answer`))
    const onData = (data: Buffer) => {
      head = Buffer.concat([head, data])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0 && head.length <= responseBytesMax) return
      const rest = head.subarray(end + 4)
      if (end >= 0 && rest.length > 0) socket.unshift(rest)
      finish(end < 0 ? new FederationError('link-down', `the proxy ${proxy.address} does not speak HTTP`) : undefined)
    }
    socket.on('data', onData)
    socket.once('close', onClose)
    socket.once('error', onClose)
  })
}
