/**
 * What this site takes no part in until a person here has looked (fedsum, section E.1): one purpose of a study after a fault
 * of its trainer or its data, a whole study after a sum with too few contributors. Entries are resumed, never deleted.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { durably } from './database.ts'

export type StandOut = {
  readonly study: Sha256
  /** `all`: every round of the study. */
  readonly purpose: 'statistics' | 'evaluate' | 'all'
  readonly code: ErrorCode
  readonly reason: string
  readonly at: string
}

export type StandOuts = {
  /** Holds once this returns; where the site stands out of this already, nothing changes. */
  add(standOut: Omit<StandOut, 'at'>): void
  /** Oldest first; of one study where a hash is given. */
  list(study?: Sha256): readonly StandOut[]
  /** A person here has looked: the site takes part again. Returns what it stood out of. */
  resume(study: Sha256, account: string): readonly StandOut[]
}

export function openStandOuts(database: DatabaseSync, now: () => Date): StandOuts {
  const insert = database.prepare(
    `INSERT INTO stand_outs (study, purpose, code, reason, at) SELECT ?, ?, ?, ?, ?
     WHERE NOT EXISTS (SELECT 1 FROM stand_outs WHERE study = ? AND purpose = ? AND resumed_at = '')`,
  )
  const open = database.prepare(`SELECT * FROM stand_outs WHERE resumed_at = '' AND ? IN ('', study) ORDER BY seq`)
  const close = database.prepare(
    `UPDATE stand_outs SET resumed_at = ?, account = ? WHERE study = ? AND resumed_at = ''`,
  )
  const list = (study = '') => open.all(study).map(readStandOut)
  return {
    add: ({ study, purpose, code, reason }) =>
      void durably(database, () => insert.run(study, purpose, code, reason, now().toISOString(), study, purpose)),
    list,
    resume(study, account) {
      const stood = list(study)
      durably(database, () => close.run(now().toISOString(), account, study))
      return stood
    },
  }
}

function readStandOut(row: Record<string, unknown>): StandOut {
  return {
    study: String(row.study),
    purpose: row.purpose as StandOut['purpose'],
    code: row.code as ErrorCode,
    reason: String(row.reason),
    at: String(row.at),
  }
}
