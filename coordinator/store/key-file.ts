/** Secrets of 32 bytes in files of their own, readable by the owner alone; made on first use. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'

/**
 * The 32 bytes in the file at `path`; where there is none, fresh random ones, written whole or not at all. Rejects with
 * `store-failed` where the file is damaged or others may read it.
 */
export async function openKeyFile(path: string): Promise<Buffer> {
  const existing = await readKeyFile(path)
  if (existing) return existing
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(temporary, 'wx', 0o600)
  await file.writeFile(`${randomBytes(32).toString('hex')}\n`)
  await file.sync()
  await file.close()
  // A link, unlike a rename, never replaces a key that another process made in between.
  await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await unlink(temporary)
  await syncFolder(dirname(path))
  const key = await readKeyFile(path)
  if (!key) throw new FederationError('store-failed', `the key file ${path} vanished while it was made`)
  return key
}

/** The 32 bytes in the file; undefined where there is none. */
export async function readKeyFile(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new FederationError('store-failed', `cannot read the key file ${path}: ${error.code}`, { cause: error })
  })
  if (text === undefined) return undefined
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0)
    throw new FederationError('store-failed', `others may read the key file ${path}: run chmod 600 on it`)
  if (!/^[0-9a-f]{64}\n?$/.test(text))
    throw new FederationError('store-failed', `the key file ${path} is damaged: restore it from a backup`)
  return Buffer.from(text.trim(), 'hex')
}

/** Makes what was renamed or made in a folder outlast a power cut. Windows has no handle on a folder to synchronise. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}
