/**
 * Content-addressed objects (forward graphs, parameters, sealed updates, exported models) and the staging area where an
 * upload grows until its hash is checked.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'

export type StoredObject = { readonly sha256: Sha256; readonly bytes: number }

export interface ObjectStore {
  /** Stores bytes under their hash; durable once resolved; storing the same bytes again changes nothing. */
  put(bytes: Uint8Array): Promise<StoredObject>
  /** Size in bytes, or undefined where there is no such object. */
  size(sha256: Sha256): Promise<number | undefined>
  /** The whole object. Rejects with `not-found`, or with `hash-mismatch` where the stored bytes were damaged. */
  get(sha256: Sha256): Promise<Uint8Array>
  /** The object from `offset` on, in pieces of at most `chunkBytesMax`. Rejects with `not-found`. */
  read(sha256: Sha256, offset: number): AsyncIterable<Uint8Array>
  /** Bytes staged so far under `id` (letters, digits, hyphens); 0 where nothing is. Survives a crash. */
  staged(id: string): Promise<number>
  /** Appends at `offset`, which must equal what is staged, else rejects with `offset-mismatch`. */
  stage(id: string, offset: number, bytes: Uint8Array): Promise<void>
  /**
   * Turns what is staged into an object; durable once resolved. Rejects with `hash-mismatch` where the bytes are not
   * those of `sha256`, and drops them then. Where nothing is staged but the object is there, it was committed before:
   * that object is the answer; where it is not, rejects with `not-found`.
   */
  commitStaged(id: string, sha256: Sha256): Promise<StoredObject>
  dropStaged(id: string): Promise<void>
  delete(sha256: Sha256): Promise<void>
}

export function noSuchObject(sha256: Sha256): FederationError {
  return new FederationError('not-found', `there is no object ${sha256}`)
}

export function hashMismatch(sha256: Sha256): FederationError {
  return new FederationError('hash-mismatch', `the bytes are not those of object ${sha256}`)
}

export function offsetMismatch(id: string, staged: number, offset: number): FederationError {
  return new FederationError('offset-mismatch', `${staged} bytes are staged as ${id}, so it cannot go on at ${offset}`)
}
