/**
 * How far the work for a plan has come: in full to the listener, at most five times a second; to the coordinator in quarters
 * of the whole, once a second and at each new one, and only where it moved on. What is told while the line is down goes
 * nowhere, so it is told again when the line is back.
 */
import type { Assignment } from './assignment.ts'
import { inRound } from './events.ts'
import type { Site } from './site.ts'

export type WorkProgress = {
  /** So much of the whole is done. */
  done(done: number, total: number): void
  /** More of what the work needs has arrived. */
  downloaded(): void
  /** The line is back, which was lost at `lostAtMs` (epoch milliseconds). */
  again(lostAtMs: number): void
}

const listenerIntervalMs = 200
const intervalMs = 1000
/** A download says less, and takes longer on the lines on which that matters. */
const downloadIntervalMs = 10_000

export function workProgress(
  { planHash, plan, study }: Assignment,
  site: Pick<Site, 'link' | 'emit' | 'now'>,
): WorkProgress {
  let movedAtMs = Number.NEGATIVE_INFINITY
  let saidAtMs = Number.NEGATIVE_INFINITY
  let emittedAtMs = Number.NEGATIVE_INFINITY
  let quarters = 0

  function say(): void {
    saidAtMs = movedAtMs
    site.link.send({ type: 'progress', planHash, quarters }, study.hash)
  }

  return {
    done(done, total) {
      movedAtMs = site.now().getTime()
      const before = quarters
      quarters = total > 0 ? Math.floor((4 * done) / total) : 0
      if (quarters !== before || movedAtMs - saidAtMs >= intervalMs) say()
      if (done < total && movedAtMs - emittedAtMs < listenerIntervalMs) return
      emittedAtMs = movedAtMs
      site.emit({ type: 'progress', ...inRound(planHash, plan), done, total })
    },
    downloaded() {
      movedAtMs = site.now().getTime()
      if (movedAtMs - saidAtMs >= downloadIntervalMs) say()
    },
    again(lostAtMs) {
      if (movedAtMs >= lostAtMs) say()
    },
  }
}
