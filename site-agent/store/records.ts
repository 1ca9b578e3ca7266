/**
 * What the site's people want to read later: what each check of the data found, what the agent refused and why, and how
 * well each global model did on the site's own test rows.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { RunId, Sha256 } from '@consilium/protos/plan/names.ts'
import type { DataSummary } from '../train/trainer.ts'

export type DataCheck = {
  readonly study: Sha256
  readonly at: string
  /** Absent where the check failed. */
  readonly summary?: DataSummary
  /** Error code and message of a failed check. */
  readonly failure?: { readonly code: string; readonly message: string }
  /** What the data are, where they could be read: that of the summary, or what was too few. */
  readonly found?: DataSummary
}

export type RefusalRecord = {
  readonly at: string
  /** Empty where the study, not a round, was refused. */
  readonly planHash: string
  readonly study: string
  readonly code: string
  readonly reason: string
}

/** What a global model reached on this site's test rows. It stays here. */
export type LocalEvaluation = {
  readonly planHash: Sha256
  readonly run: RunId
  readonly round: number
  readonly study: Sha256
  /** Test rows. */
  readonly examples: number
  /** Mean loss; absent without test rows. */
  readonly loss?: number
  /** Share of rows classified right; absent without test rows or classes. */
  readonly accuracy?: number
  readonly at: string
}

export type Records = {
  dataChecked(check: Omit<DataCheck, 'at'>): void
  /** The last check of this site's data against a study. */
  dataCheckOf(study: Sha256): DataCheck | undefined
  refused(refusal: Omit<RefusalRecord, 'at'>): void
  /** Why a plan was refused here, if it was. */
  refusalOf(planHash: Sha256): RefusalRecord | undefined
  /** Newest first. */
  refusals(limit: number): readonly RefusalRecord[]
  evaluated(evaluation: Omit<LocalEvaluation, 'at'>): void
  /** Newest first. */
  evaluations(limit: number): readonly LocalEvaluation[]
}

export function openRecords(database: DatabaseSync, now: () => Date): Records {
  const insertCheck = database.prepare(
    'INSERT OR REPLACE INTO data_checks (study, checked_at, code, message, summary) VALUES (?, ?, ?, ?, ?)',
  )
  const checkOf = database.prepare('SELECT * FROM data_checks WHERE study = ?')
  const insertRefusal = database.prepare(
    'INSERT INTO refusals (at, plan_hash, study, code, reason) VALUES (?, ?, ?, ?, ?)',
  )
  const refusalOfPlan = database.prepare('SELECT * FROM refusals WHERE plan_hash = ? ORDER BY seq DESC LIMIT 1')
  const latest = database.prepare('SELECT * FROM refusals ORDER BY seq DESC LIMIT ?')
  const insertEvaluation = database.prepare(
    'INSERT OR REPLACE INTO evaluations (plan_hash, run, round, study, examples, loss, accuracy, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const latestEvaluations = database.prepare('SELECT * FROM evaluations ORDER BY rowid DESC LIMIT ?')
  const dataCheckOf = (study: Sha256): DataCheck | undefined => {
    const row = checkOf.get(study)
    if (!row) return undefined
    const found = row.summary ? (JSON.parse(String(row.summary)) as DataSummary) : undefined
    const code = String(row.code)
    return {
      study,
      at: String(row.checked_at),
      ...(code ? { failure: { code, message: String(row.message) } } : found && { summary: found }),
      ...(found && { found }),
    }
  }
  return {
    dataChecked({ study, summary, failure, found: given = summary }) {
      // A trial is made by hand; what it showed holds until another one.
      const { zeroShare } = dataCheckOf(study)?.found ?? {}
      const found = given && { ...(zeroShare !== undefined && { zeroShare }), ...given }
      insertCheck.run(
        study,
        now().toISOString(),
        failure?.code ?? '',
        failure?.message ?? '',
        found ? JSON.stringify(found) : '',
      )
    },
    dataCheckOf,
    refused: ({ planHash, study, code, reason }) =>
      void insertRefusal.run(now().toISOString(), planHash, study, code, reason),
    refusalOf: (planHash) => {
      const row = refusalOfPlan.get(planHash)
      return row && readRefusal(row)
    },
    refusals: (limit) => latest.all(limit).map(readRefusal),
    evaluated({ planHash, run, round, study, examples, loss, accuracy }) {
      const at = now().toISOString()
      insertEvaluation.run(planHash, run, round, study, examples, loss ?? null, accuracy ?? null, at)
    },
    evaluations: (limit) => latestEvaluations.all(limit).map(readEvaluation),
  }
}

function readRefusal(row: Record<string, unknown>): RefusalRecord {
  return {
    at: String(row.at),
    planHash: String(row.plan_hash),
    study: String(row.study),
    code: String(row.code),
    reason: String(row.reason),
  }
}

function readEvaluation(row: Record<string, unknown>): LocalEvaluation {
  return {
    planHash: String(row.plan_hash),
    run: String(row.run),
    round: Number(row.round),
    study: String(row.study),
    examples: Number(row.examples),
    ...(row.loss !== null && { loss: Number(row.loss) }),
    ...(row.accuracy !== null && { accuracy: Number(row.accuracy) }),
    at: String(row.at),
  }
}
