/** The signed studies of the federation, read from the object store once and verified as they are read. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { readSignedStudy, type SignedStudy } from '@consilium/protos/plan/signed-study.ts'
import type { StudyRecord } from '../federation/federation.ts'
import type { ObjectStore } from '../store/object-store.ts'

export type LoadedStudy = { readonly bytes: Uint8Array; readonly signed: SignedStudy }

export type Studies = {
  /** Rejects with `study-altered` where the object is not the study of the record. */
  load(record: StudyRecord): Promise<LoadedStudy>
  /** What was loaded before. */
  loaded(hash: Sha256): LoadedStudy | undefined
}

export function openStudies(objects: ObjectStore): Studies {
  const known = new Map<Sha256, LoadedStudy>()
  return {
    async load({ hash, name, signedStudy }) {
      const before = known.get(hash)
      if (before) return before
      const bytes = await objects.get(signedStudy)
      const signed = readSignedStudy(bytes)
      if (signed.hash !== hash)
        throw new FederationError('study-altered', `the stored study ${name} is not the one that was created`)
      known.set(hash, { bytes, signed })
      return { bytes, signed }
    },
    loaded: (hash) => known.get(hash),
  }
}
