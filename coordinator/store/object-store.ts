/**
 * Content-addressed objects (forward graphs, parameters, exported models), and the staging area where a site's upload
 * grows and stays until its round is over. The two never mix: no site can have an object of others deleted by uploading
 * the same bytes.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'

export type StoredObject = { readonly sha256: Sha256; readonly bytes: number }

export interface ObjectStore {
  /** Stores bytes under their hash; durable once resolved; storing the same bytes again changes nothing. */
  put(bytes: Uint8Array): Promise<StoredObject>
  /** As `put`, without ever holding the whole. Passes on what `chunks` throws, and keeps nothing then. */
  putStream(chunks: AsyncIterable<Uint8Array>): Promise<StoredObject>
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
   * Makes what is staged durable. Rejects with `hash-mismatch` where the bytes are not those of `sha256`, and drops them
   * then; with `not-found` where nothing is staged.
   */
  commitStaged(id: string, sha256: Sha256): Promise<void>
  /** All that is staged. Rejects with `not-found`, or with `hash-mismatch` where the bytes are not those of `sha256`. */
  getStaged(id: string, sha256: Sha256): Promise<Uint8Array>
  /**
   * `length` bytes of what is staged, from `offset` on, in memory of their own; not compared with any hash. Rejects with
   * `not-found`, or with `offset-mismatch` where fewer are staged.
   */
  readStaged(id: string, offset: number, length: number): Promise<Uint8Array>
  dropStaged(id: string): Promise<void>
}

/** The object from `offset` on. Rejects with `not-found`, or with `offset-mismatch` beyond its end. */
export async function readFrom(
  objects: ObjectStore,
  sha256: Sha256,
  offset: number,
): Promise<AsyncIterable<Uint8Array>> {
  const size = await objects.size(sha256)
  if (size === undefined) throw noSuchObject(sha256)
  if (offset > size)
    throw new FederationError('offset-mismatch', `the object has ${size} bytes: it cannot be read from ${offset} on`)
  return objects.read(sha256, offset)
}

export function noSuchObject(sha256: Sha256): FederationError {
  return new FederationError('not-found', `there is no object ${sha256}`)
}

export function hashMismatch(sha256: Sha256): FederationError {
  return new FederationError('hash-mismatch', `the bytes are not those of object ${sha256}`)
}

export function nothingStaged(id: string): FederationError {
  return new FederationError('not-found', `nothing is staged as ${id}`)
}

export function stagedTooShort(id: string, end: number): FederationError {
  return new FederationError('offset-mismatch', `${id} ends before byte ${end}`)
}

export function offsetMismatch(id: string, staged: number, offset: number): FederationError {
  return new FederationError('offset-mismatch', `${staged} bytes are staged as ${id}, so it cannot go on at ${offset}`)
}
