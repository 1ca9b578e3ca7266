/**
 * Marks (`data/row-marks.ts`) of the test rows of each study: as they were last read, as they were where an evaluation was
 * worked on, and, for good, of every evaluation that this site masked: whoever masked is in a sum that others may open.
 */
import type { DatabaseSync } from 'node:sqlite'
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { inTransaction } from './database.ts'

export type Marks = { readonly digest: Sha256; readonly marks: Uint8Array }

export type TestRows = {
  /** The rows as this process read them just now. */
  loaded(study: Sha256, marks: Uint8Array): void
  /** Undefined until it has. */
  present(study: Sha256): Marks | undefined
  /** What the work for a plan was done on. */
  worked(planHash: Sha256, study: Sha256, marks: Uint8Array): void
  ofWork(planHash: Sha256): Marks | undefined
  /** From now on what the work for a plan was done on is in a sum. */
  masked(planHash: Sha256): void
  /** Each set once. */
  evaluated(study: Sha256): readonly Marks[]
}

/** Work that was never masked is kept of so many plans. */
const workedMax = 16

export function openTestRows(database: DatabaseSync, now: () => Date): TestRows {
  // What another process read says nothing of what is read here.
  const present = new Map<Sha256, Marks>()
  const work = database.prepare(
    'INSERT OR REPLACE INTO test_rows (plan_hash, study, digest, marks) VALUES (?, ?, ?, ?)',
  )
  const forget = database.prepare(
    `DELETE FROM test_rows WHERE masked_at = '' AND rowid NOT IN
     (SELECT rowid FROM test_rows WHERE masked_at = '' ORDER BY rowid DESC LIMIT ${workedMax})`,
  )
  const ofWork = database.prepare('SELECT * FROM test_rows WHERE plan_hash = ?')
  const mask = database.prepare(`UPDATE test_rows SET masked_at = ? WHERE plan_hash = ? AND masked_at = ''`)
  const dropTwin = database.prepare(
    `DELETE FROM test_rows WHERE plan_hash = ? AND masked_at = '' AND EXISTS (SELECT 1 FROM test_rows AS twin
     WHERE twin.study = test_rows.study AND twin.digest = test_rows.digest AND twin.masked_at <> '')`,
  )
  const evaluated = database.prepare(`SELECT * FROM test_rows WHERE study = ? AND masked_at <> '' ORDER BY rowid`)
  return {
    loaded: (study, marks) => void present.set(study, { digest: sha256Hex(marks), marks }),
    present: (study) => present.get(study),
    worked: (planHash, study, marks) =>
      inTransaction(database, () => {
        work.run(planHash, study, sha256Hex(marks), marks)
        forget.run()
      }),
    ofWork(planHash) {
      const row = ofWork.get(planHash)
      return row && readMarks(row)
    },
    masked: (planHash) =>
      inTransaction(database, () => {
        dropTwin.run(planHash)
        mask.run(now().toISOString(), planHash)
      }),
    evaluated: (study) => evaluated.all(study).map(readMarks),
  }
}

function readMarks(row: Record<string, unknown>): Marks {
  return { digest: String(row.digest), marks: row.marks as Uint8Array }
}
