/**
 * The site's in-memory DuckDB: open while the mapped files are read, then locked, so that the view's SQL reaches nothing
 * but the tables. DuckDB's error texts print whole rows, so none of them ever leaves this file.
 */
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'

/** An open database. Every method rejects with {@link DatabaseError}, whose message holds the kind alone. */
export interface Database {
  readonly connection: DuckDBConnection
  run(sql: string, values?: DuckDBValue[]): Promise<void>
  /** All rows of a small result. */
  rows(sql: string, values?: DuckDBValue[]): Promise<DuckDBValue[][]>
  /** From here on no file, extension or setting can be reached. */
  lock(): Promise<void>
  close(): void
}

export class DatabaseError extends Error {
  /** One of DuckDB's own error kinds, such as `Conversion Error`. */
  readonly kind: string
  /** One-based line of a CSV file, where DuckDB names one. */
  readonly line: number | undefined
  /** The first identifier in double quotes where the kind is about names, not values. */
  readonly identifier: string | undefined

  constructor(text: string) {
    const kind = kinds.find((known) => text.startsWith(known)) ?? 'error'
    super(`the database reports: ${kind}`)
    this.name = 'DatabaseError'
    this.kind = kind
    const line = /^Invalid Input Error: CSV Error on Line: (\d+)\n/.exec(text)?.[1]
    this.line = line === undefined ? undefined : Number(line)
    this.identifier =
      kind === 'Binder Error' ? /^Binder Error: Referenced column "([^"]{1,200})" not found/.exec(text)?.[1] : undefined
  }

  /** The error for a person: own words, with the kind as a hint. */
  as(code: ErrorCode, message: string): FederationError {
    if (this.kind === 'Out of Memory Error')
      return new FederationError('limit-exceeded', `${message}: it needs more than dataMemoryMebibytes of site.yaml`)
    return new FederationError(code, `${message} (${this.kind})`)
  }
}

const kinds = [
  'Binder Error',
  'Catalog Error',
  'Constraint Error',
  'Conversion Error',
  'Internal Error',
  'Invalid Input Error',
  'Invalid Type Error',
  'IO Error',
  'Not implemented Error',
  'Out of Memory Error',
  'Out of Range Error',
  'Parser Error',
  'Permission Error',
]

export async function openDatabase(memoryMebibytes: number): Promise<Database> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryMebibytes}MiB`,
    // One thread: sums of doubles come out the same in every run, and rows keep the order of their file.
    threads: '1',
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const connection = await instance.connect()
  const run = async (sql: string, values?: DuckDBValue[]) => {
    await guarded(() => connection.run(sql, values))
  }
  return {
    connection,
    run,
    rows: (sql, values) => guarded(async () => (await connection.runAndReadAll(sql, values)).getRows()),
    async lock() {
      await run('SET enable_external_access = false')
      await run('SET lock_configuration = true')
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** Runs a DuckDB call and turns its error into one without a row in it. The cause is dropped: it holds the text. */
export async function guarded<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    throw new DatabaseError(error instanceof Error ? error.message : '')
  }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Names for a message: the first twenty, and how many more there are. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ')
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown
}
