/**
 * The egress ledger: every message that left this site, with kind, study, bytes and SHA-256, append-only and chained by
 * hash like the coordinator's event log, so that a changed or removed entry is found by reading. The agent and the
 * command line append to the same chain.
 */
import type { DatabaseSync } from 'node:sqlite'
import { chain, type LogEntry, noHead, verifyChain } from '@consilium/protos/log/entry.ts'
import type { EgressLedger, EgressRecord } from '../link/link.ts'
import { durably, inTransaction } from './database.ts'

export type EgressEntry = EgressRecord & { readonly seq: number; readonly hash: string }

export type EgressTotal = { readonly kind: string; readonly messages: number; readonly bytes: number }

export type EgressStore = EgressLedger & {
  /** The last `limit` entries, oldest first; of one study where a hash is given. */
  list(limit: number, study?: string): readonly EgressEntry[]
  totals(study?: string): readonly EgressTotal[]
  /** Reads the whole chain; throws `log-broken` naming the first bad entry. Returns how many there are and the head. */
  verify(): { readonly entries: number; readonly head: string }
}

const stream = 'egress'

/**
 * Presence, progress and questions hold nothing of the site: a power cut may cost the last of these entries, kill -9 none.
 * Any other entry is on the disk before its message leaves, and with it every commit to this file before: the journal, the
 * heads and the flags of secure sessions rely on it.
 */
export const routine: ReadonlySet<string> = new Set([
  'hello',
  'progress',
  'work-done',
  'studies',
  'fetch',
  'upload-offset',
  'log-proof',
  'transport',
])

export function openEgressLedger(database: DatabaseSync): EgressStore {
  const last = database.prepare('SELECT seq, hash FROM egress ORDER BY seq DESC LIMIT 1')
  const insert = database.prepare(
    'INSERT INTO egress (seq, previous, at, kind, study, bytes, sha256, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const tail = database.prepare(
    `SELECT * FROM (SELECT * FROM egress WHERE ? IN ('', study) ORDER BY seq DESC LIMIT ?) ORDER BY seq`,
  )
  const all = database.prepare('SELECT * FROM egress ORDER BY seq')
  const sums = database.prepare(
    `SELECT kind, count(*) AS messages, sum(bytes) AS bytes FROM egress WHERE ? IN ('', study) GROUP BY kind ORDER BY kind`,
  )
  function insertRecord({ at, kind, study, bytes, sha256 }: EgressRecord): void {
    const head = last.get()
    const length = head === undefined ? 0 : Number(head.seq) + 1
    const previous = head === undefined ? noHead : String(head.hash)
    const [entry] = chain(stream, length, previous, [{ type: kind, at, body: { study, bytes, sha256 } }])
    insert.run(length, previous, at, kind, study, bytes, sha256, entry!.hash)
  }
  return {
    append(record) {
      const enter = () => inTransaction(database, () => insertRecord(record))
      if (routine.has(record.kind)) enter()
      else durably(database, enter)
    },
    list: (limit, study = '') => tail.all(study, limit).map(readEntry),
    totals: (study = '') =>
      sums.all(study).map((row) => ({
        kind: String(row.kind),
        messages: Number(row.messages),
        bytes: Number(row.bytes),
      })),
    verify() {
      let entries = 0
      const counted = function* (): Generator<LogEntry> {
        for (const row of all.iterate()) {
          yield asLogEntry(row)
          entries += 1
        }
      }
      const head = verifyChain(counted())
      return { entries, head }
    },
  }
}

type Row = Record<string, unknown>

function readEntry(row: Row): EgressEntry {
  return {
    seq: Number(row.seq),
    at: String(row.at),
    kind: String(row.kind),
    study: String(row.study),
    bytes: Number(row.bytes),
    sha256: String(row.sha256),
    hash: String(row.hash),
  }
}

function asLogEntry(row: Row): LogEntry {
  const { seq, at, kind, study, bytes, sha256, hash } = readEntry(row)
  return { stream, seq, previous: String(row.previous), at, type: kind, body: { study, bytes, sha256 }, hash }
}
