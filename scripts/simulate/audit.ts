/**
 * The audit bundle of a simulated run, for whoever wants to check it elsewhere: written beside the report with the roster
 * as the sites told it one another, and verified against that alone.
 */
import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type BundleSource, bundleLines } from '@consilium/coordinator/audit/bundle.ts'
import type { AuditRoster } from '@consilium/coordinator/audit/roster.ts'
import { verifyBundle } from '@consilium/coordinator/audit/verify-bundle.ts'
import { chunksOf, linesOf } from '@consilium/coordinator/cli/log-source.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { RunId } from '@consilium/protos/plan/names.ts'
import { stringify } from 'yaml'

export type Audit = {
  /** Of the bundle. */
  readonly path: string
  readonly entries: number
  /** Merkle root of the run's log. */
  readonly root: string
}

/** Writes audit.jsonl and roster.yaml to `out`; throws `log-broken` where the bundle does not verify. */
export async function auditRun(source: BundleSource, run: RunId, roster: AuditRoster, out: string): Promise<Audit> {
  const path = join(out, 'audit.jsonl')
  const lines = async function* () {
    for await (const line of bundleLines(source, run)) yield `${line}\n`
  }
  await pipeline(lines, createWriteStream(path))
  await writeFile(join(out, 'roster.yaml'), stringify(roster))
  const { ok, errors, entries, root } = await verifyBundle(linesOf(chunksOf(path)), roster)
  if (!ok) throw new FederationError('log-broken', errors.join('\n'))
  return { path, entries, root }
}
