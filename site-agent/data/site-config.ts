/**
 * `site.yaml`, as a hospital's IT writes it: which files become which tables, the one read-only SQL view that yields a
 * study's columns, and how training may use this machine.
 */
import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { z } from 'zod'
import { parseYaml } from './yaml-issues.ts'

/** Largest `site.yaml`, bytes. */
const configBytesMax = 1024 * 1024
const viewCharactersMax = 64 * 1024
const filesMax = 100
const columnsMax = 5000

/** Declared types of a file's columns; the same at every site, whatever a file's own types are. */
export const columnTypeSchema = z.enum(['DOUBLE', 'BIGINT', 'BOOLEAN', 'VARCHAR', 'DATE', 'TIMESTAMP'])

const tableName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, 'letters, digits and underscores, starting with a letter, at most 63')
  .refine((text) => !/^consilium_/i.test(text), 'names that start with consilium_ are taken, choose another')
const columnName = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !/\p{Cc}/u.test(text), 'no control characters')
  .refine((text) => text.toLowerCase() !== 'row_number', 'row_number is added to every table, choose another name')

const columns = z
  .record(columnName, columnTypeSchema)
  .refine((record) => Object.keys(record).length > 0, 'declare at least one column')
  .refine((record) => Object.keys(record).length <= columnsMax, `at most ${columnsMax} columns`)
  .refine(differIgnoringCase, 'two columns differ only in the case of their letters')

/** A path is one file: no glob, no address. */
const path = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => !/[*?[\]{}\p{Cc}]/u.test(text), 'one plain path: none of * ? [ ] { }')

const fileSchema = z.discriminatedUnion('format', [
  z.strictObject({
    format: z.literal('csv'),
    path,
    header: z.boolean().default(true),
    delimiter: z
      .string()
      .length(1)
      .refine((text) => !/["\r\n]/.test(text), 'one character, neither a quote nor a line end')
      .default(','),
    /** Texts that stand for a missing value, besides the empty one. */
    nullValues: z.array(z.string().max(100)).max(100).default([]),
    columns,
  }),
  z.strictObject({ format: z.literal('parquet'), path, columns }),
])

export const siteConfigSchema = z.strictObject({
  files: z
    .record(tableName, fileSchema)
    .refine((record) => Object.keys(record).length > 0, 'map at least one file')
    .refine((record) => Object.keys(record).length <= filesMax, `at most ${filesMax} files`)
    .refine(differIgnoringCase, 'two tables differ only in the case of their letters'),
  /** One SELECT over the tables above; it yields the columns that studies name. */
  view: z.string().min(1).max(viewCharactersMax),
  /** Memory for the tables and the view, mebibytes. */
  dataMemoryMebibytes: z.int().min(64).max(1_048_576).default(4096),
  training: z
    .strictObject({
      executionProvider: z.enum(['cpu', 'cuda', 'webgpu', 'dml', 'coreml']).default('cpu'),
      /** Threads inside one operator; with one, training is fastest on most models and the machine stays usable. */
      threads: z.int().min(1).max(256).default(1),
    })
    .prefault({}),
})

export type ColumnType = z.output<typeof columnTypeSchema>
export type MappedFile = z.output<typeof fileSchema>
export type SiteConfig = z.output<typeof siteConfigSchema>

/** Reads `site.yaml` and makes the files' paths absolute, from its folder; throws `invalid-site-config` with line and path. */
export function readSiteConfig(configPath: string): SiteConfig {
  const config = parseYaml(readText(configPath), siteConfigSchema, basename(configPath))
  const files = Object.entries(config.files).map(
    ([table, file]) => [table, { ...file, path: resolve(dirname(configPath), file.path) }] as const,
  )
  return { ...config, files: Object.fromEntries(files) }
}

function readText(configPath: string): string {
  let bytes: number
  try {
    bytes = statSync(configPath).size
    if (bytes <= configBytesMax) return readFileSync(configPath, 'utf8')
  } catch (cause) {
    throw new FederationError('invalid-site-config', `cannot read ${configPath}: write the site's data mapping there`, {
      cause,
    })
  }
  throw new FederationError(
    'invalid-site-config',
    `${configPath} has ${bytes} bytes, at most ${configBytesMax} are read`,
  )
}

function differIgnoringCase(record: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(record).map((name) => name.toLowerCase())
  return new Set(names).size === names.length
}
