/**
 * A TCP relay in front of a server, on a free port: it counts the bytes of each connection in both directions, cuts
 * connections at a given byte, and can delay and slow what passes.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type Direction = 'toServer' | 'toClient'

export type RelayedConnection = { toServer: number; toClient: number; cut: boolean }

/** Cuts a connection once it has passed on exactly so many bytes in that direction. */
export type Cut = { readonly direction: Direction; readonly afterBytes: number }

export type Relay = {
  readonly port: number
  /** Every connection so far, in order. */
  readonly connections: readonly RelayedConnection[]
  /** Bytes passed on in one direction, over all connections. */
  total(direction: Direction): number
  /** Cuts every open connection now. */
  cutAll(): void
  /** Cuts every open connection on the client's side only: the server notices nothing, and what it says gets lost. */
  dropClients(): void
  /** Resolves once no connection is open. */
  quiet(): Promise<void>
  close(): Promise<void>
}

export type RelayOptions = {
  /** Decides for each new connection, by its number from 0 on, where it is cut. */
  readonly cut?: (connection: number) => Cut | undefined
  readonly delayMs?: number
  readonly bytesPerSecond?: number
}

/** `upstreamPort` is asked again for each connection, so that a server may come back on another port. */
export async function startRelay(
  upstreamPort: number | (() => number),
  { cut, delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY }: RelayOptions = {},
): Promise<Relay> {
  const connections: RelayedConnection[] = []
  const open = new Set<() => void>()
  const clients = new Set<Socket>()
  let whenQuiet: (() => void) | undefined

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const counts: RelayedConnection = { toServer: 0, toClient: 0, cut: false }
    const limit = cut?.(connections.length)
    connections.push(counts)
    const port = typeof upstreamPort === 'number' ? upstreamPort : upstreamPort()
    const upstream = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const destroy = () => {
      client.destroy()
      upstream.destroy()
    }
    const cutNow = () => {
      counts.cut = true
      destroy()
    }
    open.add(cutNow)
    clients.add(client)
    client.on('close', () => clients.delete(client))
    let closed = 0
    for (const socket of [client, upstream]) {
      socket.on('error', destroy)
      socket.on('close', () => {
        closed += 1
        if (closed < 2) return
        open.delete(cutNow)
        if (open.size === 0) whenQuiet?.()
      })
    }
    const pump = (from: Socket, to: Socket, direction: Direction) =>
      forward(from, to, { delayMs, bytesPerSecond }, (bytes) => {
        const allowed = limit?.direction === direction ? Math.max(limit.afterBytes - counts[direction], 0) : bytes
        counts[direction] += Math.min(bytes, allowed)
        return { allowed, cutNow }
      })
    pump(client, upstream, 'toServer')
    pump(upstream, client, 'toClient')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    connections,
    total: (direction) => connections.reduce((sum, counts) => sum + counts[direction], 0),
    cutAll() {
      for (const cutNow of [...open]) cutNow()
    },
    dropClients() {
      for (const client of clients) client.destroy()
    },
    async quiet() {
      if (open.size > 0)
        await new Promise<void>((resolve) => {
          whenQuiet = resolve
        })
    },
    async close() {
      for (const cutNow of [...open]) cutNow()
      server.close()
      await once(server, 'close')
    },
  }
}

type Pace = { readonly delayMs: number; readonly bytesPerSecond: number }

/** Passes on what `from` says, in order; `admit` tells how much of the next piece still may. */
function forward(
  from: Socket,
  to: Socket,
  { delayMs, bytesPerSecond }: Pace,
  admit: (bytes: number) => { readonly allowed: number; readonly cutNow: () => void },
): void {
  let freeAt = 0
  const pass = (piece: Buffer) => {
    if (to.destroyed) return
    const { allowed, cutNow } = admit(piece.length)
    if (allowed < piece.length) return void to.write(piece.subarray(0, allowed), cutNow)
    if (!to.write(piece)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  }
  const later = (bytes: number, act: () => void) => {
    if (delayMs === 0 && bytesPerSecond === Number.POSITIVE_INFINITY) return act()
    freeAt = Math.max(freeAt, Date.now()) + (bytes / bytesPerSecond) * 1000
    setTimeout(act, freeAt + delayMs - Date.now())
  }
  from.on('data', (piece: Buffer) => later(piece.length, () => pass(piece)))
  from.on('end', () => later(0, () => to.end()))
}
