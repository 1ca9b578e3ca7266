/**
 * Holds a folder for one process: a lock of the operating system (through SQLite) that goes with the process, however it
 * ends.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'

/**
 * Locks `folder` (made where missing) until the returned function is called; throws `already-exists` where it is held,
 * `store-failed` where it cannot be used at all.
 */
export function lockHome(folder: string): () => void {
  let database: DatabaseSync | undefined
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    database = new DatabaseSync(join(folder, 'lock'))
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    const locked = database
    return () => locked.close()
  } catch (cause) {
    database?.close()
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy)
      throw new FederationError('already-exists', `another coordinator is running on ${folder}: stop it first`, {
        cause,
      })
    throw new FederationError('store-failed', `cannot use ${folder} as a home folder: ${errorMessage(cause)}`, {
      cause,
    })
  }
}

/** SQLITE_BUSY: another process holds the lock. */
const sqliteBusy = 5
