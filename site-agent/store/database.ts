/**
 * Opens `agent.sqlite`: a write-ahead log, and a busy timeout, since the command line opens the file beside the running
 * agent. Every commit survives kill -9; those of {@link durably}, and all before them, survive a power cut too.
 */
import { DatabaseSync } from 'node:sqlite'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { migrations } from './migrations.ts'

const busyTimeoutMs = 10_000

/** Opens and migrates the file at `path`; throws `store-failed` where it is damaged or of a later version. */
export function openDatabase(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
    // What is deleted is overwritten: secrets of rounds that are over are among it.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON')
    migrate(database, path)
    return database
  } catch (cause) {
    if (cause instanceof FederationError) throw cause
    throw new FederationError('store-failed', `${path} cannot be opened: ${errorMessage(cause)}`, { cause })
  }
}

/** Runs `body` as one transaction that takes the write lock at once, so that what it reads stays true until it writes. */
export function inTransaction<T>(database: DatabaseSync, body: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = body()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // A full disk may have rolled it back already.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/**
 * Runs `body` with every commit synchronised to the disk. A synchronisation costs milliseconds, and a round makes
 * dozens of commits at a site: only what must not be forgotten once something has left takes it.
 */
export function durably<T>(database: DatabaseSync, body: () => T): T {
  database.exec('PRAGMA synchronous = FULL')
  try {
    return body()
  } finally {
    database.exec('PRAGMA synchronous = NORMAL')
  }
}

function migrate(database: DatabaseSync, path: string): void {
  if (versionOf(database) === migrations.length) return
  inTransaction(database, () => {
    const version = versionOf(database)
    if (version > migrations.length)
      throw new FederationError(
        'store-failed',
        `${path} was written by a later version of site-agent (${version}, this one knows ${migrations.length}): update site-agent`,
      )
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version)
}
