/**
 * Runs the site's view and fetches the columns a study names, as numbers or texts. The rows come in a canonical order,
 * sorted by every fetched column, so that training does not depend on how the view happens to join or sort.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Feature, Label, Study } from '@consilium/protos/plan/study.ts'
import { type Database, DatabaseError, guarded, listed, quoteIdentifier } from './database.ts'
import type { SiteConfig } from './site-config.ts'
import { splitColumn } from './split.ts'

/** Most rows a view may yield. */
const rowsMax = 50_000_000

/** Numbers with NaN, or texts with null, where a value is missing. */
export type Cells = Float64Array | readonly (string | null)[]

export type ViewRows = {
  readonly count: number
  /** One per feature, in the study's order; texts for a category of texts. */
  readonly features: readonly Cells[]
  readonly label: Cells
  /** Text of the split's column. */
  readonly split: readonly (string | null)[]
  /** Text of the column that tells patients apart; absent where none does. */
  readonly patients?: readonly (string | null)[]
  /** Where a person finds row `i`: "data row 18" of the file where the view yields `row_number`, else of the view. */
  readonly nameOf: (i: number) => string
}

type Wanted = { readonly name: string; readonly kind: 'number' | 'boolean' | 'text' | 'any' }

/** Throws `data-query-refused`, `data-missing-column` or `data-wrong-type`. The view's SQL must have been checked. */
export async function fetchView(
  database: Database,
  { view, patientColumn }: Pick<SiteConfig, 'view' | 'patientColumn'>,
  study: Study,
): Promise<ViewRows> {
  const types = await describeView(database, view)
  const wanted: Wanted[] = [
    ...study.features.map((feature) => ({ name: feature.name, kind: kindOf(feature) })),
    { name: study.label.name, kind: kindOf(study.label) },
    { name: splitColumn(study), kind: study.split.by === 'column' ? 'text' : 'any' },
  ]
  const isSplitKey = patientColumn?.toLowerCase() === splitColumn(study).toLowerCase()
  if (patientColumn !== undefined && !isSplitKey) {
    if (!types.has(patientColumn.toLowerCase()))
      throw new FederationError(
        'data-missing-column',
        `the view yields no ${patientColumn}, the patientColumn of site.yaml`,
      )
    wanted.push({ name: patientColumn, kind: 'any' })
  }
  for (const column of wanted) checkColumn(column, types)
  const located = isNumber(types.get('row_number') ?? '')
  const columns = await fetchColumns(database, wanted, located)
  const features = columns.slice(0, study.features.length)
  const [label, split] = columns.slice(study.features.length) as [Cells, readonly (string | null)[]]
  const [position, rowNumber] = columns.slice(wanted.length) as [Float64Array, Float64Array | undefined]
  const own = wanted.length > study.features.length + 2 ? (columns[wanted.length - 1] as typeof split) : undefined
  const patients = own ?? (isSplitKey || study.split.by === 'hash' ? split : undefined)
  return {
    count: position.length,
    features,
    label,
    split,
    ...(patients && { patients }),
    nameOf: (i) => {
      const number = rowNumber?.[i] ?? Number.NaN
      return Number.isNaN(number) ? `row ${position[i]} of the view` : `data row ${number + 1}`
    },
  }
}

function kindOf(column: Feature | Label): Wanted['kind'] {
  if (column.type === 'category') return typeof column.levels[0] === 'string' ? 'text' : 'number'
  return column.type === 'number' ? 'number' : 'boolean'
}

/** Lower-case column names with their types; creates the view. */
async function describeView(database: Database, view: string): Promise<Map<string, string>> {
  try {
    await database.run(`CREATE VIEW consilium_view AS\n${view}`)
    const rows = await database.rows('DESCRIBE consilium_view')
    return new Map(rows.map(([name, type]) => [String(name).toLowerCase(), String(type)]))
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    if (error.identifier !== undefined && view.toLowerCase().includes(error.identifier.toLowerCase()))
      throw new FederationError(
        'data-missing-column',
        `view of site.yaml: it uses the column ${error.identifier}, which no table it selects from declares`,
      )
    throw error.as(
      'data-query-refused',
      'view of site.yaml: the database cannot make sense of it; check names and types',
    )
  }
}

function checkColumn({ name, kind }: Wanted, types: ReadonlyMap<string, string>): void {
  const type = types.get(name.toLowerCase())
  if (type === undefined)
    throw new FederationError(
      'data-missing-column',
      `the study needs the column ${name}; the view yields ${listed([...types.keys()])}`,
    )
  const fits = {
    any: true,
    number: isNumber(type),
    boolean: isNumber(type) || type === 'BOOLEAN',
    text: type === 'VARCHAR' || type.startsWith('ENUM('),
  }[kind]
  if (!fits)
    throw new FederationError(
      'data-wrong-type',
      `column ${name}: the view yields ${/^\w+/.exec(type)?.[0]}, the study wants a ${kind}; cast it in the view`,
    )
}

function isNumber(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\))$/.test(type)
}

/** The wanted columns, then the one-based position in the view, then the view's own row_number where it has one. */
async function fetchColumns(database: Database, wanted: readonly Wanted[], located: boolean): Promise<Cells[]> {
  const sql = wanted.map(({ name, kind }) => {
    const type = kind === 'text' || kind === 'any' ? 'VARCHAR' : 'DOUBLE'
    return `CAST(${quoteIdentifier(name)} AS ${type})`
  })
  sql.push('CAST(consilium_position AS DOUBLE)', ...(located ? ['CAST(row_number AS DOUBLE)'] : []))
  const order = sql.map((_, i) => i + 1).join(', ')
  const numbered = 'SELECT *, row_number() OVER () AS consilium_position FROM consilium_view'
  try {
    return await collect(database, `SELECT ${sql.join(', ')} FROM (${numbered}) ORDER BY ${order}`, sql)
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    throw error.as('data-query-refused', 'view of site.yaml: it fails on a row; TRY_CAST gives NULL where a CAST fails')
  }
}

async function collect(database: Database, query: string, sql: readonly string[]): Promise<Cells[]> {
  const isText = sql.map((expression) => expression.endsWith('VARCHAR)'))
  const texts: (string | null)[][] = sql.map(() => [])
  const numbers: Float64Array[][] = sql.map(() => [])
  let rows = 0
  const result = await guarded(() => database.connection.stream(query))
  for (;;) {
    const chunk = await guarded(() => result.fetchChunk())
    if (!chunk || chunk.rowCount === 0) break
    rows += chunk.rowCount
    if (rows > rowsMax)
      throw new FederationError(
        'limit-exceeded',
        `view of site.yaml: it yields over ${rowsMax} rows; is a join missing?`,
      )
    for (let i = 0; i < sql.length; i++) {
      const cells = chunk.getColumnValues(i)
      if (isText[i]) for (const cell of cells) texts[i]!.push(cell as string | null)
      else numbers[i]!.push(Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : (cell as number))))
    }
  }
  return sql.map((_, i) => (isText[i] ? texts[i]! : joined(numbers[i]!, rows)))
}

function joined(parts: readonly Float64Array[], length: number): Float64Array {
  const whole = new Float64Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
