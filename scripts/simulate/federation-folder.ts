/**
 * The folder that `npm run simulate` takes: `study.yaml`, one `sites/<name>/site.yaml` per hospital, and optionally
 * `data.yaml`, which says what the data are so that the report can. Everything is checked before a process starts.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { cohortMax } from '@consilium/protos/limits.ts'
import { siteNameSchema } from '@consilium/protos/plan/names.ts'
import { readStudyFile } from '@consilium/protos/plan/read-study-file.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { readSiteConfig } from '@consilium/site-agent/data/site-config.ts'
import { rowsSchema } from '@consilium/site-agent/policy.ts'
import { parse } from 'yaml'
import { z } from 'zod'

const dataSchema = z.strictObject({
  /** One sentence: what the data are and where they come from. */
  description: z.string().min(1).max(500),
  /** True where no record is a patient's; the report then says so on every page. */
  synthetic: z.boolean(),
  /** Sites that let the study have fewer rows than a hospital's policy does by default, as `rows` of policy.yaml. */
  rows: z.record(siteNameSchema, rowsSchema).default({}),
})

export type DataLabel = Omit<z.output<typeof dataSchema>, 'rows'>

/** `rows`: what the site's policy has of its own for the number of rows. */
type SiteFolder = { readonly name: string; readonly folder: string; readonly rows?: z.output<typeof rowsSchema> }

export type FederationFolder = {
  readonly studyPath: string
  readonly study: Study
  readonly data: DataLabel
  readonly sites: readonly SiteFolder[]
}

/** Reads and checks a federation folder; throws `invalid-argument`, `invalid-study` or `invalid-site-config` naming the file. */
export async function readFederationFolder(path: string): Promise<FederationFolder> {
  const folder = resolve(path)
  const studyPath = join(folder, 'study.yaml')
  const study = readStudyFile(await read(studyPath, 'write the study there'), studyPath)
  const sites = await readSites(join(folder, 'sites'))
  if (sites.length < study.cohort.min)
    throw new FederationError(
      'cohort-too-small',
      `${folder} has ${sites.length} sites, and the study starts a round with ${study.cohort.min}: add sites or lower cohort.min in study.yaml`,
    )
  const { rows, ...data } = await readDataLabel(folder)
  const unknown = Object.keys(rows).find((name) => !sites.some((site) => site.name === name))
  if (unknown !== undefined)
    throw new FederationError(
      'invalid-argument',
      `${join(folder, 'data.yaml')}: rows.${unknown} names no site of sites/`,
    )
  const withRows = sites.map((site) => ({ ...site, ...(rows[site.name] && { rows: rows[site.name]! }) }))
  return { studyPath, study, data, sites: withRows }
}

async function readSites(folder: string): Promise<readonly SiteFolder[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw missing(folder, 'make a folder sites/<name> with a site.yaml for each hospital', cause)
  })
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
  if (names.length > cohortMax)
    throw new FederationError(
      'limit-exceeded',
      `${folder} has ${names.length} sites, at most ${cohortMax} can take part`,
    )
  return names.sort().map((name) => {
    const siteFolder = join(folder, name)
    const parsed = siteNameSchema.safeParse(name)
    if (!parsed.success)
      throw new FederationError(
        'invalid-argument',
        `${join(folder, name)}: a site is named with ${parsed.error.issues[0]?.message}`,
      )
    if (existsSync(join(siteFolder, 'policy.yaml')))
      throw new FederationError(
        'invalid-argument',
        `site ${name} has a policy.yaml: take it away, a simulation approves its own study at every site`,
      )
    try {
      readSiteConfig(join(siteFolder, 'site.yaml'))
    } catch (error) {
      if (error instanceof FederationError)
        throw new FederationError(error.code, `site ${name}: ${error.message}`, { cause: error })
      throw error
    }
    return { name, folder: siteFolder }
  })
}

async function readDataLabel(folder: string): Promise<z.output<typeof dataSchema>> {
  const path = join(folder, 'data.yaml')
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw missing(path, 'make it readable', error)
  })
  if (!bytes) return { description: `the files that the sites of ${basename(folder)} map`, synthetic: false, rows: {} }
  let value: unknown
  try {
    value = parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new FederationError('invalid-argument', `${path} is not YAML`, { cause })
  }
  const parsed = dataSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new FederationError('invalid-argument', `${path}: ${z.prettifyError(parsed.error)}`)
}

async function read(path: string, remedy: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw missing(path, remedy, cause)
  })
}

function missing(path: string, remedy: string, cause: unknown): FederationError {
  return new FederationError('invalid-argument', `${path} cannot be read: ${remedy}`, { cause })
}
