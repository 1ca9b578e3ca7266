/** Objects of the coordinator (forward graphs, global parameters), kept at the site under their SHA-256. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Site } from './site.ts'

/** The object's bytes, fetched where they are not here whole; a copy damaged on disk is fetched again. */
export async function fetchObject(
  sha256: Sha256,
  site: Pick<Site, 'store' | 'link'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { objects } = site.store
  const present = objects.read(sha256)
  if (present) return present
  await site.link.fetch(sha256, objects.path(sha256), signal)
  const fetched = objects.read(sha256)
  if (!fetched)
    throw new FederationError(
      'hash-mismatch',
      `object ${sha256.slice(0, 12)} does not have its hash after the download`,
    )
  return fetched
}
