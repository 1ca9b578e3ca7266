/**
 * Columns of this site's view in statistics (fedsum, section E.4): which it masked a sum of, among which sites, with what of
 * its own, and the means that came of sums, here or elsewhere. A column is summed once, in all studies and runs.
 */
import type { DatabaseSync } from 'node:sqlite'
import { type SummedColumn, summedColumnSchema } from '@consilium/protos/plan/columns.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'

/** For whom this site first masked a column. */
export type ColumnSum = { readonly planHash: Sha256; readonly sites: readonly SiteName[] }

/** What this site gives under a plan; `repeats`: the plan that masked the same before. */
export type ColumnShare = { readonly sealed: Uint8Array; readonly repeats?: Sha256 }

export type ColumnMean = {
  readonly column: SummedColumn
  readonly run: RunId
  /** Of the statistics round that summed it. */
  readonly planHash: Sha256
  /** How many sites vouched for it; undefined where this site verified the sum itself. */
  readonly vouchers?: number
}

export type Columns = {
  summed(name: string): ColumnSum | undefined
  /** Once for each column; later ones change nothing. */
  settle(names: readonly string[], sum: ColumnSum): void
  share(planHash: Sha256, name: string): ColumnShare | undefined
  keepShare(planHash: Sha256, name: string, share: ColumnShare): void
  mean(name: string): ColumnMean | undefined
  /** Takes the place of what was known. */
  keepMean(mean: ColumnMean): void
  /** The sum of this plan counts as failed: it made no means. */
  forgetMeans(planHash: Sha256): void
}

export function openColumns(database: DatabaseSync, now: () => Date): Columns {
  const oneSum = database.prepare('SELECT * FROM column_sums WHERE name = ?')
  const insertSum = database.prepare(
    'INSERT OR IGNORE INTO column_sums (name, plan_hash, sites, settled_at) VALUES (?, ?, ?, ?)',
  )
  const oneShare = database.prepare('SELECT * FROM column_shares WHERE plan_hash = ? AND name = ?')
  const replaceShare = database.prepare(
    'INSERT OR REPLACE INTO column_shares (plan_hash, name, sealed, repeats) VALUES (?, ?, ?, ?)',
  )
  const oneMean = database.prepare('SELECT * FROM column_means WHERE name = ?')
  const replaceMean = database.prepare(
    'INSERT OR REPLACE INTO column_means (name, summed, run, plan_hash, vouchers, at) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const removeMeans = database.prepare('DELETE FROM column_means WHERE plan_hash = ?')
  return {
    summed(name) {
      const row = oneSum.get(name)
      return row && { planHash: String(row.plan_hash), sites: JSON.parse(String(row.sites)) }
    },
    settle(names, { planHash, sites }) {
      for (const name of names) insertSum.run(name, planHash, JSON.stringify(sites), now().toISOString())
    },
    share(planHash, name) {
      const row = oneShare.get(planHash, name)
      if (!row) return undefined
      return { sealed: row.sealed as Uint8Array, ...(row.repeats !== '' && { repeats: String(row.repeats) }) }
    },
    keepShare: (planHash, name, { sealed, repeats = '' }) => void replaceShare.run(planHash, name, sealed, repeats),
    mean(name) {
      const row = oneMean.get(name)
      return row && readMean(row)
    },
    keepMean({ column, run, planHash, vouchers }) {
      const { name } = column
      replaceMean.run(name, JSON.stringify(column), run, planHash, vouchers ?? null, now().toISOString())
    },
    forgetMeans: (planHash) => void removeMeans.run(planHash),
  }
}

function readMean(row: Record<string, unknown>): ColumnMean {
  return {
    column: summedColumnSchema.parse(JSON.parse(String(row.summed))),
    run: String(row.run),
    planHash: String(row.plan_hash),
    ...(row.vouchers !== null && { vouchers: Number(row.vouchers) }),
  }
}
