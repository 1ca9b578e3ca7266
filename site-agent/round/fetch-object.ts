/** Objects of the coordinator (forward graphs, global parameters), kept at the site under their SHA-256. */
import { FederationError } from '@consilium/protos/errors.ts'
import { graphBytesMax } from '@consilium/protos/limits.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Link } from '../link/link.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { NamedStudy } from './assignment.ts'

export type WantedObject = {
  readonly sha256: Sha256
  /** Size of the object as the approved study tells it: a coordinator that sends more is cut off. */
  readonly bytesMax: number
  /** The study it is needed for, for the ledger. */
  readonly study: Sha256
  /** More of it has arrived. */
  readonly onProgress?: () => void
}

/** The object's bytes, fetched where they are not here whole; a copy damaged on disk is fetched again. */
export type FetchObject = (wanted: WantedObject, signal: AbortSignal) => Promise<Uint8Array>

/** The forward graph of a study. */
export function graphOf({ hash: study, manifest: { graph } }: NamedStudy): WantedObject {
  return { sha256: graph.sha256, bytesMax: Math.min(graph.bytes, graphBytesMax), study }
}

export function objectFetcher({ store: { objects }, link }: { store: SiteStore; link: Link }): FetchObject {
  const fetching = new Map<Sha256, Promise<unknown>>()

  async function fetch(wanted: WantedObject, signal: AbortSignal): Promise<Uint8Array> {
    const { sha256 } = wanted
    const present = objects.read(sha256)
    if (present) return present
    await link.fetch({ ...wanted, path: objects.path(sha256), signal })
    const fetched = objects.read(sha256)
    if (!fetched) throw new FederationError('hash-mismatch', `object ${sha256.slice(0, 12)} came with another hash`)
    return fetched
  }

  // Two downloads of one object would write into one file: the second waits, then mostly finds it there.
  return (wanted, signal) => {
    const { sha256 } = wanted
    const result = (fetching.get(sha256) ?? Promise.resolve()).then(() => fetch(wanted, signal))
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (fetching.get(sha256) === settled) fetching.delete(sha256)
      })
    fetching.set(sha256, settled)
    return result
  }
}
