/** The coordinator's identity in memory: it outlives a coordinator that is killed, as the key files do. */
import { generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import type { CoordinatorIdentity } from '../../coordinator/store/coordinator-identity.ts'

export function memoryIdentity(first: Identity): CoordinatorIdentity {
  let current = first
  let next: Identity | undefined
  const isOf = (publicKey: Uint8Array, other?: Identity) =>
    other !== undefined && Buffer.compare(publicKey, other.publicKey) === 0
  return {
    get seed() {
      return current.seed
    },
    get publicKey() {
      return current.publicKey
    },
    async prepareNext() {
      next = generateIdentity()
      return next
    },
    async adopt(publicKey) {
      if (next && isOf(publicKey, next)) current = next
      return isOf(publicKey, current)
    },
  }
}
