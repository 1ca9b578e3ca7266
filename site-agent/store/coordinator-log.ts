/**
 * What this site holds of its coordinator's own signatures (fedsum, section E.6): the furthest head of each stream of the log,
 * revocations, rotations of its key; and the coordinator's recoveries from an old copy, with who said here that this site
 * goes along. Nothing of it is ever taken back: what was seen, was.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { KeyRotation } from '@consilium/protos/control-messages.ts'
import { federationStream, type SignedHead } from '@consilium/protos/log/signed-head.ts'
import type { Recovery } from '@consilium/protos/recovery.ts'
import type { Revocation } from '@consilium/protos/revocation.ts'
import { durably, inTransaction } from './database.ts'

/** `extended`: nothing that this site knew was lost. */
export type AcceptedBy = 'person' | 'policy' | 'extended'

export type KnownRecovery = Recovery & {
  /** How many entries of the federation's stream this site knew then. */
  readonly knownSize: number
  readonly foundAt: string
  /** Absent while it waits for the policy or a person. */
  readonly accepted?: { readonly at: string; readonly by: AcceptedBy; readonly account: string }
}

/** The coordinator shows a log that is behind the one it signed before, without a word about it. */
export type WentBack = { readonly shownSize: number; readonly knownSize: number; readonly foundAt: string }

export type CoordinatorLog = {
  head(stream: string): SignedHead | undefined
  /** In place of the one kept before; whether it may be is the caller's to check. */
  keepHead(head: SignedHead): void
  /** That of the federation first, then those seen last. */
  newestHeads(limit: number): readonly SignedHead[]
  /** Those that are new here. */
  keepRevocations(revocations: readonly Revocation[]): readonly Revocation[]
  /** The newest, oldest first. */
  revocations(limit: number): readonly Revocation[]
  keepRotations(rotations: readonly KeyRotation[]): void
  /** Oldest first. */
  rotations(): readonly KeyRotation[]
  /** Enters what is not known yet; `extended` is accepted with that. */
  found(recoveries: readonly Recovery[], knownSize: number, extended: boolean): void
  /** Oldest first. */
  recoveries(): readonly KnownRecovery[]
  /** This site goes along with every recovery so far; on the disk when this returns. */
  accept(by: 'person' | 'policy', account: string): void
  wentBack(): WentBack | undefined
  /** Undefined: it is where it was, or further. */
  setWentBack(sizes: Omit<WentBack, 'foundAt'> | undefined): void
}

export function openCoordinatorLog(database: DatabaseSync, now: () => Date): CoordinatorLog {
  const sql = prepare(database)
  const at = () => now().toISOString()
  return {
    head: (stream) => one(sql.head.get(stream), readHead),
    keepHead: ({ stream, epoch, size, root, at: signedAt, signature }) =>
      void sql.keepHead.run(stream, epoch, size, root, signedAt, signature, at()),
    newestHeads: (limit) => sql.heads.all(federationStream, limit).map(readHead),
    keepRevocations: (revocations) =>
      inTransaction(database, () => {
        return revocations.filter(({ site, publicKey, epoch, at: revokedAt, signature }) => {
          return sql.keepRevocation.run(site, publicKey, epoch, revokedAt, signature, at()).changes > 0
        })
      }),
    revocations: (limit) => sql.revocations.all(limit).map(readRevocation).reverse(),
    keepRotations: (rotations) =>
      inTransaction(database, () => {
        for (const { oldPublicKey, newPublicKey, oldSignature, newSignature } of rotations)
          sql.keepRotation.run(oldPublicKey, newPublicKey, oldSignature, newSignature, at())
      }),
    rotations: () => sql.rotations.all().map(readRotation),
    found: (recoveries, knownSize, extended) =>
      inTransaction(database, () => {
        for (const { epoch, size, root, at: recoveredAt, signature } of recoveries)
          sql.found.run(
            ...[epoch, size, root, recoveredAt, signature, knownSize, at()],
            ...(extended ? [at(), 'extended'] : ['', '']),
          )
      }),
    recoveries: () => sql.recoveries.all().map(readRecovery),
    accept: (by, account) => void durably(database, () => sql.accept.run(at(), by, account)),
    wentBack: () =>
      one(sql.wentBack.get(), (row) => ({
        shownSize: Number(row.shown_size),
        knownSize: Number(row.known_size),
        foundAt: String(row.found_at),
      })),
    setWentBack(sizes) {
      if (sizes) sql.setWentBack.run(sizes.shownSize, sizes.knownSize, at())
      else sql.clearWentBack.run()
    },
  }
}

function prepare(database: DatabaseSync) {
  return {
    head: database.prepare('SELECT * FROM coordinator_heads WHERE stream = ?'),
    keepHead: database.prepare(
      `INSERT OR REPLACE INTO coordinator_heads (stream, epoch, size, root, at, signature, seen_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    heads: database.prepare(
      'SELECT * FROM coordinator_heads ORDER BY stream = ? DESC, seen_at DESC, rowid DESC LIMIT ?',
    ),
    keepRevocation: database.prepare(
      `INSERT OR IGNORE INTO coordinator_revocations (site, public_key, epoch, at, signature, seen_at, pins_before)
     VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(seq), 0) FROM roster_pins))`,
    ),
    revocations: database.prepare('SELECT * FROM coordinator_revocations ORDER BY rowid DESC LIMIT ?'),
    keepRotation: database.prepare(
      `INSERT OR IGNORE INTO coordinator_rotations (old_public_key, new_public_key, old_signature, new_signature, seen_at)
     VALUES (?, ?, ?, ?, ?)`,
    ),
    rotations: database.prepare('SELECT * FROM coordinator_rotations ORDER BY rowid'),
    found: database.prepare(
      `INSERT OR IGNORE INTO coordinator_recoveries
     (epoch, size, root, at, signature, known_size, found_at, accepted_at, accepted_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    recoveries: database.prepare('SELECT * FROM coordinator_recoveries ORDER BY epoch'),
    accept: database.prepare(
      `UPDATE coordinator_recoveries SET accepted_at = ?, accepted_by = ?, account = ? WHERE accepted_at = ''`,
    ),
    wentBack: database.prepare('SELECT * FROM coordinator_went_back'),
    setWentBack: database.prepare(
      `INSERT INTO coordinator_went_back (id, shown_size, known_size, found_at) VALUES (1, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET shown_size = excluded.shown_size, known_size = excluded.known_size`,
    ),
    clearWentBack: database.prepare('DELETE FROM coordinator_went_back'),
  }
}

type Row = Record<string, unknown>

function one<Read>(row: Row | undefined, read: (row: Row) => Read): Read | undefined {
  return row && read(row)
}

function readHead(row: Row): SignedHead {
  return { stream: String(row.stream), ...readSignedSize(row) }
}

function readRevocation(row: Row): Revocation {
  return {
    site: String(row.site),
    publicKey: row.public_key as Uint8Array,
    epoch: Number(row.epoch),
    at: String(row.at),
    signature: row.signature as Uint8Array,
  }
}

function readRotation(row: Row): KeyRotation {
  return {
    oldPublicKey: row.old_public_key as Uint8Array,
    newPublicKey: row.new_public_key as Uint8Array,
    oldSignature: row.old_signature as Uint8Array,
    newSignature: row.new_signature as Uint8Array,
  }
}

function readRecovery(row: Row): KnownRecovery {
  const accepted = { at: String(row.accepted_at), by: row.accepted_by as AcceptedBy, account: String(row.account) }
  return {
    ...readSignedSize(row),
    knownSize: Number(row.known_size),
    foundAt: String(row.found_at),
    ...(accepted.at !== '' && { accepted }),
  }
}

function readSignedSize(row: Row): Recovery {
  return {
    epoch: Number(row.epoch),
    size: Number(row.size),
    root: String(row.root),
    at: String(row.at),
    signature: row.signature as Uint8Array,
  }
}
