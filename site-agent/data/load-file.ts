/**
 * Reads one mapped file into a table of its declared types. Every cell is first read as it stands, then cast, so that a
 * cell of the wrong type is named by column and row and never printed.
 */
import { statSync } from 'node:fs'
import { FederationError } from '@consilium/protos/errors.ts'
import { readCsvHeader } from './csv-header.ts'
import { type Database, DatabaseError, listed, quoteIdentifier, quoteText } from './database.ts'
import type { ColumnType, MappedFile } from './site-config.ts'

const staged = 'consilium_staged'

/**
 * Creates `table` with the declared columns and `row_number`, the zero-based BIGINT position in the file. Throws
 * `data-unreadable`, `data-empty`, `data-missing-column` or `data-wrong-type`.
 */
export async function loadFile(database: Database, table: string, file: MappedFile): Promise<void> {
  checkReadable(table, file)
  const source = file.format === 'csv' ? csvSource(table, file) : await parquetSource(database, table, file)
  const columns = Object.entries(file.columns)
  const list = columns.map(([name]) => quoteIdentifier(name)).join(', ')
  await orUnreadable(table, file, () =>
    database.run(`CREATE TABLE ${staged} AS SELECT row_number() OVER () - 1 AS row_number, ${list} FROM ${source}`),
  )
  const [[rows]] = (await database.rows(`SELECT count(*) FROM ${staged}`)) as [[bigint]]
  if (rows === 0n) throw new FederationError('data-empty', `${table}: its file holds no row`)
  for (const [name, type] of columns) await checkCast(database, table, name, type)
  const casts = columns.map(([name, type]) => `${castOf(name, type)} AS ${quoteIdentifier(name)}`)
  await database.run(
    `CREATE TABLE ${quoteIdentifier(table)} AS SELECT row_number, ${casts.join(', ')} FROM ${staged} ORDER BY row_number`,
  )
  await database.run(`DROP TABLE ${staged}`)
}

function checkReadable(table: string, file: MappedFile): void {
  const stats = statSync(file.path, { throwIfNoEntry: false })
  if (!stats?.isFile())
    throw new FederationError('data-unreadable', `${table}: there is no file ${file.path}; check files.${table}.path`)
  if (stats.size === 0) throw new FederationError('data-empty', `${table}: its file is empty`)
}

function csvSource(table: string, file: Extract<MappedFile, { format: 'csv' }>): string {
  const declared = Object.keys(file.columns)
  const names = file.header ? readHeader(table, file) : declared
  const columns = names.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ')
  const nulls = ['', ...file.nullValues].map(quoteText).join(', ')
  return `read_csv(${quoteText(file.path)}, auto_detect = false, header = ${file.header}, columns = {${columns}},
    delim = ${quoteText(file.delimiter)}, quote = '"', escape = '"', nullstr = [${nulls}])`
}

function readHeader(table: string, file: Extract<MappedFile, { format: 'csv' }>): string[] {
  const names = readCsvHeader(file.path, file.delimiter, table)
  // The header is not printed: where the file has none, its first line is a patient.
  checkPresent(table, Object.keys(file.columns), names, `its first line names ${names.length}, none of them so`)
  return names
}

async function parquetSource(database: Database, table: string, file: MappedFile): Promise<string> {
  const source = `read_parquet(${quoteText(file.path)})`
  const described = await orUnreadable(table, file, () => database.rows(`DESCRIBE SELECT * FROM ${source}`))
  const names = described.map(([name]) => String(name))
  checkPresent(table, Object.keys(file.columns), names, `it has ${listed(names)}`)
  return source
}

function checkPresent(table: string, declared: readonly string[], available: readonly string[], remedy: string): void {
  const folded = new Set(available.map((name) => name.toLowerCase()))
  const missing = declared.find((name) => !folded.has(name.toLowerCase()))
  if (missing !== undefined)
    throw new FederationError('data-missing-column', `${table}: its file has no column ${missing}; ${remedy}`)
}

/** Cells that are there and do not read as the declared type: not a number, not finite, not whole for BIGINT. */
async function checkCast(database: Database, table: string, name: string, type: ColumnType): Promise<void> {
  const cell = quoteIdentifier(name)
  const cast = `TRY_CAST(${cell} AS ${type})`
  const wrong = {
    DOUBLE: `${cast} IS NULL OR isinf(${cast})`,
    // A cast to BIGINT rounds, so a fraction would pass unseen.
    BIGINT: `${cast} IS NULL OR TRY_CAST(${cell} AS DOUBLE) <> CAST(${cast} AS DOUBLE)`,
    BOOLEAN: `${cast} IS NULL`,
    VARCHAR: `${cast} IS NULL`,
    DATE: `${cast} IS NULL`,
    TIMESTAMP: `${cast} IS NULL`,
  }[type]
  const found = await database.rows(
    `SELECT min(row_number), count(*) FROM ${staged} WHERE ${cell} IS NOT NULL AND (${wrong})`,
  )
  const [first, count] = found[0] as [bigint | null, bigint]
  if (first === null) return
  throw new FederationError(
    'data-wrong-type',
    `${table}: column ${name}, data row ${first + 1n}: not a ${type}` +
      ` (${count} such cell${count === 1n ? '' : 's'}); correct the file, the declared type or nullValues` +
      (type === 'DOUBLE' ? '; a decimal point, no comma, stands in a number' : ''),
  )
}

/** NaN counts as missing: in SQL it would compare as the greatest number. */
function castOf(name: string, type: ColumnType): string {
  const cast = `TRY_CAST(${quoteIdentifier(name)} AS ${type})`
  return type === 'DOUBLE' ? `CASE WHEN isnan(${cast}) THEN NULL ELSE ${cast} END` : cast
}

async function orUnreadable<Result>(table: string, file: MappedFile, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    if (error.line === undefined) {
      const remedy = file.format === 'csv' ? 'CSV: it must be UTF-8 text' : 'Parquet'
      throw error.as('data-unreadable', `${table}: ${file.path} does not read as ${remedy}`)
    }
    const columns = file.format === 'csv' && !file.header ? `${Object.keys(file.columns).length} columns, ` : ''
    throw new FederationError(
      'data-unreadable',
      `${table}: line ${error.line} of its file does not read as CSV: expected ${columns}` +
        `the delimiter '${file.format === 'csv' ? file.delimiter : ','}', closed quotes and UTF-8`,
    )
  }
}
