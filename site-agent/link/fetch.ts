/**
 * A download that goes on where it stopped: what has come lies beside the target as `.part`, and the object takes its
 * place only once its SHA-256 is right.
 */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, createReadStream, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { FederationError } from '@consilium/protos/errors.ts'
import { chunkBytesMax, objectBytesMax } from '@consilium/protos/limits.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Wire } from './wire.ts'

/** One attempt. Rejects with `hash-mismatch` (and forgets what had come) where the whole is not the object asked for. */
export async function fetchObject(
  wire: Wire,
  sha256: Sha256,
  path: string,
  onProgress: () => void,
  signal: AbortSignal,
): Promise<void> {
  const part = `${path}.part`
  const file = openSync(part, 'a', 0o600)
  try {
    const { hash, bytes: offset } = await hashOfFile(part)
    let bytes = offset
    await wire.serverStream(
      federationTypes().Federation.service.Fetch,
      { sha256: Buffer.from(sha256, 'hex'), offset },
      { kind: 'fetch', study: '' },
      {
        onReply({ data }) {
          bytes += data.length
          if (data.length > chunkBytesMax || bytes > objectBytesMax)
            throw new FederationError('limit-exceeded', `object ${sha256} is larger than an object may be`)
          // Written before the next message is read: what a cut can cost is bounded by what is on its way.
          writeWhole(file, data)
          hash.update(data)
          onProgress()
        },
      },
      signal,
    )
    if (hash.digest('hex') !== sha256) {
      rmSync(part, { force: true })
      throw new FederationError('hash-mismatch', `object ${sha256} arrived with other bytes than its hash says`)
    }
    fsyncSync(file)
    renameSync(part, path)
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
