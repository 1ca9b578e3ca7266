/** What evaluations and statistics in a log tell: their sums, and what is left of one without others. */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { RunId, SiteName } from '@consilium/protos/plan/names.ts'
import { makeStudy } from '../coordinator-fixture.ts'
import { madeUpEvaluation, madeUpStatistics } from '../made-up-trainer.ts'
import { type HostileFederation, siteNames } from './federation.ts'

/** Test rows, and how many of them the model got right. */
export type Evaluated = { readonly examples: number; readonly correct: number }
/** Training rows, and a column's values over them. */
export type Column = { readonly examples: number; readonly sum: number; readonly squares: number }

type Result = {
  readonly purpose: string
  readonly examples: number
  readonly accuracy?: number
  readonly columns?: readonly ColumnResult[]
}
type ColumnResult = { readonly name: string } & Readonly<Record<'means' | 'standardDeviations', readonly number[]>>

/** Those of the run, in their order. */
export async function evaluationsIn(federation: HostileFederation, run: RunId): Promise<Evaluated[]> {
  return (await resultsIn(federation, run)).flatMap(({ purpose, examples, accuracy }) =>
    purpose === 'evaluate' ? [{ examples, correct: Math.round(accuracy! * examples) }] : [],
  )
}

/** What the run's statistics tell of a column of numbers; undefined where it was not summed in that run. */
export async function columnIn(federation: HostileFederation, run: RunId, name: string): Promise<Column | undefined> {
  const { examples = 0, columns } =
    (await resultsIn(federation, run)).find(({ purpose }) => purpose === 'statistics') ?? {}
  const column = columns?.find((each) => each.name === name)
  if (!column) return undefined
  const [mean, deviation] = [column.means[0]!, column.standardDeviations[0]!]
  return { examples, sum: examples * mean, squares: examples * (deviation ** 2 + mean ** 2) }
}

async function resultsIn({ entries }: HostileFederation, run: RunId): Promise<Result[]> {
  return (await entries(runStream(run))).flatMap(({ type, body }) =>
    type === 'round-committed' ? [(body as unknown as { readonly result: Result }).result] : [],
  )
}

/** Number by number, what is left of one sum without others. */
export function less<Sum extends Readonly<Record<string, number>>>(
  all: Sum | undefined,
  ...others: readonly (Sum | undefined)[]
): Sum {
  const left = Object.entries(all!).map(([name, value]) => [
    name,
    others.reduce((rest, each) => rest - each![name]!, value),
  ])
  return Object.fromEntries(left) as Sum
}

/** What the site with this place among `names` adds. */
export function evaluatedAt(site: SiteName, names: readonly SiteName[] = siteNames): Evaluated {
  const { examples, correct } = madeUpEvaluation(names.indexOf(site), makeStudy().manifest)
  return { examples, correct }
}

/** The same of one of these columns, all of them numbers. */
export function summedAt(
  site: SiteName,
  column: string,
  columns: readonly string[],
  names: readonly SiteName[] = siteNames,
): Column {
  const features = columns.map((name) => ({ name, type: 'number' }) as const)
  const { examples, sums } = madeUpStatistics(names.indexOf(site), makeStudy({ features }).manifest)
  const at = columns.indexOf(column)
  return { examples, sum: sums[columns.length + at]!, squares: sums[2 * columns.length + at]! }
}
