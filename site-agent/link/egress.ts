/**
 * The site's count of what leaves it. Every message is entered in the egress ledger, serialised, before it goes; and every
 * socket the link opens is watched, because TLS and HTTP/2 add bytes of their own around the messages (handshakes, frame
 * headers, acknowledgements, pings). What the sockets wrote beyond the messages is entered as `transport`: when a
 * connection is up, whenever it amounts to 4 KiB, and when a connection closes. So the ledger's sum is exactly what a
 * counter in front of the coordinator sees, once all connections are closed. A message cut off on its way stays entered
 * whole: then the ledger may show more than left, never less.
 */
import type { Socket } from 'node:net'
import type { Clock } from '@consilium/protos/clock.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { EgressLedger } from './link.ts'

export type Egress = {
  /** Enters one serialised message, about to be sent. `study` is a hash, or empty. */
  enter(kind: string, study: string, message: Uint8Array): void
  /** Counts what a connected socket writes, from its first byte to its last. One that comes after the end is cut. */
  watch(socket: Socket): void
  /** Enters what the connections carried beside the messages, where it is at least `bytesMin`. */
  settle(bytesMin?: number): void
  /** Resolves once every watched socket is closed; those still open after `graceMs` are cut. */
  allClosed(graceMs: number): Promise<void>
}

/** Not worth an entry while connections are open. */
const transportBytesMin = 4096
/** Transport bytes are ciphertext around the messages; what they mean is entered with the messages. */
const noMessage = sha256Hex(new Uint8Array())

export function openEgress(ledger: EgressLedger, clock: Clock): Egress {
  const open = new Set<Socket>()
  let writtenByClosed = 0
  let entered = 0
  let whenClosed: (() => void) | undefined
  let hasEnded = false

  function append(kind: string, study: string, bytes: number, sha256: string): void {
    ledger.append({ at: clock.now().toISOString(), kind, study, bytes, sha256 })
    entered += bytes
  }
  function settle(bytesMin = transportBytesMin): void {
    let written = writtenByClosed
    for (const socket of open) written += socket.bytesWritten
    if (written - entered >= bytesMin) append('transport', '', written - entered, noMessage)
  }
  return {
    enter: (kind, study, message) => append(kind, study, message.length, sha256Hex(message)),
    settle,
    watch(socket) {
      if (hasEnded) return void socket.destroy()
      open.add(socket)
      socket.once('close', () => {
        open.delete(socket)
        writtenByClosed += socket.bytesWritten
        settle(1)
        if (open.size === 0) whenClosed?.()
      })
    },
    async allClosed(graceMs) {
      hasEnded = true
      if (open.size === 0) return
      const cancelTimer = clock.setTimer(graceMs, () => {
        for (const socket of open) socket.destroy()
      })
      await new Promise<void>((resolve) => {
        whenClosed = resolve
      })
      cancelTimer()
    },
  }
}
