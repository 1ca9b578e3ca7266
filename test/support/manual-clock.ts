/** A clock that moves only when a test says so; timers fire in the order of their due times. */
import type { Clock } from '@consilium/protos/clock.ts'

export type ManualClock = Clock & {
  advance(byMs: number): void
  /** Delays of the timers that are set, shortest first. */
  pendingMs(): readonly number[]
}

export function manualClock(start: Date = new Date()): ManualClock {
  let nowMs = start.getTime()
  const timers = new Set<{ readonly atMs: number; readonly fire: () => void }>()
  return {
    now: () => new Date(nowMs),
    setTimer(delayMs, fire) {
      const timer = { atMs: nowMs + Math.max(delayMs, 0), fire }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(byMs) {
      const untilMs = nowMs + byMs
      for (;;) {
        const due = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!due) break
        timers.delete(due)
        nowMs = Math.max(nowMs, due.atMs)
        due.fire()
      }
      nowMs = untilMs
    },
    pendingMs: () => [...timers].map(({ atMs }) => atMs - nowMs).sort((a, b) => a - b),
  }
}
