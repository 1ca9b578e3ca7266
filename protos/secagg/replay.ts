/**
 * A sum made again from what it was made of (fedsum, section E.3): the masked uploads of the survivors, the seeds of their
 * self masks and the mask keys of those who dropped out. Whoever confirmed the survivors has the roots of the uploads, so a
 * committed sum that was not made of these is found out, whoever gave the group secret away.
 *
 * Seeds need no proof of their own: with another seed than an upload was masked with, every word of the sum is noise, which
 * its readers refuse (four ones, tags, the bound on the norm), and nobody can aim at a sum that way.
 */
import { createHash } from 'node:crypto'
import { FederationError } from '../errors.ts'
import { replayBytesMax } from '../limits.ts'
import { agreementPublicKey } from './keys.ts'
import { addMasks, addVectors } from './mask-stream.ts'
import { uploadRoot } from './transcript.ts'
import { removalMasks, removalSeeds } from './unmask.ts'
import { type SecureVector, secureUploadBytes } from './vectors.ts'

/** Each in the ascending order of the sites. */
export type Replay = {
  /** 32 bytes for each survivor. */
  readonly selfSeeds: readonly Uint8Array[]
  /** Secret halves of the mask keys, 32 bytes for each site that shared its keys and did not survive. */
  readonly maskSecretKeys: readonly Uint8Array[]
  /** The masked vectors of each survivor, one after the other. */
  readonly uploads: readonly Uint8Array[]
}

/** What a site knows of a round by itself: who survived with which upload, who did not, and the mask keys of all. */
export type Replayed = {
  readonly sid: Uint8Array
  readonly u2Hash: Uint8Array
  readonly vectors: readonly SecureVector[]
  readonly survivors: readonly { readonly index: number; readonly root: Uint8Array; readonly maskKey: Uint8Array }[]
  readonly dropouts: readonly { readonly index: number; readonly maskKey: Uint8Array }[]
}

/** Whether the uploads of so many survivors are short enough together to travel with the request to verify their sum. */
export function isReplayed(vectors: readonly SecureVector[], survivors: number): boolean {
  return survivors * secureUploadBytes(vectors) <= replayBytesMax
}

/** The unmasked vectors one after the other; throws `sum-not-verified` saying of which site something else was sent. */
export function replaySum(round: Replayed, { selfSeeds, maskSecretKeys, uploads }: Replay): Uint8Array {
  const { sid, u2Hash, vectors, survivors, dropouts } = round
  if (selfSeeds.length !== survivors.length || uploads.length !== survivors.length)
    throw wrong('not one upload and one seed came for each survivor')
  if (maskSecretKeys.length !== dropouts.length) throw wrong('not one mask key came for each dropout')
  survivors.forEach((survivor, i) => {
    checkUpload(round, survivor, uploads[i]!)
  })
  dropouts.forEach(({ index, maskKey }, i) => {
    if (Buffer.compare(agreementPublicKey(maskSecretKeys[i]!), maskKey) !== 0)
      throw wrong(`the mask key of site ${index} is not the one that it advertised`)
  })
  const seeds = removalSeeds({
    sid,
    survivors: survivors.map(({ index, maskKey }, i) => ({ index, maskKey, selfSeed: selfSeeds[i]! })),
    dropouts: dropouts.map(({ index }, i) => ({ index, maskSecretKey: maskSecretKeys[i]! })),
  })
  const sums = vectors.map(({ name, words }, at) => {
    const sum = new Int32Array(words)
    const start = secureUploadBytes(vectors.slice(0, at))
    addVectors(
      sum,
      uploads.map((upload) => wordsAt(upload, start, words)),
    )
    addMasks(sum, removalMasks(seeds, name, u2Hash), 0)
    return Buffer.from(sum.buffer)
  })
  return Buffer.concat(sums)
}

function checkUpload(
  { sid, vectors }: Replayed,
  { index, root }: Replayed['survivors'][number],
  upload: Uint8Array,
): void {
  if (upload.length !== secureUploadBytes(vectors)) throw wrong(`the upload of site ${index} has another length`)
  const hashed = vectors.map(({ name, words }, at) => {
    const start = secureUploadBytes(vectors.slice(0, at))
    const sha256 = createHash('sha256')
      .update(upload.subarray(start, start + 4 * words))
      .digest()
    return { name, sha256 }
  })
  if (Buffer.compare(uploadRoot(sid, index, hashed), root) !== 0)
    throw wrong(`the upload of site ${index} is not the one that it signed`)
}

/** A copy, since words need their bytes aligned. */
function wordsAt(upload: Uint8Array, start: number, words: number): Int32Array {
  return new Int32Array(new Uint8Array(upload.subarray(start, start + 4 * words)).buffer)
}

function wrong(why: string): FederationError {
  return new FederationError('sum-not-verified', `what the sum is said to be made of is not: ${why}`)
}
