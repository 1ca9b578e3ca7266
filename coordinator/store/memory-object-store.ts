/** Objects in memory, for tests and trials: the same contract, gone with the process. */
import { sha256Hex } from '@consilium/protos/hash.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import {
  hashMismatch,
  noSuchObject,
  nothingStaged,
  type ObjectStore,
  offsetMismatch,
  stagedTooShort,
} from './object-store.ts'

export function openMemoryObjectStore(): ObjectStore {
  const objects = new Map<Sha256, Uint8Array>()
  const staging = new Map<string, Uint8Array>()
  const get = (sha256: Sha256): Uint8Array => {
    const bytes = objects.get(sha256)
    if (!bytes) throw noSuchObject(sha256)
    return bytes
  }
  return {
    async put(bytes) {
      const sha256 = sha256Hex(bytes)
      if (!objects.has(sha256)) objects.set(sha256, new Uint8Array(bytes))
      return { sha256, bytes: bytes.length }
    },
    async putStream(chunks) {
      const pieces: Uint8Array[] = []
      for await (const chunk of chunks) pieces.push(Uint8Array.from(chunk))
      const bytes = new Uint8Array(Buffer.concat(pieces))
      const sha256 = sha256Hex(bytes)
      objects.set(sha256, bytes)
      return { sha256, bytes: bytes.length }
    },
    async size(sha256) {
      return objects.get(sha256)?.length
    },
    async get(sha256) {
      return new Uint8Array(get(sha256))
    },
    async *read(sha256, offset) {
      const bytes = get(sha256)
      for (let at = offset; at < bytes.length; at += chunkBytesMax) yield bytes.subarray(at, at + chunkBytesMax)
    },
    async staged(id) {
      return staging.get(id)?.length ?? 0
    },
    async stage(id, offset, bytes) {
      const existing = staging.get(id) ?? new Uint8Array()
      if (existing.length !== offset) throw offsetMismatch(id, existing.length, offset)
      staging.set(id, Buffer.concat([existing, bytes]))
    },
    async commitStaged(id, sha256) {
      const bytes = staging.get(id)
      if (!bytes) throw nothingStaged(id)
      if (sha256Hex(bytes) === sha256) return
      staging.delete(id)
      throw hashMismatch(sha256)
    },
    async getStaged(id, sha256) {
      const bytes = staging.get(id)
      if (!bytes) throw nothingStaged(id)
      if (sha256Hex(bytes) !== sha256) throw hashMismatch(sha256)
      return new Uint8Array(bytes)
    },
    async readStaged(id, offset, length) {
      const bytes = staging.get(id)
      if (!bytes) throw nothingStaged(id)
      if (offset + length > bytes.length) throw stagedTooShort(id, offset + length)
      return new Uint8Array(bytes.subarray(offset, offset + length))
    },
    async dropStaged(id) {
      staging.delete(id)
    },
  }
}
