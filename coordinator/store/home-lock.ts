/**
 * Holds a folder for one process: a lock of the operating system (through SQLite) that goes with the process, however it
 * ends.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { FederationError } from '@consilium/protos/errors.ts'

/** Locks `folder` (made where missing) until the returned function is called; throws `already-exists` where it is held. */
export function lockHome(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(folder, 'lock'))
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new FederationError('already-exists', `another coordinator is running on ${folder}: stop it first`, { cause })
  }
  return () => database.close()
}
