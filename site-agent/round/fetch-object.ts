/** Objects of the coordinator (forward graphs, global parameters), kept at the site under their SHA-256. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Link } from '../link/link.ts'
import type { SiteStore } from '../store/site-store.ts'

/** The object's bytes, fetched where they are not here whole; a copy damaged on disk is fetched again. */
export type FetchObject = (sha256: Sha256, signal: AbortSignal) => Promise<Uint8Array>

export function objectFetcher({ store: { objects }, link }: { store: SiteStore; link: Link }): FetchObject {
  const fetching = new Map<Sha256, Promise<unknown>>()

  async function fetch(sha256: Sha256, signal: AbortSignal): Promise<Uint8Array> {
    const present = objects.read(sha256)
    if (present) return present
    await link.fetch(sha256, objects.path(sha256), signal)
    const fetched = objects.read(sha256)
    if (!fetched) throw new FederationError('hash-mismatch', `object ${sha256.slice(0, 12)} came with another hash`)
    return fetched
  }

  // Two downloads of one object would write into one file: the second waits, then mostly finds it there.
  return (sha256, signal) => {
    const result = (fetching.get(sha256) ?? Promise.resolve()).then(() => fetch(sha256, signal))
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (fetching.get(sha256) === settled) fetching.delete(sha256)
      })
    fetching.set(sha256, settled)
    return result
  }
}
