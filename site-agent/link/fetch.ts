/**
 * A download that goes on where it stopped: what has come lies beside the target as `.part`, and the object takes its
 * place only once its SHA-256 is right.
 */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, createReadStream, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { errorCode, FederationError } from '@consilium/protos/errors.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import type { Link } from './link.ts'
import type { Wire } from './wire.ts'

type Download = Parameters<Link['fetch']>[0] & { readonly onProgress: () => void }

/**
 * One attempt. Where what comes is longer than the object asked for (`limit-exceeded`) or another one (`hash-mismatch`)
 * nothing of it stays.
 */
export async function fetchObject(wire: Wire, download: Download): Promise<void> {
  const { sha256, path } = download
  const part = `${path}.part`
  const { resumedAt, isRight } = await fetchRest(wire, download, part)
  if (isRight) return renameSync(part, path)
  rmSync(part, { force: true })
  // What an earlier attempt left may have been damaged on the disk: once more, from the start.
  if (resumedAt > 0) return await fetchObject(wire, download)
  throw new FederationError('hash-mismatch', `object ${sha256} arrived with other bytes than its hash says`)
}

/** Appends to `part` what it lacks; it is on the disk once this resolves. */
async function fetchRest(wire: Wire, { sha256, bytesMax, study, onProgress, signal }: Download, part: string) {
  const file = openSync(part, 'a', 0o600)
  try {
    const { hash, bytes: resumedAt } = await hashOfFile(part)
    let bytes = resumedAt
    const onReply = ({ data }: { readonly data: Buffer }) => {
      bytes += data.length
      if (data.length > chunkBytesMax || bytes > bytesMax)
        throw new FederationError('limit-exceeded', `object ${sha256} is longer than its ${bytesMax} bytes`)
      // Written before the next message is read: what a cut can cost is bounded by what is on its way.
      writeWhole(file, data)
      hash.update(data)
      onProgress()
    }
    await wire.serverStream(
      federationTypes().Federation.service.Fetch,
      { sha256: Buffer.from(sha256, 'hex'), offset: resumedAt },
      { kind: 'fetch', study },
      { onReply },
      signal,
    )
    fsyncSync(file)
    return { resumedAt, isRight: hash.digest('hex') === sha256 }
  } catch (error) {
    // More is here than the object has: the next attempt starts anew.
    if (['offset-mismatch', 'limit-exceeded'].includes(errorCode(error))) rmSync(part, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

/** The running hash over a file, and how long it is. */
export async function hashOfFile(path: string): Promise<{ readonly hash: Hash; readonly bytes: number }> {
  const hash = createHash('sha256')
  const { size } = statSync(path)
  for await (const piece of createReadStream(path, { highWaterMark: chunkBytesMax })) hash.update(piece)
  return { hash, bytes: size }
}

function writeWhole(file: number, data: Uint8Array): void {
  for (let at = 0; at < data.length; ) at += writeSync(file, data, at)
}
