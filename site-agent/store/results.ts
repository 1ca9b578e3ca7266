/**
 * What rounds of a run made, as far as this site goes on with it: it verified the sum itself, or enough others that it has
 * pinned signed that they did (fedsum, section E.3). Nothing else is taken for the model or the standardisation of a run.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Purpose, RunId, Sha256 } from '@consilium/protos/plan/names.ts'

export type AcceptedResult = {
  /** Of the round that made it. */
  readonly planHash: Sha256
  readonly run: RunId
  readonly purpose: Exclude<Purpose, 'evaluate'>
  /** SHA-256 of the unmasked vectors. */
  readonly sums: Sha256
  /** SHA-256 of the global parameters, or of the standardisation. */
  readonly made: Sha256
  readonly how: 'verified' | 'signed'
}

export type Results = {
  /** Once for each plan; a later word on it changes nothing. */
  accept(result: AcceptedResult): void
  find(planHash: Sha256): AcceptedResult | undefined
  /** Whether a round of this run made it. */
  isAccepted(run: RunId, purpose: AcceptedResult['purpose'], made: Sha256): boolean
  /**
   * Whether these are global parameters that a run made, in any run that this site was in: it made them itself from a sum that
   * it verified, or took them over by the signatures of enough others that had.
   */
  isFromRun(parameters: Sha256): boolean
  /** How often this site changed between being in the training sums of a run and not. */
  comingsAndGoings(run: RunId): number
  /** The round counts as failed: nothing goes on from what it made. */
  forget(planHash: Sha256): void
  /** Parameters that the next round of a run which is not over may start from: the newest of each. */
  modelsInUse(): readonly Sha256[]
}

export function openResults(database: DatabaseSync, now: () => Date): Results {
  const insert = database.prepare(
    `INSERT OR IGNORE INTO results (plan_hash, run, purpose, sums, made, how, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const byPlan = database.prepare('SELECT * FROM results WHERE plan_hash = ?')
  const byMade = database.prepare('SELECT 1 FROM results WHERE run = ? AND purpose = ? AND made = ?')
  const byModel = database.prepare(`SELECT 1 FROM results WHERE purpose = 'train' AND made = ?`)
  const remove = database.prepare('DELETE FROM results WHERE plan_hash = ?')
  const history = database.prepare(`SELECT how FROM results WHERE run = ? AND purpose = 'train' ORDER BY rowid`)
  const newest = database.prepare(
    `SELECT made FROM results WHERE run NOT IN (SELECT run FROM runs_over)
       AND rowid IN (SELECT max(rowid) FROM results WHERE purpose = 'train' GROUP BY run)`,
  )
  return {
    accept: ({ planHash, run, purpose, sums, made, how }) =>
      void insert.run(planHash, run, purpose, sums, made, how, now().toISOString()),
    find(planHash) {
      const row = byPlan.get(planHash)
      return row && readResult(row)
    },
    isAccepted: (run, purpose, made) => byMade.get(run, purpose, made) !== undefined,
    isFromRun: (parameters) => byModel.get(parameters) !== undefined,
    comingsAndGoings(run) {
      const how = history.all(run).map((row) => row.how)
      return how.filter((each, i) => i > 0 && each !== how[i - 1]).length
    },
    forget: (planHash) => void remove.run(planHash),
    modelsInUse: () => newest.all().map((row) => String(row.made)),
  }
}

function readResult(row: Record<string, unknown>): AcceptedResult {
  return {
    planHash: String(row.plan_hash),
    run: String(row.run),
    purpose: row.purpose as AcceptedResult['purpose'],
    sums: String(row.sums),
    made: String(row.made),
    how: row.how as AcceptedResult['how'],
  }
}
