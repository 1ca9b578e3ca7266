/**
 * What a round costs beyond its training, in a federation deployed as it would be: a coordinator and four agents as
 * processes, mutual TLS over loopback. With one local step of four rows there is next to no training in a round; the same
 * with the demo's hundred steps stands beside it.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { heartData } from '../demo/heart-data.ts'
import { writeHeartFederation } from '../demo/heart-federation.ts'
import { readFederationFolder } from '../simulate/federation-folder.ts'
import { progressOn } from '../simulate/progress.ts'
import { simulate } from '../simulate/simulation.ts'
import type { BenchOptions, BenchResult } from './main.ts'

const rounds = 30
/** The first rounds carry start-up: trainers load, code warms. */
const warmUpRounds = 3

type Measured = { readonly secondsOfRounds: readonly number[]; readonly residentBytes: number | undefined }

export async function run(_options: BenchOptions): Promise<BenchResult> {
  const bare = await measure(1)
  const demo = await measure(100)
  return {
    name: 'round',
    rows: [
      row('Consilium, 1 local step', bare),
      row('Consilium, 100 local steps', demo),
      { system: 'NVFlare 2.9, deployed', 'median s a round': 2.6 },
      { system: 'Flower 1.41, deployed', 'median s a round': 6.2 },
    ],
    notes: [
      `A coordinator and four site agents as processes on this machine, logistic regression with 13 features; ${rounds - warmUpRounds} rounds after ${warmUpRounds} of warm-up, each with training and the evaluation of its result.`,
      'Memory is the resident memory of the coordinator, the agents and their training processes added up near the end of the run; pages they share count for each.',
      'The figures of NVFlare and Flower were not taken in this run: we measured them once on a machine with 2 cores, four sites as processes, same kind of work.',
    ],
  }
}

function row(system: string, { secondsOfRounds, residentBytes }: Measured): Record<string, string | number> {
  const sorted = [...secondsOfRounds].sort((a, b) => a - b)
  const quantile = (share: number) => Number(sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(3))
  return {
    system,
    'median s a round': quantile(0.5),
    'slowest s': quantile(1),
    ...(residentBytes !== undefined && { 'memory MB': Math.round(residentBytes / 1e6) }),
  }
}

/** Runs the synthetic hospitals with so many local steps a round. */
async function measure(steps: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-bench-'))
  try {
    const progress = progressOn(process.stderr)
    const data = await heartData({
      choice: 'synthetic',
      cacheFolder: folder,
      baseUrl: '',
      timeoutMs: 1,
      say: progress.line,
    })
    await writeHeartFederation(join(folder, 'federation'), data, { seed: 0, rounds, steps })
    let resident: Promise<number | undefined> | undefined
    const report = await simulate({
      federation: await readFederationFolder(join(folder, 'federation')),
      out: join(folder, 'out'),
      keep: false,
      progress,
      signal: new AbortController().signal,
      onChange: ({ current }, processIds) => {
        if (current?.round === rounds - 1) resident ??= residentBytes(new Set(processIds.values()))
      },
    })
    return {
      secondsOfRounds: report.rounds.slice(warmUpRounds).map(({ seconds }) => seconds),
      residentBytes: await resident,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Resident memory of the process groups that these processes lead; undefined where there is no /proc. */
async function residentBytes(leaders: ReadonlySet<number>): Promise<number | undefined> {
  const entries = await readdir('/proc').catch(() => [])
  const sizes = await Promise.all(
    entries
      .filter((entry) => /^\d+$/.test(entry))
      .map(async (id) => {
        const [stat, status] = await Promise.all(
          ['stat', 'status'].map((name) => readFile(`/proc/${id}/${name}`, 'utf8').catch(() => '')),
        )
        // After the command's name in parentheses: state, parent, process group.
        const group = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
        const kibibytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status ?? '')?.[1] ?? 0)
        return leaders.has(group) ? kibibytes * 1024 : 0
      }),
  )
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  return total === 0 ? undefined : total
}
