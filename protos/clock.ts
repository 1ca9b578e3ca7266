/** Time as everything here takes it: as an argument, so that tests need neither sleep nor wait. */

export type Clock = {
  now(): Date
  /** Calls `fire` once after `delayMs`; returns what cancels it. Any delay is allowed, also beyond 24 days. */
  setTimer(delayMs: number, fire: () => void): () => void
}

/** The machine's own time. A timer keeps the process alive until it has fired or was cancelled. */
export const systemClock: Clock = { now: () => new Date(), setTimer: startTimer }

/** A longer delay makes setTimeout fire at once. */
const timeoutMsMax = 2 ** 31 - 1

function startTimer(delayMs: number, fire: () => void): () => void {
  let timeout: NodeJS.Timeout
  const arm = (leftMs: number) => {
    const stepMs = Math.min(Math.max(leftMs, 0), timeoutMsMax)
    timeout = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : fire()), stepMs)
  }
  arm(delayMs)
  return () => clearTimeout(timeout)
}
