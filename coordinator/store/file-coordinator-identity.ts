/**
 * The coordinator's identity in a key file, and the next one in a file beside it until the log names it: kill -9 at any
 * moment leaves the key that the log names in one of the two.
 */
import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { identityFromSeed } from '@consilium/protos/identity.ts'
import type { CoordinatorIdentity } from './coordinator-identity.ts'
import { openKeyFile, readKeyFile, syncFolder } from './key-file.ts'

/** Opens the key file at `path`, made on first use. Rejects with `store-failed` where it is damaged or others may read it. */
export async function openCoordinatorIdentity(path: string): Promise<CoordinatorIdentity> {
  const nextPath = `${path}.next`
  let current = identityFromSeed(await openKeyFile(path))
  const isOf = (publicKey: Uint8Array, other: Uint8Array) => Buffer.compare(publicKey, other) === 0
  return {
    get seed() {
      return current.seed
    },
    get publicKey() {
      return current.publicKey
    },
    async prepareNext() {
      await rm(nextPath, { force: true })
      return identityFromSeed(await openKeyFile(nextPath))
    },
    async adopt(publicKey) {
      if (isOf(publicKey, current.publicKey)) return true
      const seed = await readKeyFile(nextPath)
      const next = seed && identityFromSeed(seed)
      if (!next || !isOf(publicKey, next.publicKey)) return false
      // The log names it: from here on nothing is signed with the old one, even where the file cannot be renamed now.
      current = next
      await rename(nextPath, path)
      await syncFolder(dirname(path))
      return true
    },
  }
}
