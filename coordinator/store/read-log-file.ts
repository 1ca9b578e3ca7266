/**
 * Reads the event log's SQLite file without writing to it and without judging what it finds: for `consilium log`, which
 * must be able to show and verify a log that somebody changed, also while the coordinator runs.
 */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'

/** One row: `where` names it, `value` is what should be a log entry. */
export type LogRow = { readonly where: string; readonly value: unknown }

/** Rows in the order of the log, of one stream or of all; throws `not-found`, or `log-broken` where SQLite gives up. */
export function* readLogFile(path: string, stream?: string): Generator<LogRow> {
  if (!existsSync(path)) throw new FederationError('not-found', `there is no event log at ${path}`)
  try {
    using database = new DatabaseSync(path, { readOnly: true })
    const columns = 'SELECT stream, seq, previous, at, type, body, hash FROM entries'
    const rows =
      stream === undefined
        ? database.prepare(`${columns} ORDER BY position`).iterate()
        : database.prepare(`${columns} WHERE stream = ? ORDER BY position`).iterate(stream)
    for (const { body, ...row } of rows)
      yield { where: `entry ${row.seq} of stream ${row.stream}`, value: { ...row, body: parseBody(String(body)) } }
  } catch (cause) {
    if (cause instanceof FederationError) throw cause
    throw new FederationError('log-broken', `the event log ${path} is damaged: ${errorMessage(cause)}`, { cause })
  }
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
