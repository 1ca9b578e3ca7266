/** The studies this site has been offered and what it decided about each; the newest decision of a study holds. */
import type { DatabaseSync } from 'node:sqlite'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import {
  leadFingerprint,
  type ReadStudy,
  readSignedStudy,
  type SignedStudy,
} from '@consilium/protos/plan/signed-study.ts'
import { durably, inTransaction } from './database.ts'

export type KnownStudy = {
  readonly hash: Sha256
  /** The name in the study file; an edited study has the same name and another hash. */
  readonly name: string
  /** Fingerprint of the lead whose signature the stored study carries. */
  readonly lead: string
  readonly signed: Uint8Array
  readonly seenAt: string
}

export type Decision = {
  readonly study: Sha256
  readonly decision: 'approved' | 'rejected'
  /** Fingerprint of the lead for whose signature the decision was made. */
  readonly lead: string
  readonly by: 'person' | 'policy'
  /** The account at this computer that decided; empty for the policy. */
  readonly account: string
  readonly reason: string
  /** Rules of the policy (`breaches.ts`) that the study broke and that were accepted all the same. */
  readonly accepted: readonly string[]
  readonly at: string
}

/** Accepts nothing unless it says so. */
export type NewDecision = Omit<Decision, 'at' | 'accepted'> & Partial<Pick<Decision, 'accepted'>>

export type StudyStore = {
  /** Verifies the lead's signature and keeps the study; what was kept under the same hash is replaced. */
  keep(signed: Uint8Array): { readonly known: KnownStudy; readonly study: SignedStudy }
  find(hash: Sha256): KnownStudy | undefined
  /**
   * The study as its lead signed it; the same bytes are parsed and verified once. Throws `message-invalid` or
   * `signature-invalid` for what is no longer what was kept.
   */
  read(known: KnownStudy): ReadStudy
  /** Oldest first. */
  list(): readonly KnownStudy[]
  decide(decision: NewDecision): Decision
  /** Decides unless there is a decision for this lead's signature; returns the one that holds. */
  decideFirst(decision: NewDecision): Decision
  decisionOn(study: Sha256): Decision | undefined
  /** Oldest first. */
  decisions(study: Sha256): readonly Decision[]
  /** Hashes of the forward graphs of all known studies. */
  graphs(): readonly Sha256[]
}

/** Studies kept parsed: each phase of a round reads the one that it is of. */
const readMax = 32

export function studyStore(database: DatabaseSync, now: () => Date): StudyStore {
  const insert = database.prepare(
    `INSERT INTO studies (hash, name, lead, graph, signed, seen_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET lead = excluded.lead, signed = excluded.signed`,
  )
  const byHash = database.prepare('SELECT * FROM studies WHERE hash = ?')
  const all = database.prepare('SELECT * FROM studies ORDER BY rowid')
  const graphsOfAll = database.prepare('SELECT DISTINCT graph FROM studies')
  const insertDecision = database.prepare(
    `INSERT INTO decisions (study, decision, lead, decided_by, account, reason, accepted, decided_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  // A decision has the data looked at anew, whatever they lacked before it.
  const forgetUnfit = database.prepare(`DELETE FROM data_checks WHERE study = ? AND code <> ''`)
  const decisionsOf = database.prepare('SELECT * FROM decisions WHERE study = ? ORDER BY seq')

  const find = (hash: Sha256) => {
    const row = byHash.get(hash)
    return row && readStudy(row)
  }
  const decisions = (study: Sha256) => decisionsOf.all(study).map(readDecision)
  const add = (decision: NewDecision): Decision => {
    const at = now().toISOString()
    const { study, lead, by, account, reason, accepted = [] } = decision
    insertDecision.run(study, decision.decision, lead, by, account, reason, JSON.stringify(accepted), at)
    forgetUnfit.run(study)
    return { ...decision, accepted, at }
  }
  const decisionOn = (study: Sha256) => decisions(study).at(-1)
  return {
    keep(signed) {
      const study = readSignedStudy(signed)
      const { hash, manifest } = study
      insert.run(hash, manifest.study.name, leadFingerprint(study), manifest.graph.sha256, signed, now().toISOString())
      return { known: find(hash)!, study }
    },
    find,
    read: studyReader(),
    list: () => all.all().map(readStudy),
    decide: (decision) => durably(database, () => add(decision)),
    // The command line may decide at this very moment, in its own process.
    decideFirst: (decision) =>
      durably(database, () =>
        inTransaction(database, () => {
          const earlier = decisionOn(decision.study)
          return earlier?.lead === decision.lead ? earlier : add(decision)
        }),
      ),
    decisionOn,
    decisions,
    graphs: () => graphsOfAll.all().map((row) => String(row.graph)),
  }
}

function studyReader(): StudyStore['read'] {
  const read = new Map<Sha256, { readonly signed: Uint8Array; readonly study: ReadStudy }>()
  return ({ hash, signed }) => {
    const before = read.get(hash)
    read.delete(hash)
    const study = before && Buffer.compare(before.signed, signed) === 0 ? before.study : readSignedStudy(signed)
    read.set(hash, { signed, study })
    if (read.size > readMax) read.delete(read.keys().next().value!)
    return study
  }
}

type Row = Record<string, unknown>

function readStudy(row: Row): KnownStudy {
  return {
    hash: String(row.hash),
    name: String(row.name),
    lead: String(row.lead),
    signed: row.signed as Uint8Array,
    seenAt: String(row.seen_at),
  }
}

function readDecision(row: Row): Decision {
  return {
    study: String(row.study),
    decision: row.decision as Decision['decision'],
    lead: String(row.lead),
    by: row.decided_by as Decision['by'],
    account: String(row.account),
    reason: String(row.reason),
    accepted: JSON.parse(String(row.accepted)) as string[],
    at: String(row.decided_at),
  }
}
