/**
 * The two folders beside the database: `outbox/` holds finished contributions until their round is over, what is to leave
 * and, in a secure round, the words that no mask covers yet, and how far unfinished work has come; `objects/` holds forward
 * graphs and global parameters by their SHA-256.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { writeDurably } from '../durable-file.ts'

export type Outbox = {
  /** Where the sealed or masked contribution to a plan lies, or will. */
  path(planHash: Sha256): string
  /** Where the words to be masked lie, sealed to this site. */
  wordsPath(planHash: Sha256): string
  /** Where a training in progress is kept, sealed to this site. */
  checkpointPath(planHash: Sha256): string
  /** Whether the work is finished: the contribution is here, or the words for it. */
  has(planHash: Sha256): boolean
  /** Whether the words are here. */
  hasWords(planHash: Sha256): boolean
  /** Whether the contribution is here as it is to leave. */
  isReady(planHash: Sha256): boolean
  /** Bytes of a contribution that is here. */
  size(planHash: Sha256): number
  /** Returns once the bytes survive a power cut. */
  put(planHash: Sha256, sealed: Uint8Array): void
  removeWords(planHash: Sha256): void
  removeCheckpoint(planHash: Sha256): void
  /** Deletes what belongs to none of these plans; of those in `repeatable` the words stay. */
  keepOnly(planHashes: ReadonlySet<Sha256>, repeatable: readonly Sha256[]): void
}

export type ObjectFolder = {
  path(sha256: Sha256): string
  /** The object's bytes if it is here whole; one whose hash does not match is deleted and counts as missing. */
  read(sha256: Sha256): Uint8Array | undefined
  /** Deletes every object, whole or partly fetched, that is not among these. */
  keepOnly(objects: ReadonlySet<Sha256>): void
}

export function openOutbox(folder: string): Outbox {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = (planHash: Sha256) => join(folder, `${planHash}.update`)
  const wordsPath = (planHash: Sha256) => join(folder, `${planHash}.words`)
  const checkpointPath = (planHash: Sha256) => join(folder, `${planHash}.checkpoint`)
  return {
    path,
    wordsPath,
    checkpointPath,
    has: (planHash) => existsSync(path(planHash)) || existsSync(wordsPath(planHash)),
    hasWords: (planHash) => existsSync(wordsPath(planHash)),
    isReady: (planHash) => existsSync(path(planHash)),
    size: (planHash) => statSync(path(planHash)).size,
    put: (planHash, sealed) => writeDurably(path(planHash), sealed),
    removeWords: (planHash) => rmSync(wordsPath(planHash), { force: true }),
    removeCheckpoint: (planHash) => rmSync(checkpointPath(planHash), { force: true }),
    keepOnly(planHashes, repeatable) {
      const words = new Set(repeatable.map((planHash) => `${planHash}.words`))
      removeOthers(folder, (name) => planHashes.has(name.slice(0, 64)) || words.has(name))
    },
  }
}

export function openObjectFolder(folder: string): ObjectFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = (sha256: Sha256) => join(folder, sha256)
  return {
    path,
    read(sha256) {
      if (!existsSync(path(sha256))) return undefined
      const bytes = readFileSync(path(sha256))
      if (sha256Hex(bytes) === sha256) return bytes
      rmSync(path(sha256), { force: true })
      return undefined
    },
    keepOnly: (objects) => removeOthers(folder, (name) => objects.has(name.slice(0, 64))),
  }
}

/** Every name starts with the 64 digits of a hash; what follows is a suffix of ours or of an unfinished download. */
function removeOthers(folder: string, isKept: (name: string) => boolean): void {
  for (const name of readdirSync(folder)) {
    if (!isKept(name)) rmSync(join(folder, name), { force: true })
  }
}
