/** The way out through a corporate HTTP proxy: which addresses take it, and that everything does. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { systemClock } from '@consilium/protos/clock.ts'
import { openLink } from '@consilium/site-agent/link/grpc-link.ts'
import { joinFederation } from '@consilium/site-agent/link/join.ts'
import { proxyFor } from '@consilium/site-agent/link/proxy.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryLedger, silent, startWireFixture, type WireFixture } from '../../support/wire-fixture.ts'

describe('which proxy', () => {
  const proxy = { address: 'proxy.example:3128' }
  test.for([
    { environment: {}, is: undefined },
    { environment: { https_proxy: 'http://proxy.example:3128' }, is: proxy },
    { environment: { HTTPS_PROXY: 'http://proxy.example:3128/' }, is: proxy },
    { environment: { HTTPS_PROXY: 'proxy.example:3128' }, is: proxy },
    { environment: { https_proxy: 'http://proxy.example' }, is: { address: 'proxy.example:80' } },
    {
      environment: { https_proxy: 'http://user:p%40ss@proxy.example:3128' },
      is: { ...proxy, credentials: 'user:p@ss' },
    },
    { environment: { http_proxy: 'http://proxy.example:3128' }, is: undefined },
    { environment: { https_proxy: 'http://proxy.example:3128', no_proxy: 'fl.hospital.example' }, is: undefined },
    {
      environment: { https_proxy: 'http://proxy.example:3128', NO_PROXY: 'localhost, .hospital.example' },
      is: undefined,
    },
    { environment: { https_proxy: 'http://proxy.example:3128', no_proxy: 'hospital.example:8443' }, is: undefined },
    { environment: { https_proxy: 'http://proxy.example:3128', no_proxy: '*' }, is: undefined },
    { environment: { https_proxy: 'http://proxy.example:3128', no_proxy: 'spital.example,' }, is: proxy },
  ])('$environment', ({ environment, is }) => {
    expect(proxyFor('fl.hospital.example:8443', environment)).toEqual(is)
  })

  test.for(['https://proxy.example:3128', 'socks5://proxy.example', 'http://'])('%s cannot be used', (https_proxy) => {
    expect(() => proxyFor('fl.example:8443', { https_proxy })).toThrow(
      expect.objectContaining({ code: 'invalid-site-config' }),
    )
  })
})

describe('through a proxy', () => {
  let wire: WireFixture
  let proxy: Awaited<ReturnType<typeof startProxy>>
  beforeEach(async () => {
    wire = await startWireFixture()
    proxy = await startProxy('user:secret')
  })
  afterEach(async () => {
    await wire.stop()
    proxy.close()
  })

  test('a site joins and calls, and the coordinator is dialled by the proxy alone', async () => {
    const environment = { HTTPS_PROXY: `http://user:secret@127.0.0.1:${proxy.port}` }
    const ledger = memoryLedger()
    const options = { ledger, clock: systemClock, environment }
    const joined = await joinFederation({ ...options, code: wire.codeFor('site-a'), state: wire.stateOf('site-a') })
    const link = openLink({ ...options, joined, agentVersion: 'test', log: silent })
    expect(await link.studies()).toHaveLength(2)
    await link.close()
    expect(proxy.tunnels).toEqual(Array(3).fill(`127.0.0.1:${wire.server.port}`))
    expect(ledger.total()).toBe(proxy.received())
  })

  test('a proxy that refuses is named, with its status', async () => {
    const environment = { https_proxy: `http://127.0.0.1:${proxy.port}` }
    const joining = joinFederation({
      code: wire.codeFor('site-a'),
      state: wire.stateOf('site-a'),
      ledger: memoryLedger(),
      clock: systemClock,
      environment,
    })
    await expect(joining).rejects.toMatchObject({
      code: 'link-down',
      message: expect.stringMatching(`127.0.0.1:${proxy.port} refused a tunnel .*407`),
    })
    await expect(joining).rejects.not.toMatchObject({ message: expect.stringContaining('secret') })
  })
})

/** A CONNECT proxy that wants these credentials; counts what clients send it. */
async function startProxy(credentials: string) {
  const tunnels: string[] = []
  const sockets: Socket[] = []
  const server = createServer()
  server.on('connection', (socket: Socket) => sockets.push(socket))
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => {})
    const wanted = `Basic ${Buffer.from(credentials).toString('base64')}`
    if (request.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    tunnels.push(request.url!)
    const [host, port] = request.url!.split(':')
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: a proxy\r\n\r\n')
      upstream.write(head)
      socket.pipe(upstream).pipe(socket)
    })
    upstream.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    tunnels,
    received: () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
