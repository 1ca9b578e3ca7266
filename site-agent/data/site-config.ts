/**
 * `site.yaml`, as a hospital's IT writes it: which files become which tables, the one read-only SQL view that yields a
 * study's columns, and how training may use this machine.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { readYamlFile } from '@consilium/protos/yaml-file.ts'
import { z } from 'zod'

/** Largest `site.yaml`, bytes. */
const configBytesMax = 1024 * 1024
const viewCharactersMax = 64 * 1024
const filesMax = 100
const columnsMax = 5000

/** Declared types of a file's columns; the same at every site, whatever a file's own types are. */
const columnTypeSchema = z.enum(['DOUBLE', 'BIGINT', 'BOOLEAN', 'VARCHAR', 'DATE', 'TIMESTAMP'])

const columns = namedRecord(columnTypeSchema, columnsMax, (name) => {
  if (name === '' || name.length > 200 || /\p{Cc}/u.test(name)) return 'a column name has 1 to 200 printable characters'
  return name.toLowerCase() === 'row_number' ? 'row_number is added to every table, choose another name' : undefined
})

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

const siteConfigSchema = z.strictObject({
  files: namedRecord(fileSchema, filesMax, (name) => {
    if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name))
      return 'a table name has letters, digits and underscores, starts with a letter and has at most 63'
    return /^consilium_/i.test(name) ? 'names that start with consilium_ are taken, choose another' : undefined
  }),
  /** One SELECT over the tables above; it yields the columns that studies name. */
  view: z.string().min(1).max(viewCharactersMax),
  /** The view's column that tells patients apart: a study that splits by another one waits for a person. */
  patientColumn: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, 'letters, digits and underscores, starting with a letter, at most 63')
    .exactOptional(),
  /** Memory for the tables and the view, and again for the matrices made of them, mebibytes. */
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

/** Reads `site.yaml` and makes the files' paths absolute, from its folder; throws `invalid-site-config` or `limit-exceeded`. */
export function readSiteConfig(configPath: string): SiteConfig {
  const config = readYamlFile({
    name: basename(configPath),
    bytes: readBytes(configPath),
    bytesMax: configBytesMax,
    schema: siteConfigSchema,
    code: 'invalid-site-config',
  })
  const files = Object.entries(config.files).map(
    ([table, file]) => [table, { ...file, path: resolve(dirname(configPath), file.path) }] as const,
  )
  return { ...config, files: Object.fromEntries(files) }
}

/** At most one byte over the limit, so that a file of any size is refused without being held. */
function readBytes(configPath: string): Uint8Array {
  let file: number | undefined
  try {
    file = openSync(configPath, 'r')
    const bytes = Buffer.alloc(configBytesMax + 1)
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0))
  } catch (cause) {
    throw new FederationError('invalid-site-config', `cannot read ${configPath}: write the site's data mapping there`, {
      cause,
    })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** A record of 1 to `max` entries whose names pass `objection` and differ in more than the case of their letters. */
function namedRecord<Value extends z.ZodType>(
  value: Value,
  max: number,
  objection: (name: string) => string | undefined,
) {
  return z.record(z.string(), value).superRefine((record, context) => {
    const names = Object.keys(record)
    if (names.length === 0 || names.length > max)
      context.addIssue({ code: 'custom', message: `expected 1 to ${max} entries` })
    const seen = new Set<string>()
    for (const name of names) {
      const twice = seen.has(name.toLowerCase())
        ? 'differs from another name only in the case of its letters'
        : undefined
      const message = objection(name) ?? twice
      if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message })
      seen.add(name.toLowerCase())
    }
  })
}
