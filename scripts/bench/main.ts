/**
 * `npm run bench -- train [--json] [--full]`: runs one bench and prints its rows as a table, or as one JSON object. A bench
 * is a module that exports `run`.
 */

export type BenchOptions = {
  readonly json: boolean
  /** Everything there is to measure, however long it takes. */
  readonly full: boolean
}
export type BenchResult = {
  readonly name: string
  readonly rows: readonly Readonly<Record<string, string | number>>[]
  /** The order of the table's columns where it is not that of the first row. */
  readonly columns?: readonly string[]
  /** What was measured and how, for the reader of the figures. */
  readonly notes?: readonly string[]
}
type Bench = { readonly run: (options: BenchOptions) => Promise<BenchResult> }

const benches: Readonly<Record<string, string>> = { train: './train.ts', round: './round.ts', secagg: './secagg.ts' }

const [name = '', ...flags] = process.argv.slice(2)
const unknown = flags.find((flag) => flag !== '--json' && flag !== '--full')
if (!Object.hasOwn(benches, name) || unknown !== undefined) {
  console.error(`usage: npm run bench -- <${Object.keys(benches).join(' | ')}> [--json] [--full]`)
  process.exitCode = 2
} else {
  const json = flags.includes('--json')
  const bench = (await import(benches[name] as string)) as Bench
  const result = await bench.run({ json, full: flags.includes('--full') })
  if (json) console.log(JSON.stringify(result))
  else {
    console.table(result.rows, result.columns)
    for (const note of result.notes ?? []) console.log(note)
  }
}
