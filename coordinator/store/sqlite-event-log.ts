/**
 * The event log in one SQLite file: write-ahead log, synced to disk at every append, never updated in place. Entries are
 * checked against their hash chain as they are read.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { chain, chainStart, follow, type LogEntry, logEntrySchema, noHead } from '@consilium/protos/log/entry.ts'
import type { EventLog } from './event-log.ts'

/** Opens (or creates) the log at `path`; throws `store-failed` where the file is none of ours. */
export function openSqliteEventLog(path: string): EventLog {
  const database = openDatabase(path)
  const last = database.prepare('SELECT seq, hash FROM entries WHERE stream = ? ORDER BY seq DESC LIMIT 1')
  const insert = database.prepare(
    'INSERT INTO entries (stream, seq, previous, at, type, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const one = database.prepare('SELECT * FROM entries WHERE stream = ? AND seq = ?')
  const page = database.prepare('SELECT * FROM entries WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?')

  return {
    async append(stream, expectedLength, entries) {
      return inTransaction(database, () => {
        const head = last.get(stream)
        const length = head ? Number(head.seq) + 1 : 0
        if (length !== expectedLength)
          throw new FederationError('append-conflict', `stream ${stream} has ${length} entries, not ${expectedLength}`)
        const chained = chain(stream, length, head ? String(head.hash) : noHead, entries)
        for (const { seq, previous, at, type, body, hash } of chained)
          insert.run(stream, seq, previous, at, type, JSON.stringify(body), hash)
        return chained
      })
    },
    async *read(stream) {
      for (let end = chainStart; ; ) {
        const rows = page.all(stream, end.length, pageEntries)
        for (const row of rows) {
          const entry = readEntry(row, end.length)
          end = follow(end, entry)
          yield entry
        }
        if (rows.length < pageEntries) return
      }
    },
    async entry(stream, seq) {
      const row = one.get(stream, seq)
      if (!row) return undefined
      const entry = readEntry(row, seq)
      follow({ length: seq, head: entry.previous }, entry)
      return entry
    },
    async streams() {
      const rows = database.prepare('SELECT stream FROM entries WHERE seq = 0 ORDER BY position').all()
      return rows.map(({ stream }) => String(stream))
    },
    async close() {
      database.close()
    },
  }
}

/** Entries read from the file at once; between pages other work goes on. */
const pageEntries = 500

function openDatabase(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path)
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000')
    migrate(database)
    return database
  } catch (cause) {
    throw new FederationError('store-failed', `cannot open the event log ${path}: ${errorMessage(cause)}`, { cause })
  }
}

/** Runs the numbered SQL files that this database has not seen; `user_version` counts those it has. */
function migrate(database: DatabaseSync): void {
  const folder = new URL('./migrations/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'))
  const done = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  if (done > files.length)
    throw new FederationError('store-failed', 'the event log was written by a newer version of Consilium: upgrade')
  files.sort().forEach((name, i) => {
    if (i < done) return
    const sql = readFileSync(new URL(name, folder), 'utf8')
    database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${i + 1}; COMMIT`)
  })
}

function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  try {
    database.exec('BEGIN IMMEDIATE')
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK')
    if (cause instanceof FederationError) throw cause
    throw new FederationError('store-failed', `the event log refused an append: ${errorMessage(cause)}`, { cause })
  }
}

function readEntry(row: Record<string, unknown>, seq: number): LogEntry {
  const { position: _, body, ...columns } = row
  const parsed = logEntrySchema.safeParse({ ...columns, body: parseBody(String(body)) })
  if (parsed.success) return parsed.data
  throw new FederationError('log-broken', `entry ${seq} of stream ${row.stream} was changed: it is no longer an entry`)
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
