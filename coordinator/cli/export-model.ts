/**
 * Fetches an object of the coordinator into a file: what has come stays beside it as `<file>.<hash>.part`, so that a fetch
 * cut off goes on from there; the file appears only once its hash is right.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, open, rename, rm, stat } from 'node:fs/promises'
import { FederationError } from '@consilium/protos/errors.ts'
import { formatBytes } from '@consilium/protos/plain-text.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { AdminClient } from './admin-client.ts'
import type { Invocation } from './command.ts'

export type ExportedModel = { readonly path: string; readonly sha256: Sha256; readonly bytes: number }

/** Writes the model of a run that has trained all its rounds to `out`; throws `not-found`, `already-exists` or `hash-mismatch`. */
export async function exportModel(
  admin: AdminClient,
  run: string,
  { out, force = false }: { readonly out: string; readonly force?: boolean },
  { json, terminal }: Pick<Invocation<unknown>, 'json' | 'terminal'>,
): Promise<ExportedModel> {
  const modelSha256 = await admin.exportModel(run)
  if (!force && (await exists(out)))
    throw new FederationError(
      'already-exists',
      `${out} is there already: name another file, or replace it with --force`,
    )
  const show = terminal.isLive && !json
  const bytes = await fetchObject(admin, modelSha256, out, (received) => {
    if (show) terminal.write(`\r${formatBytes(received)} received`)
  })
  if (show) terminal.write('\r\u001b[K')
  return { path: out, sha256: modelSha256, bytes }
}

/** Fetches what is missing of the object; resolves with its size in bytes. */
export async function fetchObject(
  admin: Pick<AdminClient, 'fetchObject'>,
  sha256: Sha256,
  path: string,
  onReceived?: (bytes: number) => void,
): Promise<number> {
  const part = `${path}.${sha256.slice(0, 12)}.part`
  const hash = createHash('sha256')
  let bytes = (await exists(part)) ? (await stat(part)).size : 0
  if (bytes > 0) for await (const piece of createReadStream(part)) hash.update(piece as Buffer)
  {
    await using file = await open(part, 'a')
    for await (const chunk of admin.fetchObject(sha256, bytes)) {
      await file.appendFile(chunk)
      hash.update(chunk)
      bytes += chunk.length
      onReceived?.(bytes)
    }
    await file.sync()
  }
  if (hash.digest('hex') !== sha256) {
    await rm(part)
    throw new FederationError('hash-mismatch', `what came for ${path} is not the object ${sha256}: fetch it again`)
  }
  await rename(part, path)
  return bytes
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
