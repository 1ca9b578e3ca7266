/**
 * Downloads one file whose SHA-256 is known beforehand into a cache folder: with a size limit, a deadline over all of
 * it, and no trust in the server or in what lies in the cache.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'

export type CachedDownload = {
  readonly url: URL
  readonly sha256: string
  readonly cacheFolder: string
  readonly timeoutMs: number
  readonly bytesMax: number
}

/** The file's bytes, from the cache where they are there unharmed. Rejects with `data-unreadable` or `hash-mismatch`. */
export async function cachedDownload(download: CachedDownload): Promise<Uint8Array> {
  const { url, sha256, cacheFolder } = download
  const path = join(cacheFolder, sha256)
  const cached = await readFile(path).catch(() => undefined)
  if (cached && sha256Hex(cached) === sha256) return cached
  const bytes = await fetchBytes(download)
  if (sha256Hex(bytes) !== sha256)
    throw new FederationError(
      'hash-mismatch',
      `${url.href} is not the file it was: its SHA-256 differs from the pinned one`,
    )
  await keep(path, cacheFolder, bytes)
  return bytes
}

async function fetchBytes({ url, timeoutMs, bytesMax }: CachedDownload): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
    if (!response.ok) throw new Error(`the server answers ${response.status}`)
    const pieces: Uint8Array[] = []
    let size = 0
    for await (const piece of response.body ?? []) {
      size += piece.length
      if (size > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`)
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  } catch (cause) {
    throw new FederationError('data-unreadable', `${url.host}: ${reason(cause)}`, { cause })
  }
}

/** A failed fetch says only "fetch failed"; what happened is in its cause. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && cause.message !== '' ? cause.message : errorMessage(error)
}

/** A cache that cannot be written costs a download the next time, no more. */
async function keep(path: string, cacheFolder: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(cacheFolder, { recursive: true })
    await writeFile(temporary, bytes)
    await rename(temporary, path)
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}
