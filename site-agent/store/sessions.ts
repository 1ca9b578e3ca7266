/**
 * Sessions of secure rounds (fedsum, sections A.4 and A.8): the secrets and messages of each, sealed by whoever keeps them
 * here and erased when the round is over; and, for good, what this site did in it: masked one set of sharers, confirmed
 * one set of survivors, released once, or abandoned it for another attempt of the same round. kill -9 loses no change; a power
 * cut loses none of which anything has left, for the egress ledger is in the same file, and what it synchronises before a
 * message leaves holds every commit before it. What is sealed is sealed once more, under a key that is erased with it.
 */
import type { DatabaseSync } from 'node:sqlite'
import { FederationError } from '@consilium/protos/errors.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { LedgerPosition } from '@consilium/protos/secagg/session-ledger.ts'
import { durably, inTransaction } from './database.ts'
import { type ErasableKeys, openPlaces } from './erasable-keys.ts'
import { ledgerAppender } from './session-ledger.ts'

export type SessionRecord = {
  readonly planHash: Sha256
  readonly run: RunId
  readonly round: number
  readonly purpose: Purpose
  /** SHA-256 of the global parameters of the round. */
  readonly model: Sha256
  /** `abandoned`: this site revealed nothing for it, and never will. */
  readonly state: 'advertised' | 'shared' | 'committed' | 'confirmed' | 'released' | 'abandoned'
  /** Hexadecimal; empty until the site has shared, committed, confirmed. */
  readonly sid: string
  readonly u2Hash: string
  readonly u3Hash: string
  /** U3 by name, once confirmed. */
  readonly survivors: readonly SiteName[]
}

/** Sums of one run and purpose that were among the same sites, how many, and in which rounds. */
export type ConfirmedSums = Pick<SessionRecord, 'run' | 'purpose'> & {
  readonly sites: readonly SiteName[]
  readonly count: number
  readonly firstRound: number
  readonly lastRound: number
}

export type Sessions = {
  /**
   * Begins a session, which is the next entry of this site's ledger: `ledger` is where that stands with it. One of a further
   * attempt abandons those before it and erases their secrets; throws `attempt-refused` where this site released for one.
   */
  advertise(
    session: Pick<SessionRecord, 'planHash' | 'run' | 'round' | 'purpose' | 'model'> & { readonly attempt?: number },
    ledger: LedgerPosition,
    sealed: Uint8Array,
  ): void
  share(planHash: Sha256, sid: string, sealed: Uint8Array): void
  /** Throws `already-uploaded` where this site has committed to other sharers, or for the same model and round before. */
  commit(planHash: Sha256, u2Hash: string, sealed: Uint8Array): void
  /**
   * What is sealed changes, nothing else. Survives a power cut, and what was sealed before opens no more. `spent`: no secret
   * is in it any more, so nothing is left to erase later.
   */
  reseal(planHash: Sha256, sealed: Uint8Array, options?: { readonly spent: boolean }): void
  /** Throws `survivors-conflict` where this site has confirmed other survivors. */
  confirm(planHash: Sha256, u3Hash: string, survivors: readonly SiteName[], sealed: Uint8Array): void
  release(planHash: Sha256, sealed: Uint8Array): void
  find(planHash: Sha256): SessionRecord | undefined
  /** Of every attempt of a round. */
  ofRound(run: RunId, round: number, purpose: Purpose): readonly SessionRecord[]
  /** Undefined once erased. */
  sealed(planHash: Sha256): Uint8Array | undefined
  /** Sums over this model that the site helped to, or stood ready to. */
  confirmed(model: Sha256, purpose: Purpose): readonly SessionRecord[]
  /** Sums over this model that the site masked for: whoever did is in them, though others open them. */
  masked(model: Sha256, purpose: Purpose): readonly SessionRecord[]
  /** The sums of a study that the site helped to, or stood ready to, among the same sites together; oldest first. */
  sums(study: Sha256): readonly ConfirmedSums[]
  /** Erases the secrets of every other session. */
  keepOnly(planHashes: ReadonlySet<Sha256>): void
}

export function openSessions(database: DatabaseSync, keys: ErasableKeys): Sessions {
  const sql = prepare(database)
  const places = openPlaces(keys, () => sql.kept.all().map(({ place }) => Number(place)))
  const find = (planHash: Sha256) => {
    const row = sql.find.get(planHash)
    return row && readSession(row)
  }
  const due = (planHash: Sha256): SessionRecord => {
    const session = find(planHash)
    if (!session) throw new FederationError('session-lost', 'this site has no session for this plan')
    if (session.state === 'abandoned')
      throw new FederationError('stale-round', 'this site has abandoned this session for another attempt of its round')
    return session
  }
  const change = (planHash: Sha256, sealed: Uint8Array, body: () => void) =>
    inTransaction(database, () => {
      body()
      due(planHash)
      const place = placeOf(planHash) ?? places.free()
      sql.seal.run(planHash, keys.seal(place, sealed, planHash), place)
    })
  const placeOf = (planHash: Sha256) => sql.sealed.get(planHash)?.place as number | undefined
  /** Its key is erased by {@link places} once that is committed. */
  const erase = (planHash: Sha256) => {
    const place = placeOf(planHash)
    if (place !== undefined && !spent.delete(planHash)) places.leave(place)
    sql.erase.run(planHash)
  }
  const abandon = (run: RunId, round: number, purpose: Purpose) => {
    for (const { planHash, state } of sql.ofRound.all(run, round, purpose).map(readSession)) {
      if (state === 'released')
        throw new FederationError(
          'attempt-refused',
          'this site has revealed its shares for another attempt of this round',
        )
      sql.abandon.run(planHash)
      erase(planHash)
    }
  }
  const appendToLedger = ledgerAppender(database)
  const spent = new Set<Sha256>()

  return {
    advertise({ planHash, run, round, purpose, model, attempt = 1 }, ledger, sealed) {
      change(planHash, sealed, () => {
        if (attempt > 1) abandon(run, round, purpose)
        appendToLedger(planHash, ledger)
        sql.insert.run(planHash, run, round, purpose, model)
      })
      places.eraseLeft()
    },
    share: (planHash, sid, sealed) => change(planHash, sealed, () => void sql.share.run(sid, planHash)),
    commit: (planHash, u2Hash, sealed) =>
      change(planHash, sealed, () => {
        const session = due(planHash)
        const { run, round, purpose, model } = session
        const earlier = sql.committed.get(run, round, purpose, model)
        if (earlier && (earlier.plan_hash !== planHash || session.u2Hash !== u2Hash))
          throw new FederationError(
            'already-uploaded',
            `this site has masked its update to ${purpose} round ${round} of run ${run} once already, for others to share the sum with`,
          )
        sql.commit.run(u2Hash, planHash)
      }),
    reseal(planHash, sealed, options) {
      durably(database, () => change(planHash, sealed, () => erase(planHash)))
      places.eraseLeft()
      if (options?.spent) spent.add(planHash)
    },
    confirm: (planHash, u3Hash, survivors, sealed) =>
      change(planHash, sealed, () => {
        const { u3Hash: before } = due(planHash)
        if (before !== '' && before !== u3Hash)
          throw new FederationError('survivors-conflict', 'this site has confirmed other survivors of this round')
        sql.confirm.run(u3Hash, JSON.stringify(survivors), planHash)
      }),
    release: (planHash, sealed) => change(planHash, sealed, () => void sql.release.run(planHash)),
    find,
    ofRound: (run, round, purpose) => sql.ofRound.all(run, round, purpose).map(readSession),
    sealed(planHash) {
      const row = sql.sealed.get(planHash)
      return row && keys.open(Number(row.place), row.sealed as Uint8Array, planHash)
    },
    confirmed: (model, purpose) => sql.confirmed.all(model, purpose).map(readSession),
    masked: (model, purpose) => sql.masked.all(model, purpose).map(readSession),
    sums: (study) => sql.sums.all(study).map(readSums),
    keepOnly(planHashes) {
      const over = sql.kept.all().flatMap((row) => (planHashes.has(String(row.plan_hash)) ? [] : [row.plan_hash!]))
      if (over.length > 0)
        inTransaction(database, () => {
          for (const planHash of over) erase(String(planHash))
        })
      places.eraseLeft()
    },
  }
}

function prepare(database: DatabaseSync) {
  return {
    insert: database.prepare('INSERT INTO sessions (plan_hash, run, round, purpose, model) VALUES (?, ?, ?, ?, ?)'),
    share: database.prepare('UPDATE sessions SET sid = ? WHERE plan_hash = ?'),
    commit: database.prepare('UPDATE sessions SET u2_hash = ? WHERE plan_hash = ?'),
    committed: database.prepare(
      `SELECT plan_hash FROM sessions WHERE run = ? AND round = ? AND purpose = ? AND model = ? AND u2_hash <> ''
         AND abandoned = 0`,
    ),
    confirm: database.prepare('UPDATE sessions SET u3_hash = ?, survivors = ? WHERE plan_hash = ?'),
    release: database.prepare('UPDATE sessions SET released = 1 WHERE plan_hash = ?'),
    abandon: database.prepare('UPDATE sessions SET abandoned = 1 WHERE plan_hash = ?'),
    find: database.prepare('SELECT * FROM sessions WHERE plan_hash = ?'),
    ofRound: database.prepare('SELECT * FROM sessions WHERE run = ? AND round = ? AND purpose = ?'),
    confirmed: database.prepare(`SELECT * FROM sessions WHERE model = ? AND purpose = ? AND u3_hash <> ''`),
    masked: database.prepare(`SELECT * FROM sessions WHERE model = ? AND purpose = ? AND u2_hash <> ''`),
    sums: database.prepare(
      `SELECT sessions.run, sessions.purpose, survivors, count(*) AS count,
         min(sessions.round) AS first_round, max(sessions.round) AS last_round
       FROM sessions JOIN work USING (plan_hash) WHERE study = ? AND u3_hash <> '' AND abandoned = 0
       GROUP BY sessions.run, sessions.purpose, survivors ORDER BY min(sessions.rowid)`,
    ),
    seal: database.prepare(
      `INSERT INTO session_secrets (plan_hash, sealed, place) VALUES (?, ?, ?)
       ON CONFLICT (plan_hash) DO UPDATE SET sealed = excluded.sealed`,
    ),
    sealed: database.prepare('SELECT sealed, place FROM session_secrets WHERE plan_hash = ?'),
    kept: database.prepare('SELECT plan_hash, place FROM session_secrets'),
    erase: database.prepare('DELETE FROM session_secrets WHERE plan_hash = ?'),
  }
}

function readSession(row: Record<string, unknown>): SessionRecord {
  const [sid, u2Hash, u3Hash] = [String(row.sid), String(row.u2_hash), String(row.u3_hash)]
  return {
    planHash: String(row.plan_hash),
    run: String(row.run),
    round: Number(row.round),
    purpose: row.purpose as Purpose,
    model: String(row.model),
    state: stateOf({ sid, u2Hash, u3Hash, released: row.released === 1, abandoned: row.abandoned === 1 }),
    sid,
    u2Hash,
    u3Hash,
    survivors: JSON.parse(String(row.survivors)),
  }
}

function readSums(row: Record<string, unknown>): ConfirmedSums {
  return {
    run: String(row.run),
    purpose: row.purpose as Purpose,
    sites: JSON.parse(String(row.survivors)),
    count: Number(row.count),
    firstRound: Number(row.first_round),
    lastRound: Number(row.last_round),
  }
}

type Flags = Pick<SessionRecord, 'sid' | 'u2Hash' | 'u3Hash'> & Record<'released' | 'abandoned', boolean>

function stateOf({ sid, u2Hash, u3Hash, released, abandoned }: Flags): SessionRecord['state'] {
  if (abandoned) return 'abandoned'
  if (released) return 'released'
  if (u3Hash) return 'confirmed'
  if (u2Hash) return 'committed'
  return sid ? 'shared' : 'advertised'
}
