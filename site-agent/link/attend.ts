/**
 * The control stream, held open: a Hello, then messages both ways, and dialled again after every break until nobody wants
 * it any more or the coordinator refuses for good. Where another agent attends for this site, it is dialled again slowly.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '@consilium/protos/clock.ts'
import { type ErrorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { earlierStreamsMax, streamNonceBytes } from '@consilium/protos/limits.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import { roundPlanFormat } from '@consilium/protos/plan/round-plan.ts'
import type { BackoffSource, Pace } from './backoff.ts'
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

/** While another agent attends for this site: it may be stopped, and until then each attempt only disturbs. */
const besideAnother: Pace = { firstMs: 5000, mostMs: 60_000 }

export function openControlStream({
  wire,
  agentVersion,
  clock,
  delays,
  beforeDial,
}: ControlStreamOptions): ControlStream {
  let sendUp: ((message: ToCoordinator, study: string) => void) | undefined
  let redialling = new AbortController()
  /** Nonces of the streams dialled before. In memory only: whoever copies this site's folders shall not have them. */
  let earlier: readonly Buffer[] = []

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
        onReply(reply) {
          const message = fromCoordinator(reply)
          if (message.type === 'ping') sender.send({ pong: {} }, { kind: 'pong', study: '' })
          else onMessage(message)
        },
      },
      AbortSignal.any([signal, redialling.signal]),
    )
    const nonce = randomBytes(streamNonceBytes)
    try {
      const hello = { agentVersion, nonce, earlier: [...earlier], planFormat: roundPlanFormat }
      sender.send({ hello }, { kind: 'hello', study: '' })
      await done
    } finally {
      earlier = [...earlier, nonce].slice(-earlierStreamsMax)
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
      const slowBackoff = delays.start(besideAnother)
      while (!signal.aborted) {
        const generation = wire.generation()
        let upAt: number | undefined
        const onUp = () => {
          upAt = clock.now().getTime()
          delays.wakeAll()
          handlers.onUp()
        }
        let reason = 'the coordinator ended the stream'
        let code: ErrorCode | undefined
        try {
          await beforeDial()
          if (!signal.aborted) await once({ ...handlers, onUp })
        } catch (error) {
          if (!(error instanceof FederationError)) throw error
          if (finalRefusals.has(error.code) && generation === wire.generation()) throw error
          reason = redialling.signal.aborted ? 'the certificate was renewed' : errorMessage(error)
          code = error.code
        }
        if (signal.aborted) return
        onDown(reason, code)
        if (code === 'already-attending' || code === 'version-unsupported') {
          await slowBackoff.wait(signal)
          continue
        }
        slowBackoff.reset()
        if (upAt !== undefined && clock.now().getTime() - upAt >= goodStreamMs) backoff.reset()
        if (generation === wire.generation()) await backoff.wait(signal)
      }
    },
  }
}
