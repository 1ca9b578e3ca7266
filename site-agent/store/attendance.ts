/** Whether the agent attends just now and why not, for `site-agent status`: one row, changed when that changes. */
import type { DatabaseSync } from 'node:sqlite'

export type AttendanceState = 'attending' | 'away' | 'refused'

/** `at` is since when, ISO 8601; `reason` is empty while the agent attends. */
export type AttendanceRecord = { readonly state: AttendanceState; readonly at: string; readonly reason: string }

export type AttendanceStore = {
  /** Keeps the time of an earlier entry in the same state: how often an agent dials in vain says little. */
  set(state: AttendanceState, reason?: string): void
  /** Undefined where no agent has dialled from here yet. */
  latest(): AttendanceRecord | undefined
}

export function openAttendance(database: DatabaseSync, now: () => Date): AttendanceStore {
  const select = database.prepare('SELECT * FROM attendance')
  const upsert = database.prepare('INSERT OR REPLACE INTO attendance (id, state, at, reason) VALUES (1, ?, ?, ?)')
  const latest = () => {
    const row = select.get()
    return row && { state: String(row.state) as AttendanceState, at: String(row.at), reason: String(row.reason) }
  }
  return {
    set(state, reason = '') {
      const known = latest()
      if (known?.state === state && known.reason === reason) return
      upsert.run(state, known?.state === state ? known.at : now().toISOString(), reason)
    },
    latest,
  }
}
