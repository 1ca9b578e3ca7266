/** A transfer that is tried until it is through: what breaks it off and passes again does not end it. */
import { type ErrorCode, errorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { Logger } from 'pino'
import { finalRefusals } from './attend.ts'
import type { BackoffSource } from './backoff.ts'
import type { Wire } from './wire.ts'

/**
 * What a transfer meets when the coordinator or the way to it is in trouble, not the transfer itself. An offset may be
 * outdated when it arrives: the coordinator was still storing what a broken connection had brought.
 */
const passing: ReadonlySet<ErrorCode> = new Set([
  'link-down',
  'cancelled',
  'store-failed',
  'rate-limited',
  'internal',
  'offset-mismatch',
])

/**
 * Runs `attempt` until it succeeds; it tells of progress, after which the next delay is short again. Rejects with
 * `cancelled` once `signal` aborts, or with what the coordinator refuses. An upload whose bytes arrived damaged
 * (`hash-mismatch`) is dropped by the coordinator, and may start anew `anewMax` times.
 */
export async function persist<Result>(
  { wire, delays, log }: { readonly wire: Wire; readonly delays: BackoffSource; readonly log: Logger },
  signal: AbortSignal,
  attempt: (onProgress: () => void) => Promise<Result>,
  anewMax = 0,
): Promise<Result> {
  const backoff = delays.start()
  let anewLeft = anewMax
  for (;;) {
    const generation = wire.generation()
    try {
      return await attempt(() => backoff.reset())
    } catch (error) {
      if (signal.aborted) throw new FederationError('cancelled', 'the transfer was called off', { cause: error })
      const code = errorCode(error)
      // Refused under a certificate that has been replaced meanwhile: the new one may do.
      const isOutdated = finalRefusals.has(code) && generation !== wire.generation()
      const isAnew = code === 'hash-mismatch' && anewLeft-- > 0
      if (!(error instanceof FederationError) || !(passing.has(code) || isOutdated || isAnew)) throw error
      log.debug({ code, reason: errorMessage(error) }, 'a transfer broke off and is tried again')
      await backoff.wait(signal)
    }
  }
}
