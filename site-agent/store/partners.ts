/**
 * With whom this site helps to sums of statistics and evaluations (fedsum, section E.4): for each study and purpose one set of
 * sites at a time, the first that it masked for, or the one that a change of partners led to; and the sets before that.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Purpose, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { durably, inTransaction } from './database.ts'

export type Partners = {
  readonly study: Sha256
  readonly purpose: Exclude<Purpose, 'train'>
  /** Of an evaluation: what it evaluates by, the same in all studies with this label. */
  readonly label: string
  readonly sites: readonly SiteName[]
  /** Number of the change by which they came to be; 0 for those that were settled on first. */
  readonly change: number
}

export type PartnerStore = {
  find(study: Sha256, purpose: Partners['purpose']): Partners | undefined
  /** Once for each study and purpose; a later set changes nothing. */
  keep(partners: Partners): void
  /** In place of those before, which stay known. On the disk when this returns. */
  change(partners: Partners): void
  /** The sets of every study that evaluates by this label, those of before too. */
  evaluating(label: string): readonly Partners[]
  /** Of a study; those of before first. */
  sets(study: Sha256): readonly (Partners & { readonly past: boolean })[]
}

export function openPartners(database: DatabaseSync, now: () => Date): PartnerStore {
  const insert = database.prepare(
    'INSERT OR IGNORE INTO partners (study, purpose, label, sites, settled_at, change) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const remember = database.prepare(
    'INSERT INTO past_partners SELECT study, purpose, label, sites, settled_at, change FROM partners WHERE study = ? AND purpose = ?',
  )
  const forget = database.prepare('DELETE FROM partners WHERE study = ? AND purpose = ?')
  const one = database.prepare('SELECT * FROM partners WHERE study = ? AND purpose = ?')
  const byLabel = database.prepare(
    `SELECT * FROM (SELECT * FROM partners UNION ALL SELECT * FROM past_partners)
     WHERE purpose = 'evaluate' AND label = ? ORDER BY settled_at`,
  )
  const byStudy = database.prepare(
    `SELECT *, 1 AS past FROM past_partners WHERE study = ? UNION ALL SELECT *, 0 FROM partners WHERE study = ? ORDER BY past DESC, change`,
  )
  const add = ({ study, purpose, label, sites, change }: Partners) =>
    void insert.run(study, purpose, label, JSON.stringify(sites), now().toISOString(), change)
  return {
    find(study, purpose) {
      const row = one.get(study, purpose)
      return row && readPartners(row)
    },
    keep: add,
    change: (partners) =>
      durably(database, () =>
        inTransaction(database, () => {
          remember.run(partners.study, partners.purpose)
          forget.run(partners.study, partners.purpose)
          add(partners)
        }),
      ),
    evaluating: (label) => byLabel.all(label).map(readPartners),
    sets: (study) => byStudy.all(study, study).map((row) => ({ ...readPartners(row), past: row.past === 1 })),
  }
}

function readPartners(row: Record<string, unknown>): Partners {
  return {
    study: String(row.study),
    purpose: row.purpose as Partners['purpose'],
    label: String(row.label),
    sites: JSON.parse(String(row.sites)) as SiteName[],
    change: Number(row.change),
  }
}
