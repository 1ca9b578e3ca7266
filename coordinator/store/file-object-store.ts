/**
 * Objects as files named by their hash. A file appears under its name by a rename after it was written and synced, so
 * what is there is whole. An upload grows in the staging folder, goes on from its length after a crash, and stays there.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import {
  hashMismatch,
  noSuchObject,
  nothingStaged,
  type ObjectStore,
  offsetMismatch,
  type StoredObject,
  stagedTooShort,
} from './object-store.ts'

/** Opens the store in two folders of one file system; temporary files that a crash left behind are removed. */
export async function openFileObjectStore(folders: {
  readonly objects: string
  readonly staging: string
}): Promise<ObjectStore> {
  await mkdir(folders.objects, { recursive: true, mode: 0o700 })
  await mkdir(folders.staging, { recursive: true, mode: 0o700 })
  for (const name of await readdir(folders.staging))
    if (name.startsWith(temporaryPrefix)) await rm(join(folders.staging, name), { force: true })

  const pathOf = (sha256: Sha256) => join(folders.objects, sha256.slice(0, 2), sha256.slice(2))
  const stagedPath = (id: string) => join(folders.staging, checkedId(id))

  return {
    put: (bytes) => failing('store an object', () => put(folders.staging, pathOf, bytes)),
    putStream: (chunks) => putStream(folders.staging, pathOf, chunks),
    size: async (sha256) => (await sizeOf(pathOf(sha256))) ?? undefined,
    get: (sha256) => readWhole(pathOf(sha256), sha256, () => noSuchObject(sha256)),
    async *read(sha256, offset) {
      if ((await sizeOf(pathOf(sha256))) === undefined) throw noSuchObject(sha256)
      yield* createReadStream(pathOf(sha256), { start: offset, highWaterMark: chunkBytesMax })
    },
    staged: async (id) => (await sizeOf(stagedPath(id))) ?? 0,
    stage: (id, offset, bytes) => failing('stage an upload', () => stage(id, stagedPath(id), offset, bytes)),
    async commitStaged(id, sha256) {
      const staged = stagedPath(id)
      if ((await sizeOf(staged)) === undefined) throw nothingStaged(id)
      if ((await hashFile(staged)) !== sha256) {
        await rm(staged, { force: true })
        throw hashMismatch(sha256)
      }
      await failing('store an upload', async () => {
        await syncPath(staged)
        await syncPath(folders.staging)
      })
    },
    readStaged: (id, offset, length) => readRange(id, stagedPath(id), offset, length),
    getStaged: (id, sha256) => readWhole(stagedPath(id), sha256, () => nothingStaged(id)),
    dropStaged: (id) => rm(stagedPath(id), { force: true }),
  }
}

const temporaryPrefix = '.writing-'

async function put(staging: string, pathOf: (sha256: Sha256) => string, bytes: Uint8Array): Promise<StoredObject> {
  const sha256 = sha256Hex(bytes)
  const stored = { sha256, bytes: bytes.length }
  if ((await sizeOf(pathOf(sha256))) === bytes.length) return stored
  const temporary = join(staging, temporaryPrefix + randomBytes(8).toString('hex'))
  const file = await open(temporary, 'wx', 0o600)
  await file.writeFile(bytes).finally(() => file.close())
  await moveIntoPlace(temporary, pathOf(sha256))
  return stored
}

async function putStream(
  staging: string,
  pathOf: (sha256: Sha256) => string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<StoredObject> {
  const temporary = join(staging, temporaryPrefix + randomBytes(8).toString('hex'))
  const storing = <T>(work: () => Promise<T>) => failing('store an object', work)
  const file = await storing(() => open(temporary, 'wx', 0o600))
  const hash = createHash('sha256')
  let bytes = 0
  try {
    try {
      for await (const chunk of chunks) {
        hash.update(chunk)
        bytes += chunk.length
        await storing(() => file.writeFile(chunk))
      }
    } finally {
      await file.close()
    }
    const sha256 = hash.digest('hex')
    await storing(() => moveIntoPlace(temporary, pathOf(sha256)))
    return { sha256, bytes }
  } finally {
    await rm(temporary, { force: true })
  }
}

async function readRange(id: string, path: string, offset: number, length: number): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw nothingStaged(id)
    throw unreadable(error)
  })
  try {
    const bytes = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(bytes, done, length - done, offset + done).catch((error: Error) => {
        throw unreadable(error)
      })
      if (bytesRead === 0) throw stagedTooShort(id, offset + length)
      done += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}

async function readWhole(path: string, sha256: Sha256, missing: () => FederationError): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw missing()
    throw unreadable(error)
  })
  if (sha256Hex(bytes) !== sha256) throw hashMismatch(sha256)
  return bytes
}

function unreadable(error: Error): FederationError {
  return new FederationError('store-failed', `cannot read an object: ${error.message}`, { cause: error })
}

/** Appends without a sync: after a kill the bytes are there, after a power cut the hash at the end tells. */
async function stage(id: string, path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'a', 0o600)
  try {
    const { size } = await file.stat()
    if (size !== offset) throw offsetMismatch(id, size, offset)
    await file.writeFile(bytes)
  } finally {
    await file.close()
  }
}

/** Syncs the file, renames it, and syncs the folders that name it. */
async function moveIntoPlace(from: string, to: string): Promise<void> {
  await syncPath(from)
  const folder = dirname(to)
  if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) await syncPath(dirname(folder))
  await rename(from, to)
  await syncPath(folder)
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  await file.sync().finally(() => file.close())
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size
}

async function hashFile(path: string): Promise<Sha256> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytesMax })) hash.update(chunk)
  return hash.digest('hex')
}

function checkedId(id: string): string {
  if (!/^[A-Za-z0-9-]{1,200}$/.test(id))
    throw new FederationError('invalid-argument', 'the name of an upload has letters, digits and hyphens')
  return id
}

async function failing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof FederationError) throw cause
    throw new FederationError('store-failed', `cannot ${what}: ${errorMessage(cause)}`, { cause })
  }
}
