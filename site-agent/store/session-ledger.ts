/**
 * The ledger of this site's secure sessions (fedsum, section E.6): numbered, chained by hash, never changed; where the
 * ledgers of its peers were last seen, each as its site signed it; and whether this site was found to have been restored
 * from an old copy, with what a person made of that.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { SignedLedger } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import {
  emptyLedgerHead,
  type LedgerPosition,
  ledgerEpochMax,
  nextLedgerHead,
} from '@consilium/protos/secagg/session-ledger.ts'
import { durably, inTransaction } from './database.ts'

/** What a peer's ledger was seen to stand at. */
export type SeenLedger = SignedLedger & { readonly position: LedgerPosition }

/** That this site's ledger was further once than it is now. */
export type Restore = {
  readonly foundAt: string
  /** What this site itself had signed, and does not know of any more. */
  readonly seen: LedgerPosition
}

/** That a person here began the next epoch. */
export type Recovery = { readonly recoveredAt: string; readonly epoch: number; readonly account: string }

export type SessionLedger = {
  /** Epoch 1 and number 0 before the first session. */
  position(): LedgerPosition
  /** Where the ledger stands once a session of this plan is in it. */
  next(planHash: Sha256): LedgerPosition
  /** Where it stood with entry `number`; undefined where it has no such entry. */
  at(number: number): LedgerPosition | undefined
  /** Where a peer's was last seen in a run. */
  seen(site: SiteName, run: RunId): SeenLedger | undefined
  /** Keeps what was seen in a run in place of what was seen before. */
  see(run: RunId, ledgers: readonly SeenLedger[]): void
  /** The furthest that each peer was seen in any run, at most `limit` of them, those seen last first. */
  furthest(limit: number): readonly SeenLedger[]
  /** Undefined while nothing says that this site was restored, or a person has recovered it since. */
  restore(): Restore | undefined
  /** On the disk when this returns. */
  restored(seen: LedgerPosition): void
  recovery(): Recovery | undefined
  /** Begins the next epoch, on the disk when this returns; throws `not-restored` where nothing asks for it. */
  recover(account: string): LedgerPosition
}

export function openSessionLedger(database: DatabaseSync, now: () => Date): SessionLedger {
  const sql = prepare(database)
  const position = (): LedgerPosition => {
    const row = sql.last.get()
    return row ? readPosition(row) : { epoch: 1, number: 0, head: emptyLedgerHead }
  }
  const restore = (): Restore | undefined => {
    const row = sql.restore.get()
    return row && { foundAt: String(row.found_at), seen: readPosition(row) }
  }
  return {
    position,
    next: (planHash) => following(position(), planHash),
    at: (number) => {
      const row = sql.at.get(number)
      return row && readPosition(row)
    },
    seen: (site, run) => {
      const row = sql.seen.get(site, run)
      return row && readSeen(row)
    },
    see: (run, ledgers) =>
      inTransaction(database, () => {
        for (const { site, planHash, body, signature, position: at } of ledgers)
          sql.see.run(site, run, at.epoch, at.number, hex(at.head), planHash, body, signature, now().toISOString())
      }),
    furthest: (limit) => sql.furthest.all(limit).map(readSeen),
    restore,
    restored: ({ epoch, number, head }) =>
      void durably(database, () => sql.restored.run(now().toISOString(), epoch, number, hex(head))),
    recovery: () => {
      const row = sql.recovery.get()
      return (
        row && { recoveredAt: String(row.recovered_at), epoch: Number(row.new_epoch), account: String(row.account) }
      )
    },
    recover: (account) =>
      durably(database, () =>
        inTransaction(database, () => {
          const found = restore()
          if (!found)
            throw new FederationError('not-restored', 'nothing says that this site was restored: nothing is changed')
          const next = recovered(position(), found.seen)
          sql.append.run(next.number, next.epoch, noPlan, hex(next.head))
          sql.recovered.run(now().toISOString(), next.epoch, account)
          return next
        }),
      ),
  }
}

/** For {@link openSessions}, in the transaction that begins a session: throws `session-lost` where the ledger moved on. */
export function ledgerAppender(database: DatabaseSync): (planHash: Sha256, position: LedgerPosition) => void {
  const { last, append } = prepare(database)
  return (planHash, { epoch, number, head }) => {
    const row = last.get()
    const due = following(row ? readPosition(row) : { epoch: 1, number: 0, head: emptyLedgerHead }, planHash)
    if (due.epoch !== epoch || due.number !== number || hex(due.head) !== hex(head))
      throw new FederationError('session-lost', 'the ledger of this site moved on while a session was begun')
    append.run(number, epoch, planHash, hex(head))
  }
}

const noPlan = '0'.repeat(64)

function following({ epoch, number, head }: LedgerPosition, planHash: Sha256): LedgerPosition {
  const next = { epoch, number: number + 1 }
  return { ...next, head: nextLedgerHead(head, next, Buffer.from(planHash, 'hex')) }
}

/** Beyond everything that was ever seen of this site, so that no number is used twice. */
function recovered(own: LedgerPosition, seen: LedgerPosition): LedgerPosition {
  const next = { epoch: Math.max(own.epoch, seen.epoch) + 1, number: Math.max(own.number, seen.number) + 1 }
  if (next.epoch > ledgerEpochMax) throw new FederationError('limit-exceeded', 'this site was recovered too often')
  return { ...next, head: nextLedgerHead(own.head, next, Buffer.from(noPlan, 'hex')) }
}

function prepare(database: DatabaseSync) {
  return {
    last: database.prepare('SELECT * FROM session_ledger ORDER BY number DESC LIMIT 1'),
    at: database.prepare('SELECT * FROM session_ledger WHERE number = ?'),
    append: database.prepare('INSERT INTO session_ledger (number, epoch, plan_hash, head) VALUES (?, ?, ?, ?)'),
    seen: database.prepare('SELECT * FROM peer_ledgers WHERE site = ? AND run = ?'),
    see: database.prepare(
      `INSERT OR REPLACE INTO peer_ledgers (site, run, epoch, number, head, plan_hash, body, signature, seen_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    furthest: database.prepare(
      `SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY site ORDER BY epoch DESC, number DESC) AS place
       FROM peer_ledgers) WHERE place = 1 ORDER BY seen_at DESC, site LIMIT ?`,
    ),
    restore: database.prepare(
      `SELECT * FROM restores WHERE recovered_at = '' ORDER BY epoch DESC, number DESC LIMIT 1`,
    ),
    restored: database.prepare('INSERT INTO restores (found_at, epoch, number, head) VALUES (?, ?, ?, ?)'),
    recovery: database.prepare(`SELECT * FROM restores WHERE recovered_at <> '' ORDER BY seq DESC LIMIT 1`),
    recovered: database.prepare(
      `UPDATE restores SET recovered_at = ?, new_epoch = ?, account = ? WHERE recovered_at = ''`,
    ),
  }
}

function readPosition(row: Record<string, unknown>): LedgerPosition {
  return {
    epoch: Number(row.epoch),
    number: Number(row.number),
    head: Uint8Array.from(Buffer.from(String(row.head), 'hex')),
  }
}

function readSeen(row: Record<string, unknown>): SeenLedger {
  return {
    site: String(row.site),
    planHash: String(row.plan_hash),
    body: row.body as Uint8Array,
    signature: row.signature as Uint8Array,
    position: readPosition(row),
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
