/**
 * Decides, from DuckDB's own syntax tree, whether the site's view is one read-only, repeatable SELECT over the mapped
 * tables. The lock of the database holds the same line a second time, should this reading ever be fooled.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { z } from 'zod'
import { type Database, listed } from './database.ts'

/** Table functions that compute and do not read. */
const tableFunctions = new Set(['unnest', 'range', 'generate_series'])

/** Consistent by DuckDB's own catalogue, yet they depend on the moment or on the database rather than on the row. */
const refusedFunctions = new Set([
  'current_localtime',
  'current_localtimestamp',
  'current_setting',
  'getvariable',
  'json_deserialize_sql',
  'json_serialize_sql',
])

/** Macros worth having; the others ask about the database, the user or the clock. */
const macros = new Set(
  `array_append array_pop_back array_pop_front array_prepend array_push_back array_push_front array_reverse
  array_to_string date_add days_in_month fdiv fmod geomean geometric_mean nullif round_even roundbankers split_part
  wavg weighted_avg`.split(/\s+/),
)

/** Words that stand without parentheses and mean a function of the moment or the session. */
const sessionWords = new Set(
  `current_catalog current_date current_role current_schema current_time current_timestamp current_user localtime
  localtimestamp session_user user`.split(/\s+/),
)

const parsedSchema = z.object({
  error: z.boolean(),
  position: z.coerce.number().optional(),
  statements: z.array(z.unknown()).optional(),
})

type Syntax = { readonly [key: string]: unknown }
type Known = { readonly tables: ReadonlySet<string>; readonly functions: ReadonlySet<string> }

/** Throws `data-query-refused` naming the construct and the remedy. Runs nothing of the view. */
export async function checkView(database: Database, view: string, tables: readonly string[]): Promise<void> {
  const [[text]] = (await database.rows(`SELECT CAST(json_serialize_sql($1::VARCHAR) AS VARCHAR)`, [view])) as [
    [string],
  ]
  const parsed = parsedSchema.parse(JSON.parse(text))
  if (parsed.error) {
    if (parsed.position === undefined) throw refused('only a SELECT is allowed, nothing that writes, attaches or sets')
    throw refused(`syntax error on line ${view.slice(0, parsed.position).split('\n').length} of the view`)
  }
  if (parsed.statements?.length !== 1) throw refused(`exactly one SELECT is allowed, not ${parsed.statements?.length}`)
  const names = new Set(tables.map((table) => table.toLowerCase()))
  const tree = parsed.statements[0]
  for (const name of commonTableNames(tree)) names.add(name)
  const known = { tables: names, functions: await allowedFunctions(database) }
  visit(tree, (syntax, parent) => checkSyntax(syntax, parent, known))
}

function checkSyntax(syntax: Syntax, parent: Syntax | undefined, known: Known): void {
  if (syntax.sample) throw refused('a sample differs from run to run; select rows by a condition instead')
  if (syntax.class === undefined) checkSource(syntax, known)
  if (syntax.class === 'PARAMETER') throw refused('the view cannot take parameters')
  if (syntax.class === 'COLUMN_REF') checkColumnWord(syntax)
  if (syntax.class === 'FUNCTION' && parent?.type !== 'TABLE_FUNCTION') checkFunction(syntax, known)
}

function checkSource(syntax: Syntax, known: Known): void {
  if (syntax.type === 'SHOW_REF')
    throw refused('SHOW, DESCRIBE and SUMMARIZE yield no rows of patients; write a SELECT')
  if (syntax.type === 'TABLE_FUNCTION') {
    const name = functionName(syntax.function)
    if (!tableFunctions.has(name))
      throw refused(`the view cannot read from ${name}(); map the file under files and select from its table`)
  }
  if (syntax.type === 'BASE_TABLE') {
    const name = String(syntax.table_name)
    if (syntax.schema_name || syntax.catalog_name) throw refused(`write the table "${name}" without a schema`)
    if (!known.tables.has(name.toLowerCase()))
      throw refused(
        `the view reads from "${name}", which is not a mapped file; mapped are ${listed([...known.tables])}`,
      )
  }
}

function checkFunction(syntax: Syntax, known: Known): void {
  const name = functionName(syntax)
  if (!known.functions.has(name))
    throw refused(`the function ${name}() is not allowed: it is unknown, or depends on more than the row`)
}

function checkColumnWord(syntax: Syntax): void {
  const names = syntax.column_names
  if (Array.isArray(names) && names.length === 1 && sessionWords.has(String(names[0]).toLowerCase()))
    throw refused(`${names[0]} differs from run to run; write a fixed value instead`)
}

/** Scalar and aggregate functions whose result follows from their arguments, and the macros listed above. */
async function allowedFunctions(database: Database): Promise<Set<string>> {
  const rows = await database.rows('SELECT DISTINCT function_name, function_type, stability FROM duckdb_functions()')
  const allowed = new Set(['unnest'])
  const unstable = new Set<string>()
  for (const [name, type, stability] of rows.map((row) => row.map(String)) as [string, string, string][]) {
    if ((type === 'scalar' || type === 'aggregate') && stability === 'CONSISTENT') allowed.add(name)
    else if (type === 'scalar' || type === 'aggregate') unstable.add(name)
    else if (type === 'macro' && (macros.has(name) || name.startsWith('list_'))) allowed.add(name)
  }
  return new Set([...allowed].filter((name) => !unstable.has(name) && !refusedFunctions.has(name)))
}

/** Names that WITH gives; plain words only, so that none can pass for a file. */
function commonTableNames(tree: unknown): string[] {
  const names: string[] = []
  visit(tree, (syntax) => {
    const map = (syntax.cte_map as Syntax | undefined)?.map
    if (!Array.isArray(map)) return
    for (const { key } of map as { key: unknown }[]) {
      const name = String(key)
      if (!/^\w{1,200}$/.test(name)) throw refused('WITH names may hold letters, digits and underscores only')
      names.push(name.toLowerCase())
    }
  })
  return names
}

function functionName(syntax: unknown): string {
  return String((syntax as Syntax | undefined)?.function_name ?? '').toLowerCase()
}

function visit(tree: unknown, call: (syntax: Syntax, parent: Syntax | undefined) => void): void {
  const open: { node: unknown; parent: Syntax | undefined }[] = [{ node: tree, parent: undefined }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, parent } = next
    if (Array.isArray(node)) for (const item of node) open.push({ node: item, parent })
    else if (typeof node === 'object' && node !== null) {
      call(node as Syntax, parent)
      for (const value of Object.values(node)) open.push({ node: value, parent: node as Syntax })
    }
  }
}

function refused(message: string): FederationError {
  return new FederationError('data-query-refused', `view of site.yaml: ${message}`)
}
