/**
 * How far the work for a plan has come: in full to the listener, at most five times a second; to the coordinator in quarters
 * of the whole, once a second and at each new one, and only where it moved on. Every quarter is told, from 0 to 4 and never
 * back, however many were done at once, and whether or not the work got there: a quarter that is missing, or an earlier one
 * that comes again, would tell of the number of steps, of rows, of training that diverged or failed. What is told while the
 * line is down goes nowhere, so it is told again when the line is back.
 */
import type { Assignment } from './assignment.ts'
import { inRound } from './events.ts'
import type { Site } from './site.ts'

export type WorkProgress = {
  /** So much of the whole is done. */
  done(done: number, total: number): void
  /** More of what the work needs has arrived. */
  downloaded(): void
  /** The work is over, however it ended. */
  finished(): void
  /** The line is back, which was lost at `lostAtMs` (epoch milliseconds). */
  again(lostAtMs: number): void
}

const quartersMax = 4
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
  let said: number | undefined

  function say(quarters: number): void {
    said = quarters
    saidAtMs = movedAtMs
    site.link.send({ type: 'progress', planHash, quarters }, study.hash)
  }

  function sayUpTo(quarters: number): void {
    for (let next = said === undefined ? 0 : said + 1; next <= quarters; next++) say(next)
  }

  return {
    done(done, total) {
      movedAtMs = site.now().getTime()
      sayUpTo(total > 0 ? Math.floor((quartersMax * done) / total) : 0)
      if (movedAtMs - saidAtMs >= intervalMs) say(said ?? 0)
      if (done < total && movedAtMs - emittedAtMs < listenerIntervalMs) return
      emittedAtMs = movedAtMs
      site.emit({ type: 'progress', ...inRound(planHash, plan), done, total })
    },
    downloaded() {
      movedAtMs = site.now().getTime()
      if (movedAtMs - saidAtMs >= downloadIntervalMs) say(said ?? 0)
    },
    finished() {
      movedAtMs = site.now().getTime()
      sayUpTo(quartersMax)
    },
    again(lostAtMs) {
      if (movedAtMs >= lostAtMs) say(said ?? 0)
    },
  }
}
