/**
 * Where the demo's heart-disease data come from: a folder the user names, else the public originals of the UCI Heart
 * Disease data set (Janosi, Steinbrunn, Pfisterer and Detrano, CC BY 4.0, doi 10.24432/C52P4X), else a generated cohort
 * that says of itself that it is synthetic. Originals are used only where their SHA-256 is the published files'.
 */
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { cachedDownload } from './download.ts'
import { syntheticCohort } from './synthetic.ts'

/** One hospital's records: 14 comma-separated columns without a header, `?` where a value is missing. */
export type HospitalFile = { readonly site: string; readonly hospital: string; readonly bytes: Uint8Array }

export type HeartData = {
  readonly origin: 'folder' | 'download' | 'synthetic'
  /** One sentence for people: what the data are and where they come from. */
  readonly description: string
  readonly files: readonly HospitalFile[]
  /** CSV `site,row,split`: the published benchmark's split; absent where the rows are split by hash. */
  readonly split?: Uint8Array
}

export type HeartDataOptions = {
  /** `auto` takes the first of the three that is there. */
  readonly choice: 'auto' | HeartData['origin']
  /** The folder that holds `heart-disease/`, as the environment variable CONSILIUM_DATA names it. */
  readonly folder?: string | undefined
  readonly cacheFolder: string
  /** Address of the folder with the public originals; tests put a server of their own here. */
  readonly baseUrl: string
  readonly timeoutMs: number
  /** One line on what was tried and chosen. */
  readonly say: (line: string) => void
}

export const publicOriginals = 'https://archive.ics.uci.edu/ml/machine-learning-databases/heart-disease/'

/** SHA-256 of the four originals as published. */
export const originals = [
  {
    site: 'cleveland',
    hospital: 'Cleveland Clinic Foundation',
    sha256: 'a74b7efa387bc9d108d7d0115d831fe9b414b29ae7124f331b622b4efa0427c8',
  },
  {
    site: 'hungarian',
    hospital: 'Hungarian Institute of Cardiology, Budapest',
    sha256: 'd1ad108f785768cd3d7e82dc522e6f5a61eea93cccfb3a46ee8076f73fc3d796',
  },
  {
    site: 'switzerland',
    hospital: 'University Hospitals Zurich and Basel',
    sha256: '834a405ccf5b66ab4056bb77794adc8df0b7125186454c0a1d002d33c6c3b314',
  },
  {
    site: 'va',
    hospital: 'V.A. Medical Center, Long Beach',
    sha256: 'e7c93d8d0d2acdadfa4c5e8de768e2191e7f618b952e29623f1f0d5949ff6b8f',
  },
] as const

/** The first of the three sources that can be had, or the one asked for; throws `data-unreadable` or `hash-mismatch`. */
export async function heartData(options: HeartDataOptions): Promise<HeartData> {
  const { choice, folder, say } = options
  if (choice === 'folder' || (choice === 'auto' && folder !== undefined && folder !== '')) return fromFolder(folder)
  if (choice === 'synthetic') return synthetic()
  try {
    return await fromDownload(options)
  } catch (error) {
    if (choice === 'download') throw error
    say(`The public originals cannot be had (${errorMessage(error)}).`)
    say('The demo goes on with SYNTHETIC data: four generated hospitals, no patient among them.')
    return synthetic()
  }
}

/** The per-user cache folder by the platform's custom. */
export function userCacheFolder(environment: NodeJS.ProcessEnv): string {
  if (process.platform === 'win32')
    return join(environment.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'consilium')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'consilium')
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'consilium')
}

const fileName = (site: string) => `processed.${site}.data`

async function fromFolder(folder: string | undefined): Promise<HeartData> {
  if (!folder)
    throw new FederationError(
      'invalid-argument',
      'no data folder is named: set CONSILIUM_DATA to the folder that holds heart-disease/',
    )
  const heartFolder = join(folder, 'heart-disease')
  const files = await Promise.all(
    originals.map(async ({ site, hospital, sha256 }) => {
      const path = join(heartFolder, fileName(site))
      const bytes = await readFile(path).catch((cause: unknown) => {
        throw new FederationError(
          'data-unreadable',
          `${path} cannot be read: CONSILIUM_DATA must name a folder that holds heart-disease/${fileName(site)}; unset it to download the public originals`,
          { cause },
        )
      })
      assertOriginal(path, bytes, sha256)
      return { site, hospital, bytes }
    }),
  )
  const splitPath = join(heartFolder, 'split.csv')
  const split = await optionalFile(splitPath)
  const described = describeOriginals('read from the folder in CONSILIUM_DATA')
  return { origin: 'folder', description: described, files, ...(split && { split }) }
}

async function fromDownload({ baseUrl, cacheFolder, timeoutMs, say }: HeartDataOptions): Promise<HeartData> {
  const files = await Promise.all(
    originals.map(async ({ site, hospital, sha256 }) => {
      const url = new URL(fileName(site), baseUrl)
      const bytes = await cachedDownload({ url, sha256, cacheFolder, timeoutMs, bytesMax: 256 * 1024 })
      return { site, hospital, bytes }
    }),
  )
  say(`Heart-disease data: the public originals, kept in ${cacheFolder}.`)
  return { origin: 'download', description: describeOriginals('downloaded from the UCI archive'), files }
}

function synthetic(): HeartData {
  return {
    origin: 'synthetic',
    description:
      'SYNTHETIC data: four generated hospitals; no record is a patient’s, and no figure says anything about medicine',
    files: syntheticCohort().map(({ site, text }) => ({
      site,
      hospital: `generated hospital ${site.slice(-1).toUpperCase()} (synthetic)`,
      bytes: Buffer.from(text, 'utf8'),
    })),
  }
}

function describeOriginals(how: string): string {
  return `UCI Heart Disease, real records of four hospitals (CC BY 4.0, doi 10.24432/C52P4X), ${how}`
}

function assertOriginal(path: string, bytes: Uint8Array, sha256: string): void {
  if (sha256Hex(bytes) === sha256) return
  throw new FederationError(
    'hash-mismatch',
    `${path} is not the published file (its SHA-256 differs): copy the original again, byte for byte`,
  )
}

async function optionalFile(path: string): Promise<Uint8Array | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() ? readFile(path) : undefined
}
