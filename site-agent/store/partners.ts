/**
 * With whom this site helps to sums of statistics and evaluations (fedsum, section E.4): for each study and purpose one set of
 * sites, the first that it masked for, in all runs and on all models. Two sets that differ by a few sites would tell of those.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Purpose, Sha256, SiteName } from '@consilium/protos/plan/names.ts'

export type Partners = {
  readonly study: Sha256
  readonly purpose: Exclude<Purpose, 'train'>
  /** Of an evaluation: what it evaluates by, the same in all studies with this label. */
  readonly label: string
  readonly sites: readonly SiteName[]
}

export type PartnerStore = {
  find(study: Sha256, purpose: Partners['purpose']): readonly SiteName[] | undefined
  /** Once for each study and purpose; a later set changes nothing. */
  keep(partners: Partners): void
  /** The sets of every study that evaluates by this label. */
  evaluating(label: string): readonly Partners[]
}

export function openPartners(database: DatabaseSync, now: () => Date): PartnerStore {
  const insert = database.prepare(
    'INSERT OR IGNORE INTO partners (study, purpose, label, sites, settled_at) VALUES (?, ?, ?, ?, ?)',
  )
  const one = database.prepare('SELECT sites FROM partners WHERE study = ? AND purpose = ?')
  const byLabel = database.prepare(`SELECT * FROM partners WHERE purpose = 'evaluate' AND label = ? ORDER BY rowid`)
  const sitesIn = (row: Record<string, unknown>): SiteName[] => JSON.parse(String(row.sites))
  return {
    find(study, purpose) {
      const row = one.get(study, purpose)
      return row && sitesIn(row)
    },
    keep: ({ study, purpose, label, sites }) =>
      void insert.run(study, purpose, label, JSON.stringify(sites), now().toISOString()),
    evaluating: (label) =>
      byLabel.all(label).map((row) => ({ study: String(row.study), purpose: 'evaluate', label, sites: sitesIn(row) })),
  }
}
