/**
 * The journal of this site's work: which plan it took up, whether its contribution is finished, uploaded, over. It is
 * what makes a restarted agent go on where it was, and never work twice for one purpose of one round of a run, but for the
 * attempts of a round among partners.
 */
import type { DatabaseSync } from 'node:sqlite'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { attemptOf } from '@consilium/protos/plan/attempts.ts'
import type { Purpose, RunId, Sha256 } from '@consilium/protos/plan/names.ts'
import { type RoundPlan, roundPlanSchema } from '@consilium/protos/plan/round-plan.ts'
import { inTransaction } from './database.ts'

export type Work = {
  readonly planHash: Sha256
  readonly run: RunId
  readonly round: number
  readonly purpose: Purpose
  readonly study: Sha256
  /** SHA-256 of the global parameters the plan names. */
  readonly model: Sha256
}

export type JournaledWork = Work & {
  /** `done`: the contribution lies in the outbox, sealed or as words to be masked; `over`: the round, or this site's part in it, has ended. */
  readonly state: 'working' | 'done' | 'uploaded' | 'over'
  /** Empty until it is over: how the coordinator ended the round, `refused` by this site, or `superseded` unheard. */
  readonly outcome:
    | ''
    | 'committed'
    | 'failed'
    | 'too-few-contributors'
    | 'dropped'
    | 'refused'
    | 'superseded'
    | 'finished'
    | 'cancelled'
  readonly reason: string
  /** Size of what is uploaded. */
  readonly bytes: number
  readonly startedAt: string
  readonly doneAt: string
  readonly uploadedAt: string
  readonly overAt: string
}

export type RunOutcome = 'finished' | 'failed' | 'cancelled'

export type Journal = {
  /** Enters work that starts (again). Everything older of the same run that is still open is superseded. */
  begin(planHash: Sha256, plan: RoundPlan): void
  done(planHash: Sha256, bytes: number): void
  uploaded(planHash: Sha256): void
  over(planHash: Sha256, outcome: Exclude<JournaledWork['outcome'], ''>, reason: string): void
  /** Ends what is still open of a run and remembers that the run is over. */
  runOver(run: RunId, outcome: RunOutcome, reason: string): void
  find(planHash: Sha256): JournaledWork | undefined
  /** The plan of work that was taken up. */
  planOf(planHash: Sha256): RoundPlan | undefined
  /** The newest attempt of it. */
  findRound(run: RunId, round: number, purpose: Purpose): JournaledWork | undefined
  /** Every attempt of it, the newest first. */
  attempts(run: RunId, round: number, purpose: Purpose): readonly JournaledWork[]
  /** The furthest this site got in a run. */
  newestOf(run: RunId): JournaledWork | undefined
  isRunOver(run: RunId): boolean
  /** Runs of a study that this site took part in, oldest first. */
  runsOf(study: Sha256): readonly RunId[]
  /** Work that is not over, oldest first. */
  open(): readonly JournaledWork[]
  /** Rounds among partners that ended without a sum and that their runs have not gone on from: they may be attempted again. */
  repeatable(): readonly Sha256[]
  /** Newest first. */
  list(limit: number): readonly JournaledWork[]
  /** Hashes of the global parameters that open work needs, or that the next round of a run will start from. */
  modelsInUse(): ReadonlySet<Sha256>
}

const plansMax = 16

export function openJournal(database: DatabaseSync, now: () => Date): Journal {
  const sql = prepare(database)
  const at = () => now().toISOString()
  const one = (row: Row | undefined) => row && readWork(row)
  /** Read once: what has this hash never changes. */
  const plans = new Map<Sha256, RoundPlan>()

  return {
    begin: (planHash, plan) =>
      inTransaction(database, () => {
        const { run, round, purpose, study, model } = plan
        sql.supersede.run('superseded', 'a later plan of the same run came', at(), run, planHash)
        const text = canonicalJson(plan).toString('utf8')
        sql.insert.run(planHash, run, round, purpose, study, model, text, at(), attemptOf(plan))
      }),
    // The egress ledger synchronises the file before the update leaves: which plan was taken up is known for good then.
    done: (planHash, bytes) => void sql.setDone.run(bytes, at(), planHash),
    uploaded: (planHash) => void sql.setUploaded.run(at(), planHash),
    over: (planHash, outcome, reason) => void sql.setOver.run(outcome, reason, at(), planHash),
    runOver: (run, outcome, reason) =>
      inTransaction(database, () => {
        sql.insertRunOver.run(run, outcome, reason, at())
        sql.supersede.run(outcome, reason, at(), run, '')
      }),
    find: (planHash) => one(sql.byHash.get(planHash)),
    planOf(planHash) {
      const known = plans.get(planHash)
      if (known) return known
      const text = sql.planOf.get(planHash)?.plan
      if (!text) return undefined
      const plan = roundPlanSchema.parse(JSON.parse(String(text)))
      if (plans.size >= plansMax) plans.clear()
      plans.set(planHash, plan)
      return plan
    },
    findRound: (run, round, purpose) => one(sql.byRound.get(run, round, purpose)),
    attempts: (run, round, purpose) => sql.byRound.all(run, round, purpose).map(readWork),
    newestOf: (run) => one(sql.newest.get(run)),
    isRunOver: (run) => sql.runOverOf.get(run) !== undefined,
    runsOf: (study) => sql.runs.all(study).map((row) => String(row.run)),
    open: () => sql.notOver.all().map(readWork),
    repeatable: () => sql.repeatable.all().map((row) => String(row.plan_hash)),
    list: (limit) => sql.latest.all(limit).map(readWork),
    modelsInUse: () => new Set(sql.models.all().map((row) => String(row.model))),
  }
}

/** What {@link readWork} reads; a plan is long, and seldom asked for. */
const columns = `plan_hash, run, round, purpose, study, model, state, outcome, reason, bytes, started_at, done_at,
  uploaded_at, over_at`

function prepare(database: DatabaseSync) {
  return {
    insert: database.prepare(
      `INSERT INTO work (plan_hash, run, round, purpose, study, model, plan, state, started_at, attempt)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'working', ?, ?)
     ON CONFLICT (plan_hash) DO UPDATE SET state = 'working', started_at = excluded.started_at`,
    ),
    setDone: database.prepare(
      `UPDATE work SET state = 'done', bytes = ?, done_at = ? WHERE plan_hash = ? AND state = 'working'`,
    ),
    setUploaded: database.prepare(
      `UPDATE work SET state = 'uploaded', uploaded_at = ? WHERE plan_hash = ? AND state = 'done'`,
    ),
    setOver: database.prepare(
      `UPDATE work SET state = 'over', outcome = ?, reason = ?, over_at = ? WHERE plan_hash = ? AND state <> 'over'`,
    ),
    supersede: database.prepare(
      `UPDATE work SET state = 'over', outcome = ?, reason = ?, over_at = ?
     WHERE run = ? AND plan_hash <> ? AND state <> 'over'`,
    ),
    insertRunOver: database.prepare(
      'INSERT OR IGNORE INTO runs_over (run, outcome, reason, over_at) VALUES (?, ?, ?, ?)',
    ),
    byHash: database.prepare(`SELECT ${columns} FROM work WHERE plan_hash = ?`),
    planOf: database.prepare('SELECT plan FROM work WHERE plan_hash = ?'),
    byRound: database.prepare(
      `SELECT ${columns} FROM work WHERE run = ? AND round = ? AND purpose = ? ORDER BY attempt DESC`,
    ),
    newest: database.prepare(
      `SELECT ${columns} FROM work WHERE run = ? ORDER BY 2 * round + (purpose = 'evaluate') DESC, attempt DESC LIMIT 1`,
    ),
    runs: database.prepare('SELECT run FROM work WHERE study = ? GROUP BY run ORDER BY min(rowid)'),
    runOverOf: database.prepare('SELECT run FROM runs_over WHERE run = ?'),
    notOver: database.prepare(`SELECT ${columns} FROM work WHERE state <> 'over' ORDER BY rowid`),
    repeatable: database.prepare(
      `SELECT plan_hash FROM work WHERE state = 'over' AND outcome <> 'committed' AND purpose <> 'train'
       AND run NOT IN (SELECT run FROM runs_over) AND NOT EXISTS (SELECT 1 FROM work AS later WHERE later.run = work.run
         AND 2 * later.round + (later.purpose = 'evaluate') > 2 * work.round + (work.purpose = 'evaluate'))`,
    ),
    latest: database.prepare(`SELECT ${columns} FROM work ORDER BY rowid DESC LIMIT ?`),
    models: database.prepare(
      `SELECT model FROM work WHERE state <> 'over'
     UNION SELECT model FROM work WHERE run NOT IN (SELECT run FROM runs_over)
       AND rowid IN (SELECT max(rowid) FROM work GROUP BY study)`,
    ),
  }
}

type Row = Record<string, unknown>

function readWork(row: Row): JournaledWork {
  return {
    planHash: String(row.plan_hash),
    run: String(row.run),
    round: Number(row.round),
    purpose: row.purpose as Purpose,
    study: String(row.study),
    model: String(row.model),
    state: row.state as JournaledWork['state'],
    outcome: row.outcome as JournaledWork['outcome'],
    reason: String(row.reason),
    bytes: Number(row.bytes),
    startedAt: String(row.started_at),
    doneAt: String(row.done_at),
    uploadedAt: String(row.uploaded_at),
    overAt: String(row.over_at),
  }
}
