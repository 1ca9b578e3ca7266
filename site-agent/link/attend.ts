/**
 * The control stream, held open: a Hello, then messages both ways, and dialled again after every break until nobody wants
 * it any more or the coordinator refuses for good.
 */
import type { Clock } from '@consilium/protos/clock.ts'
import { type ErrorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import type { BackoffSource } from './backoff.ts'
import type { Link, ToCoordinator } from './link.ts'
import { fromCoordinator, toCoordinator } from './messages.ts'
import type { Wire } from './wire.ts'

export type ControlStream = {
  hold(handlers: Parameters<Link['attend']>[0]): Promise<void>
  /** Goes nowhere while the stream is down. */
  send(message: ToCoordinator, study: string): void
  /** Dials again at once, with what identity the wire now has. */
  redial(): void
}

export type ControlStreamOptions = {
  readonly wire: Wire
  readonly agentVersion: string
  readonly clock: Clock
  readonly delays: BackoffSource
  /** Called before each dialling. */
  readonly beforeDial: () => Promise<void>
}

/** What dialling again cannot mend. */
export const finalRefusals: ReadonlySet<ErrorCode> = new Set([
  'certificate-revoked',
  'certificate-expired',
  'unauthenticated',
  'permission-denied',
])

/** A stream that lived this long was a good one: the next dialling comes quickly. */
const goodStreamMs = 500

export function openControlStream({
  wire,
  agentVersion,
  clock,
  delays,
  beforeDial,
}: ControlStreamOptions): ControlStream {
  let sendUp: ((message: ToCoordinator, study: string) => void) | undefined
  let redialling = new AbortController()

  /** One stream from Hello to its end, however that comes; tells since when it was up. */
  async function once({ onUp, onMessage, signal }: Parameters<Link['attend']>[0]): Promise<void> {
    redialling = new AbortController()
    const { sender, done } = wire.duplex(
      federationTypes().Federation.service.Attend,
      {
        onUp() {
          sendUp = (message, study) => sender.send(toCoordinator(message), { kind: message.type, study })
          onUp()
        },
        onReply: (reply) => onMessage(fromCoordinator(reply)),
      },
      AbortSignal.any([signal, redialling.signal]),
    )
    try {
      sender.send({ hello: { agentVersion } }, { kind: 'hello', study: '' })
      await done
    } finally {
      sendUp = undefined
      sender.cancel()
      done.catch(() => {})
    }
  }

  return {
    send: (message, study) => sendUp?.(message, study),
    redial: () => redialling.abort(),
    async hold(handlers) {
      const { signal, onDown } = handlers
      const backoff = delays.start()
      while (!signal.aborted) {
        const generation = wire.generation()
        let upAt: number | undefined
        const onUp = () => {
          upAt = clock.now().getTime()
          delays.wakeAll()
          handlers.onUp()
        }
        let reason = 'the coordinator ended the stream'
        try {
          await beforeDial()
          if (!signal.aborted) await once({ ...handlers, onUp })
        } catch (error) {
          if (!(error instanceof FederationError)) throw error
          if (finalRefusals.has(error.code) && generation === wire.generation()) throw error
          reason = redialling.signal.aborted ? 'the certificate was renewed' : errorMessage(error)
        }
        if (signal.aborted) return
        onDown(reason)
        if (upAt !== undefined && clock.now().getTime() - upAt >= goodStreamMs) backoff.reset()
        if (generation === wire.generation()) await backoff.wait(signal)
      }
    },
  }
}
