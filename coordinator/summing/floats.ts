/** Parameters as objects hold them: float32, little-endian; whole, or one stretch after the other. */
import { createHash } from 'node:crypto'
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { hashMismatch, type ObjectStore } from '../store/object-store.ts'

/** float32 [parameters] from little-endian bytes, aligned by a copy. */
export function readFloats(bytes: Uint8Array): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer)
}

export type FloatReader = {
  /** The next `count` values; rejects with `shape-mismatch` where the object has fewer. */
  take(count: number): Promise<Float32Array>
  /** Rejects with `shape-mismatch` where values are left, with `hash-mismatch` where the object was damaged. */
  end(): Promise<void>
  /** Lets the object go, also before its end. */
  close(): Promise<void>
}

export function openFloatReader(objects: ObjectStore, sha256: Sha256): FloatReader {
  const pieces = objects.read(sha256, 0)[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  let rest: Uint8Array = new Uint8Array()

  async function next(): Promise<boolean> {
    const { value, done } = await pieces.next()
    if (done) return false
    hash.update(value)
    rest = value
    return true
  }

  return {
    async take(count) {
      const bytes = new Uint8Array(4 * count)
      for (let at = 0; at < bytes.length; ) {
        if (rest.length === 0 && !(await next())) throw unlike(sha256)
        const taken = rest.subarray(0, bytes.length - at)
        bytes.set(taken, at)
        at += taken.length
        rest = rest.subarray(taken.length)
      }
      return new Float32Array(bytes.buffer)
    },
    async end() {
      if (rest.length > 0 || (await next())) throw unlike(sha256)
      if (hash.digest('hex') !== sha256) throw hashMismatch(sha256)
    },
    async close() {
      await pieces.return?.()
    },
  }
}

function unlike(sha256: Sha256): FederationError {
  return new FederationError('shape-mismatch', `the parameters ${sha256} have another length than the update`)
}
