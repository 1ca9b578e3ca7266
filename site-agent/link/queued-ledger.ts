/**
 * An egress ledger whose disk may fail. A message that has something to say stays here until it can be entered. One of a
 * fixed form (this site is there, it works, it refuses with a code) leaves all the same, so that the others need not wait
 * for a full disk: its entry goes to the log at once, and into the ledger, in order, as soon as that takes entries again.
 */
import type { Logger } from 'pino'
import { faultOf } from '../fault.ts'
import type { EgressLedger, EgressRecord } from './link.ts'

export type QueuedLedger = EgressLedger & {
  /** At the end: tries once more, and tells of each entry that the ledger will never hold. */
  close(): void
}

const fixedForm: ReadonlySet<string> = new Set(['hello', 'pong', 'progress', 'refusal', 'transport'])
/** Beyond this nothing leaves any more. */
const waitingMax = 1000

/** `append` throws what the ledger throws, of a message that then must not leave. */
export function queuedLedger(ledger: EgressLedger, log: Pick<Logger, 'info' | 'error'>): QueuedLedger {
  const waiting: EgressRecord[] = []

  function enterWaiting(): void {
    const count = waiting.length
    for (let record = waiting[0]; record; record = waiting[0]) {
      ledger.append(record)
      waiting.shift()
    }
    if (count > 0) log.info({ entries: count }, 'the egress ledger takes entries again and holds those that waited')
  }

  return {
    append(record) {
      try {
        enterWaiting()
        ledger.append(record)
      } catch (error) {
        if (!fixedForm.has(record.kind) || waiting.length >= waitingMax) throw error
        waiting.push(record)
        log.error({ ...record, reason: faultOf(error).message }, 'left before the egress ledger could take its entry')
      }
    },
    close() {
      try {
        enterWaiting()
      } catch (error) {
        const reason = faultOf(error).message
        for (const record of waiting) log.error({ ...record, reason }, 'left, and the egress ledger does not hold it')
      }
    },
  }
}
