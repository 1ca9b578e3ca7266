/**
 * The changes of partners that the lead of a study signed, as far as this site was shown them (fedsum, section E.4), in their
 * order, each with what was decided here; and what this site itself said, for the coordinator to be told until it knows.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import {
  type PartnerWord,
  parsePartnerChange,
  type ReadPartnerChange,
  type SignedPartnerChange,
  type SitesPartnerWord,
} from '@consilium/protos/plan/partner-change.ts'
import { durably } from './database.ts'

export type KnownChange = {
  readonly change: ReadPartnerChange
  readonly signed: SignedPartnerChange
  /** What sites that leave and join by it said, as they were last shown. */
  readonly words: readonly SitesPartnerWord[]
  readonly seenAt: string
  /** Undefined while this site does not go along. */
  readonly agreed?: { readonly at: string; readonly by: 'itself' | 'person'; readonly account: string }
}

export type PartnerChanges = {
  /** Keeps a change, or what more was said of one that is known. On the disk when this returns. */
  keep(change: ReadPartnerChange, signed: SignedPartnerChange, words: readonly SitesPartnerWord[]): void
  /** By number; of one study. */
  list(study: Sha256): readonly KnownChange[]
  /** That this site goes along, for good, and its own word of it. On the disk when this returns. */
  agree(study: Sha256, number: number, by: 'itself' | 'person', account: string): void
  /** What this site says itself. On the disk when this returns; the same again changes nothing. */
  say(word: PartnerWord): void
  /** What the coordinator was not told yet, oldest first. */
  untold(): readonly PartnerWord[]
  told(word: PartnerWord): void
  /** What this site said of a change is not known there any more. */
  tellAgain(change: Sha256): void
}

export function openPartnerChanges(database: DatabaseSync, now: () => Date): PartnerChanges {
  const insert = database.prepare(
    `INSERT INTO partner_changes (study, number, body, signature, words, seen_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (study, number) DO UPDATE SET words = excluded.words`,
  )
  const all = database.prepare('SELECT * FROM partner_changes WHERE study = ? ORDER BY number')
  const agree = database.prepare(
    `UPDATE partner_changes SET agreed_at = ?, agreed_by = ?, account = ? WHERE study = ? AND number = ? AND agreed_at = ''`,
  )
  const say = database.prepare('INSERT OR IGNORE INTO partner_words (signature, word, said_at) VALUES (?, ?, ?)')
  const untold = database.prepare(`SELECT * FROM partner_words WHERE told_at = '' ORDER BY seq`)
  const again = database.prepare(`UPDATE partner_words SET told_at = '' WHERE json_extract(word, '$.change') = ?`)
  const told = database.prepare('UPDATE partner_words SET told_at = ? WHERE signature = ?')
  return {
    keep: ({ study, number }, { bytes, signature }, words) =>
      void durably(database, () =>
        insert.run(study, number, bytes, signature, JSON.stringify(words.map(toJson)), now().toISOString()),
      ),
    list: (study) => all.all(study).map(readChange),
    agree: (study, number, by, account) =>
      void durably(database, () => agree.run(now().toISOString(), by, account, study, number)),
    say: (word) =>
      void durably(database, () => say.run(hex(word.signature), JSON.stringify(toJson(word)), now().toISOString())),
    untold: () => untold.all().map((row) => fromJson(JSON.parse(String(row.word)))),
    tellAgain: (change) => void again.run(change),
    told: ({ signature }) => void told.run(now().toISOString(), hex(signature)),
  }
}

function readChange(row: Record<string, unknown>): KnownChange {
  const [bytes, signature] = [row.body as Uint8Array, row.signature as Uint8Array]
  const by = String(row.agreed_by)
  return {
    change: parsePartnerChange(bytes),
    signed: { bytes, signature },
    words: (JSON.parse(String(row.words)) as unknown[]).map((word) => fromJson(word) as SitesPartnerWord),
    seenAt: String(row.seen_at),
    ...((by === 'itself' || by === 'person') && {
      agreed: { at: String(row.agreed_at), by, account: String(row.account) },
    }),
  }
}

function toJson({ signature, ...word }: PartnerWord): object {
  return { ...word, signature: hex(signature) }
}

/** As {@link toJson} wrote it. */
function fromJson(json: unknown): PartnerWord {
  const { signature, ...word } = json as { readonly signature: string }
  return { ...word, signature: Uint8Array.from(Buffer.from(signature, 'hex')) } as PartnerWord
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
