/**
 * Keeps two agents from running on one state folder. The lock is SQLite's own lock on a file of its own, which the
 * operating system drops with the process: kill -9 leaves nothing to clean up.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { FederationError } from '@consilium/protos/errors.ts'

/** How long {@link isLocked} may hold the lock while it asks: an agent that starts just then waits for it. */
const probeMs = 100

export type Lock = { release(): void }

/** Takes the lock of a state folder; throws `already-exists` where another agent holds it. */
export function lockState(state: string): Lock {
  const lock = tryLock(state, probeMs)
  if (!lock)
    throw new FederationError(
      'already-exists',
      `another site-agent runs on ${state}: stop it first, or give this one a state folder of its own with --state`,
    )
  return lock
}

/** Whether an agent runs on this state folder now. */
export function isLocked(state: string): boolean {
  const lock = tryLock(state, 0)
  lock?.release()
  return lock === undefined
}

function tryLock(state: string, timeout: number): Lock | undefined {
  const database = new DatabaseSync(join(state, 'agent.lock'), { timeout })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if (/locked|busy/i.test(String(error))) return undefined
    throw new FederationError('store-failed', `${join(state, 'agent.lock')} cannot be locked`, { cause: error })
  }
}
