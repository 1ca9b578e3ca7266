/**
 * Trying again: delays that start small, so that a coordinator restarting costs little, grow to five seconds (well below
 * the time after which a round goes on without a site), and are jittered, so that a hundred sites do not come back at once.
 */
import type { Clock } from '@consilium/protos/clock.ts'

export type Backoff = {
  /** Waits before the next attempt, longer each time; ends early when woken or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void>
  /** The last attempt got somewhere: the next delay is the first again. */
  reset(): void
}

export type BackoffSource = {
  start(pace?: Pace): Backoff
  /** Ends all waiting now: the coordinator is there again. */
  wakeAll(): void
}

/** The first delay and the longest. */
export type Pace = { readonly firstMs: number; readonly mostMs: number }

const quick: Pace = { firstMs: 100, mostMs: 5000 }

/** `random` yields numbers from 0 up to 1. */
export function backoffs(clock: Clock, random: () => number): BackoffSource {
  const waiting = new Set<() => void>()
  return {
    start({ firstMs, mostMs } = quick) {
      let delayMs = firstMs
      return {
        reset() {
          delayMs = firstMs
        },
        wait(signal) {
          const jitteredMs = delayMs * (0.5 + random() / 2)
          delayMs = Math.min(delayMs * 2, mostMs)
          return new Promise((resolve) => {
            const done = () => {
              cancelTimer()
              signal.removeEventListener('abort', done)
              waiting.delete(done)
              resolve()
            }
            const cancelTimer = clock.setTimer(jitteredMs, done)
            signal.addEventListener('abort', done)
            waiting.add(done)
            if (signal.aborted) done()
          })
        },
      }
    },
    wakeAll() {
      for (const done of [...waiting]) done()
    },
  }
}
