/** The tables of `agent.sqlite`, as numbered migrations in plain SQL: number n takes the file from version n-1 to n. */

export const migrations: readonly string[] = [
  `
  -- Signed studies as they were offered, by hash.
  CREATE TABLE studies (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    lead TEXT NOT NULL,
    graph TEXT NOT NULL,
    signed BLOB NOT NULL,
    seen_at TEXT NOT NULL
  ) STRICT;

  -- Decisions are added, never changed: the newest one of a study holds.
  CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY,
    study TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('approved', 'rejected')),
    lead TEXT NOT NULL,
    decided_by TEXT NOT NULL CHECK (decided_by IN ('person', 'policy')),
    account TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX decisions_study ON decisions (study, seq);

  -- What the last check of this site's data against a study found; counts and column names only.
  CREATE TABLE data_checks (
    study TEXT PRIMARY KEY,
    checked_at TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    summary TEXT NOT NULL
  ) STRICT;

  -- The journal: one row for each plan this site took up. One plan for one purpose of one round of a run, ever.
  CREATE TABLE work (
    plan_hash TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    round INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    study TEXT NOT NULL,
    model TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('working', 'done', 'uploaded', 'over')),
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL DEFAULT 0,
    started_at TEXT NOT NULL,
    done_at TEXT NOT NULL DEFAULT '',
    uploaded_at TEXT NOT NULL DEFAULT '',
    over_at TEXT NOT NULL DEFAULT '',
    UNIQUE (run, round, purpose)
  ) STRICT;
  CREATE INDEX work_study ON work (study, started_at);

  CREATE TABLE runs_over (
    run TEXT PRIMARY KEY,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    over_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE refusals (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    study TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;

  -- The egress ledger: every message that left, chained by hash.
  CREATE TABLE egress (
    seq INTEGER PRIMARY KEY,
    previous TEXT NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    study TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER egress_keeps_entries BEFORE UPDATE ON egress
    BEGIN SELECT RAISE(ABORT, 'the egress ledger is append-only'); END;
  CREATE TRIGGER egress_loses_nothing BEFORE DELETE ON egress
    BEGIN SELECT RAISE(ABORT, 'the egress ledger is append-only'); END;
  `,
  `
  -- Whose keys this site trusts. Entries are added, never changed: the newest of a site holds; without a key it removes.
  CREATE TABLE roster_pins (
    seq INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    public_key BLOB,
    pinned_by TEXT NOT NULL CHECK (pinned_by IN ('person', 'policy')),
    account TEXT NOT NULL,
    pinned_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX roster_pins_site ON roster_pins (site, seq);

  -- The keys as the coordinator last told them; they count for nothing by themselves.
  CREATE TABLE roster_offers (
    site TEXT PRIMARY KEY,
    public_key BLOB NOT NULL,
    offered_at TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- The plan itself: what a secure round goes on by after a restart. Empty for work of an older version.
  ALTER TABLE work ADD COLUMN plan TEXT NOT NULL DEFAULT '';

  -- Secure rounds: what this site did in each, for good. Empty until it did.
  CREATE TABLE sessions (
    plan_hash TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    round INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    model TEXT NOT NULL,
    sid TEXT NOT NULL DEFAULT '',
    u2_hash TEXT NOT NULL DEFAULT '',
    u3_hash TEXT NOT NULL DEFAULT '',
    survivors TEXT NOT NULL DEFAULT '[]',
    released INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  -- At most one upload for one purpose of one round on one model.
  CREATE UNIQUE INDEX sessions_committed ON sessions (run, round, purpose, model) WHERE u2_hash <> '';
  CREATE INDEX sessions_confirmed ON sessions (model, purpose) WHERE u3_hash <> '';

  -- Secrets and messages of sessions that are not over, sealed with a key of the site's own.
  CREATE TABLE session_secrets (
    plan_hash TEXT PRIMARY KEY REFERENCES sessions (plan_hash),
    sealed BLOB NOT NULL
  ) STRICT;

  -- What each global model reached on this site's own test rows. It never leaves.
  CREATE TABLE evaluations (
    plan_hash TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    round INTEGER NOT NULL,
    study TEXT NOT NULL,
    examples INTEGER NOT NULL,
    loss REAL,
    accuracy REAL,
    at TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- The newest head of each run's event log that this site has accepted, and the entry that made the model it last
  -- worked on.
  CREATE TABLE heads (
    run TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    root TEXT NOT NULL,
    model_entry INTEGER,
    parameters TEXT,
    accepted_at TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Whether the agent attends: one row.
  CREATE TABLE attendance (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    state TEXT NOT NULL CHECK (state IN ('attending', 'away', 'refused')),
    at TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- The ledger of this site's sessions: each entry is one more session, chained by hash; without a plan, a recovery.
  CREATE TABLE session_ledger (
    number INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    plan_hash TEXT NOT NULL,
    head TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER session_ledger_keeps_entries BEFORE UPDATE ON session_ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger of sessions is append-only'); END;
  CREATE TRIGGER session_ledger_loses_nothing BEFORE DELETE ON session_ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger of sessions is append-only'); END;

  -- Where the ledger of each peer stood when it was last seen in each run, as the peer signed it.
  CREATE TABLE peer_ledgers (
    site TEXT NOT NULL,
    run TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    head TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    body BLOB NOT NULL,
    signature BLOB NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (site, run)
  ) STRICT;

  -- What this site had signed and does not know of: it was restored from an old copy. Open until a person recovered it.
  CREATE TABLE restores (
    seq INTEGER PRIMARY KEY,
    found_at TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    head TEXT NOT NULL,
    recovered_at TEXT NOT NULL DEFAULT '',
    new_epoch INTEGER NOT NULL DEFAULT 0,
    account TEXT NOT NULL DEFAULT ''
  ) STRICT;
  `,
  `
  -- What rounds made, as far as this site goes on with it: verified here, or by enough others' signatures.
  CREATE TABLE results (
    plan_hash TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('train', 'statistics')),
    sums TEXT NOT NULL,
    made TEXT NOT NULL,
    how TEXT NOT NULL CHECK (how IN ('verified', 'signed')),
    at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX results_run ON results (run, purpose, made);
  `,
  `
  -- Which rules of the policy a person accepted that a study breaks, as a JSON array of their names.
  ALTER TABLE decisions ADD COLUMN accepted TEXT NOT NULL DEFAULT '[]';
  `,
  `
  -- What this site takes no part in until a person here has looked; open while resumed_at is empty.
  CREATE TABLE stand_outs (
    seq INTEGER PRIMARY KEY,
    study TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('statistics', 'evaluate', 'all')),
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    resumed_at TEXT NOT NULL DEFAULT '',
    account TEXT NOT NULL DEFAULT ''
  ) STRICT;
  `,
  `
  -- With whom this site helps to sums of statistics and evaluations: one set of sites for each study and purpose, for good.
  CREATE TABLE partners (
    study TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('statistics', 'evaluate')),
    label TEXT NOT NULL,
    sites TEXT NOT NULL,
    settled_at TEXT NOT NULL,
    PRIMARY KEY (study, purpose)
  ) STRICT;
  `,
  `
  -- How often this site followed a run back to an earlier model: each counts as a run of its study.
  ALTER TABLE heads ADD COLUMN rollbacks INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- By which change of the lead these partners came to be; those before them; the changes themselves, and what this site
  -- said of them.
  ALTER TABLE partners ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE past_partners (
    study TEXT NOT NULL,
    purpose TEXT NOT NULL,
    label TEXT NOT NULL,
    sites TEXT NOT NULL,
    settled_at TEXT NOT NULL,
    change INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE partner_changes (
    study TEXT NOT NULL,
    number INTEGER NOT NULL,
    body BLOB NOT NULL,
    signature BLOB NOT NULL,
    words TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    agreed_at TEXT NOT NULL DEFAULT '',
    agreed_by TEXT NOT NULL DEFAULT '',
    account TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (study, number)
  ) STRICT;
  CREATE TABLE partner_words (
    seq INTEGER PRIMARY KEY,
    signature TEXT NOT NULL UNIQUE,
    word TEXT NOT NULL,
    said_at TEXT NOT NULL,
    told_at TEXT NOT NULL DEFAULT ''
  ) STRICT;
  `,
  `
  -- What the coordinator signed about its own log: where each stream of it stood, whom it revoked, how it handed its key on.
  CREATE TABLE coordinator_heads (
    stream TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    root TEXT NOT NULL,
    at TEXT NOT NULL,
    signature BLOB NOT NULL,
    seen_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE coordinator_revocations (
    site TEXT NOT NULL,
    public_key BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    at TEXT NOT NULL,
    signature BLOB NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (site, public_key, at)
  ) STRICT;
  CREATE TABLE coordinator_rotations (
    old_public_key BLOB PRIMARY KEY,
    new_public_key BLOB NOT NULL,
    old_signature BLOB NOT NULL,
    new_signature BLOB NOT NULL,
    seen_at TEXT NOT NULL
  ) STRICT;

  -- Its recoveries from an old copy, and who said here that this site goes along; nobody while accepted_at is empty.
  CREATE TABLE coordinator_recoveries (
    epoch INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    root TEXT NOT NULL,
    at TEXT NOT NULL,
    signature BLOB NOT NULL,
    known_size INTEGER NOT NULL,
    found_at TEXT NOT NULL,
    accepted_at TEXT NOT NULL DEFAULT '',
    accepted_by TEXT NOT NULL DEFAULT '' CHECK (accepted_by IN ('', 'person', 'policy', 'extended')),
    account TEXT NOT NULL DEFAULT ''
  ) STRICT;
  -- One row while it shows an older log than it signed before.
  CREATE TABLE coordinator_went_back (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    shown_size INTEGER NOT NULL,
    known_size INTEGER NOT NULL,
    found_at TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Keyed hashes of the test rows that evaluations were worked on; in a sum once masked_at is set.
  CREATE TABLE test_rows (
    plan_hash TEXT PRIMARY KEY,
    study TEXT NOT NULL,
    digest TEXT NOT NULL,
    marks BLOB NOT NULL,
    masked_at TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX test_rows_study ON test_rows (study, digest);
  `,
  `
  -- Columns of this site's view that it masked a sum of: each for one set of sites, for good, in all studies.
  CREATE TABLE column_sums (
    name TEXT PRIMARY KEY,
    plan_hash TEXT NOT NULL,
    sites TEXT NOT NULL,
    settled_at TEXT NOT NULL
  ) STRICT;

  -- What this site gives to the sum of a column under a plan, sealed with a key of its own: the very same again wherever the
  -- sum is tried again.
  CREATE TABLE column_shares (
    plan_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    -- The plan that masked it first; empty where none had.
    repeats TEXT NOT NULL,
    PRIMARY KEY (plan_hash, name)
  ) STRICT;

  -- Mean and deviation of each column, as this site verified them itself or enough others signed that they did.
  CREATE TABLE column_means (
    name TEXT PRIMARY KEY,
    summed TEXT NOT NULL,
    run TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    -- Sites that vouched for it; none where this site verified the sum itself.
    vouchers INTEGER,
    at TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- A round among partners may be attempted several times, each by a plan of its own; an abandoned session reveals nothing.
  CREATE TABLE work_attempts (
    plan_hash TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    round INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    study TEXT NOT NULL,
    model TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('working', 'done', 'uploaded', 'over')),
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL DEFAULT 0,
    started_at TEXT NOT NULL,
    done_at TEXT NOT NULL DEFAULT '',
    uploaded_at TEXT NOT NULL DEFAULT '',
    over_at TEXT NOT NULL DEFAULT '',
    plan TEXT NOT NULL DEFAULT '',
    attempt INTEGER NOT NULL DEFAULT 1,
    UNIQUE (run, round, purpose, attempt)
  ) STRICT;
  INSERT INTO work_attempts (rowid, plan_hash, run, round, purpose, study, model, state, outcome, reason, bytes,
      started_at, done_at, uploaded_at, over_at, plan)
    SELECT rowid, plan_hash, run, round, purpose, study, model, state, outcome, reason, bytes,
      started_at, done_at, uploaded_at, over_at, plan FROM work;
  DROP TABLE work;
  ALTER TABLE work_attempts RENAME TO work;
  CREATE INDEX work_study ON work (study, started_at);
  ALTER TABLE sessions ADD COLUMN abandoned INTEGER NOT NULL DEFAULT 0;
  DROP INDEX sessions_committed;
  CREATE UNIQUE INDEX sessions_committed ON sessions (run, round, purpose, model) WHERE u2_hash <> '' AND abandoned = 0;
  `,
  `
  -- The last pin that had been made here when a revocation came: only a person's later one trusts that key again.
  ALTER TABLE coordinator_revocations ADD COLUMN pins_before INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- The place of the key that seals it, in the file of keys; what was kept without one is out of its round.
  DELETE FROM session_secrets;
  ALTER TABLE session_secrets ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
  `,
]
