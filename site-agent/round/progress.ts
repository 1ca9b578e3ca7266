/**
 * How far the work for a plan has come: told to the listener and the coordinator at most five times a second, and only
 * where it moved on. What is told while the line is down goes nowhere, so it is told again when the line is back.
 */
import { type Assignment, inRound, type Site } from './site.ts'

export type WorkProgress = {
  /** So much of the whole is done. */
  done(done: number, total: number): void
  /** More of what the work needs has arrived. */
  downloaded(): void
  /** The line is back, which was lost at `lostAtMs` (epoch milliseconds). */
  again(lostAtMs: number): void
}

const intervalMs = 200
/** A download says less, and takes longer on the lines on which that matters. */
const downloadIntervalMs = 10_000

export function workProgress(
  { planHash, plan, study }: Assignment,
  site: Pick<Site, 'link' | 'emit' | 'now'>,
): WorkProgress {
  let movedAtMs = Number.NEGATIVE_INFINITY
  let saidAtMs = Number.NEGATIVE_INFINITY
  let permille = 0

  function say(): void {
    saidAtMs = movedAtMs
    site.link.send({ type: 'progress', planHash, permille }, study.hash)
  }

  return {
    done(done, total) {
      movedAtMs = site.now().getTime()
      permille = total > 0 ? Math.floor((1000 * done) / total) : 0
      if (done < total && movedAtMs - saidAtMs < intervalMs) return
      say()
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
