/**
 * The newest head of each run's event log that this site has accepted, and the entry of it that made the model it last
 * worked on. A coordinator that shows this site another past is found out by it, also after a restart.
 */
import type { DatabaseSync } from 'node:sqlite'
import { FederationError } from '@consilium/protos/errors.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { RunId, Sha256 } from '@consilium/protos/plan/names.ts'
import { inTransaction } from './database.ts'

export type AcceptedHead = LogHead & {
  /** Absent while this site has worked on the study's initial parameters only. */
  readonly model?: AcceptedModel
}

/** Position of the entry that made a model, or went back to it, and the SHA-256 of its parameters. */
export type AcceptedModel = { readonly entry: number; readonly parameters: Sha256 }

export type Heads = {
  find(run: RunId): AcceptedHead | undefined
  /**
   * Keeps a head, and the model where one is given; returns once a power cut cannot undo it. The caller has checked that
   * it extends the one kept so far; throws `log-forked` for a smaller head, another one of the same size, or a model
   * made by an earlier entry.
   */
  accept(run: RunId, head: LogHead, model?: AcceptedModel & { readonly isRollback?: boolean }): void
  /** How often this site followed the run back to an earlier model. */
  rollbacks(run: RunId): number
}

export function openHeads(database: DatabaseSync, now: () => Date): Heads {
  const select = database.prepare('SELECT * FROM heads WHERE run = ?')
  const insert = database.prepare(
    `INSERT INTO heads (run, size, root, model_entry, parameters, accepted_at, rollbacks) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (run) DO UPDATE SET size = excluded.size, root = excluded.root, model_entry = excluded.model_entry,
       parameters = excluded.parameters, accepted_at = excluded.accepted_at, rollbacks = rollbacks + excluded.rollbacks`,
  )
  const find = (run: RunId) => {
    const row = select.get(run)
    return row && readHead(row)
  }
  return {
    find,
    // On the disk with the next entry of the egress ledger, so before anything leaves for a later head.
    accept: (run, head, model) =>
      inTransaction(database, () => {
        const known = find(run)
        const kept = model ?? known?.model
        if (known && (goesBack(known, head) || (known.model && kept!.entry < known.model.entry)))
          throw new FederationError('log-forked', `this site has accepted a later head of the log of run ${run}`)
        const isRollback = model?.isRollback === true && model.entry !== known?.model?.entry
        const made = [kept?.entry ?? null, kept?.parameters ?? null] as const
        insert.run(run, head.size, head.root, ...made, now().toISOString(), isRollback ? 1 : 0)
      }),
    rollbacks: (run) => Number(select.get(run)?.rollbacks ?? 0),
  }
}

function goesBack(known: LogHead, head: LogHead): boolean {
  return head.size < known.size || (head.size === known.size && head.root !== known.root)
}

function readHead(row: Record<string, unknown>): AcceptedHead {
  const head = { size: Number(row.size), root: String(row.root) }
  if (row.model_entry === null) return head
  return { ...head, model: { entry: Number(row.model_entry), parameters: String(row.parameters) } }
}
