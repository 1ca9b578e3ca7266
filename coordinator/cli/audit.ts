/**
 * Audit bundles on the command line: `log export --run --out` writes one from a running coordinator, `log verify --bundle`
 * checks one anywhere, with nothing but a roster.
 */
import { createWriteStream } from 'node:fs'
import { access, open, readFile, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { fields, formatBytes } from '@consilium/protos/plain-text.ts'
import type { BundleReport } from '../audit/verify-bundle.ts'
import type { Invocation } from './command.ts'
import { colored, type Terminal, table } from './output.ts'

/** Writes the bundle of a run; the file appears only once it is whole. */
export async function exportBundle(
  { home, print }: Pick<Invocation<unknown>, 'home' | 'print'>,
  run: string,
  { out, sums }: { readonly out: string; readonly sums: boolean },
): Promise<void> {
  const { bundleLines } = await import('../audit/bundle.ts')
  const { withAdmin } = await import('./with-admin.ts')
  const path = resolve(out)
  await access(path).then(
    () => {
      throw new FederationError('already-exists', `${out} is there already: name another file`)
    },
    () => {},
  )
  const part = `${path}.part`
  let lines = 0
  let bytes = 0
  await withAdmin(home, async (admin) => {
    const counted = async function* () {
      for await (const line of bundleLines(admin, run, { sums })) {
        lines += 1
        bytes += Buffer.byteLength(line) + 1
        yield `${line}\n`
      }
    }
    try {
      await pipeline(counted, createWriteStream(part, { flags: 'w' }))
      await synchronised(part)
      await rename(part, path)
    } finally {
      await rm(part, { force: true })
    }
  })
  print(
    { path, run, lines, bytes },
    () => `${out}: the audit bundle of run ${run}, ${lines} lines, ${formatBytes(bytes)}\n`,
  )
}

/** Verifies a bundle and prints what each round came to; throws `log-broken` where it does not hold. */
export async function verifyBundleFile(
  { print, terminal }: Pick<Invocation<unknown>, 'print' | 'terminal'>,
  bundle: string,
  roster: string,
): Promise<void> {
  const { readAuditRoster } = await import('../audit/roster.ts')
  const { verifyBundle } = await import('../audit/verify-bundle.ts')
  const { chunksOf, linesOf } = await import('./log-source.ts')
  const known = readAuditRoster(roster, await readable(roster, 'roster', (path) => readFile(path)))
  await readable(bundle, 'bundle', access)
  const report = { source: bundle, ...(await verifyBundle(linesOf(chunksOf(bundle)), known)) }
  print(report, () => reportText(report, terminal))
  if (!report.ok) throw new FederationError('log-broken', report.errors.join('\n'))
}

async function readable<Result>(path: string, what: string, read: (path: string) => Promise<Result>): Promise<Result> {
  try {
    return await read(path)
  } catch (cause) {
    throw new FederationError('invalid-argument', `cannot read the ${what}: ${errorMessage(cause)}`, { cause })
  }
}

async function synchronised(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.sync()
}

function reportText(report: BundleReport & { readonly source: string }, terminal: Terminal): string {
  const verdict = report.ok ? colored(terminal, 'green', 'verified') : colored(terminal, 'red', 'broken')
  const rounds = report.rounds.length > 0 ? `\n${table(header, report.rounds.map(row))}` : ''
  const facts = fields([
    ['run', report.run && `${report.run} of ${report.federation}, ${report.state}`],
    ['Merkle root', report.root],
    ['signed by', report.coordinator],
    ['means', takenText(report) || undefined],
  ])
  return `${report.source}: ${verdict}, ${report.entries} entries\n${facts}${rounds}`
}

/** Which means came from other runs, on whose word. */
function takenText({ taken }: BundleReport): string {
  return taken
    .map(({ run, columns, vouchers, remade }) => {
      const made = remade ? ' and made again from their sum' : ''
      return `of ${columns.join(', ')} from run ${run}, verified by ${vouchers} sites${made}`
    })
    .join('; ')
}

/**
 * U1 advertised keys, U2 shared them, U3 are in the sum; confirmations and releases of how many that were needed; whether
 * the result was made again from the sum.
 */
const header = ['round', 'purpose', 'mode', 'cohort', 'U1', 'U2', 'U3', 'confirmed', 'released', 'result', 'made again']

function row({ round, purpose, mode, outcome, cohort, counts, remade }: BundleReport['rounds'][number]): string[] {
  const result = outcome === 'committed' ? 'OK' : outcome
  const named = [String(round), purpose, mode, String(cohort.length)]
  const again = remade ? 'yes' : '-'
  if (!counts) return [...named, '-', '-', '-', '-', '-', result, again]
  const { advertised, shared, survivors, confirmations, releases, threshold } = counts
  const sets = [advertised, shared, survivors].map(String)
  return [...named, ...sets, `${confirmations} of ${threshold}`, `${releases} of ${threshold}`, result, again]
}
