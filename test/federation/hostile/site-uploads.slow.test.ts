/**
 * A site whose uploads are cut, too long, changed after they were signed, of another round, late or twice, or hold numbers
 * that no site can have: what is not as signed is not added, and a sum that cannot be is given up as a whole.
 */
import { randomBytes } from 'node:crypto'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { inputMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { uploadRoot } from '@consilium/protos/secagg/transcript.ts'
import { expect, test } from 'vitest'
import type { Moment, Upload } from '../../support/hostile/site.ts'
import { lieEachRound, type SiteAttack, withstood } from '../../support/hostile/site-attacks.ts'

const honest: SiteAttack = { what: 'nothing', log: [], uploads: ['OK'], round: 'committed', lies: {} }

/** First something wrong, which is refused and leaves no trace, then what it should have been. */
const mended: readonly SiteAttack[] = [
  trying('fewer bytes announced', 'limit-exceeded', (upload) => ({ ...upload, size: upload.size - 4 })),
  trying('more bytes announced', 'limit-exceeded', (upload) => ({ ...upload, size: upload.size + 4 })),
  trying('2^50 bytes announced', 'message-invalid', (upload) => ({ ...upload, size: 2 ** 50 })),
  trying('bytes behind the last', 'message-invalid', (upload) => ({
    ...upload,
    bytes: Buffer.concat([upload.bytes, randomBytes(4)]),
  })),
  trying('one chunk beyond a mebibyte', 'message-invalid', (upload) => ({
    ...upload,
    bytes: new Uint8Array(1024 * 1024 + 1),
    chunkBytes: 1024 * 1024 + 1,
  })),
  trying('a bit that flipped on the way', 'hash-mismatch', (upload) => ({ ...upload, bytes: flipped(upload.bytes) })),
  trying('bytes from beyond where the coordinator is', 'offset-mismatch', (upload) => ({ ...upload, offset: 4 })),
]

/** For which the site is dropped; it uploads no more. */
const dropped: readonly SiteAttack[] = [
  once('a bit flipped after it was signed', 'update-invalid', (upload) => {
    const bytes = flipped(upload.bytes)
    return { ...upload, bytes, sha256: sha256Hex(bytes) }
  }),
  once('a header that nobody signed', 'signature-invalid', ({ masked, ...upload }) => ({
    ...upload,
    masked: { ...masked, signature: randomBytes(64) },
  })),
  once('a header signed for other sharers', 'signature-invalid', ({ masked, ...upload }, { me, hash }) => {
    const { sid, index } = me.session(hash)!
    const signature = signMessage(me.identity, inputMessage(sid!, randomBytes(32), index, masked.root))
    return { ...upload, masked: { ...masked, signature } }
  }),
  once('a root that is not that of its vectors', 'hash-mismatch', ({ masked, ...upload }, at) => ({
    ...upload,
    masked: signedInput(randomBytes(32), masked.vectorHashes, at),
  })),
  once('one vector too few', 'message-invalid', ({ masked, ...upload }, at) => {
    const vectorHashes = masked.vectorHashes.slice(1)
    const root = uploadRoot(at.me.session(at.hash)!.sid!, 4, [{ name: 'update', sha256: vectorHashes[0]! }])
    return { ...upload, masked: signedInput(root, vectorHashes, at) }
  }),
]

const twice: readonly SiteAttack[] = [
  {
    what: 'another upload after the first was announced',
    log: [],
    uploads: ['link-down', 'update-invalid', 'OK'],
    round: 'committed',
    lies: {
      async upload(upload, { put }) {
        await put({ ...upload, bytes: upload.bytes.slice(0, 8) })
        const other = flipped(upload.bytes)
        await put({ ...upload, bytes: other, sha256: sha256Hex(other) })
        await put({ ...upload, offset: 8 })
      },
    },
  },
  {
    what: 'an upload after the site gave up',
    log: ['data-not-ready', 'data-not-ready'],
    uploads: ['stale-round'],
    round: 'committed',
    lies: {
      async upload(upload, { say, put, hash, over }) {
        say({ type: 'refusal', planHash: hash, code: 'data-not-ready' })
        await over
        await put(upload)
      },
    },
  },
]

test('an upload that is not what it was announced to be is refused, and the right one still counts', async () => {
  const attacks = [...mended, ...twice]
  expect(await lieEachRound(attacks)).toEqual(withstood(attacks))
})

test('a site whose upload is not what it signed is dropped, and the others finish', async () => {
  expect(await lieEachRound(dropped)).toEqual(withstood(dropped))
})

const sums: readonly SiteAttack[] = [
  failing('numbers over the full range', (words) => [words[0]!, randomWords(words[1]!.length)]),
  honest,
  failing('the largest number everywhere', (words) => [words[0]!, words[1]!.map(() => 2 ** 31 - 1)]),
  honest,
  failing('a weight beyond the largest', (words) => [words[0]!.with(4, 2 ** 30), words[1]!]),
  honest,
  failing('ones that are none', (words) => [words[0]!.with(0, 2), words[1]!]),
  honest,
  failing('a site that contributes five times', (words) => [words[0]!.with(11, 5), words[1]!]),
  honest,
]

test('a sum that the survivors cannot have fails its round as a whole, and the next one goes on', async () => {
  expect(await lieEachRound(sums)).toEqual(withstood(sums))
})

function trying(what: string, code: string, bend: (upload: Upload) => Upload): SiteAttack {
  return {
    what,
    log: [],
    uploads: [code, 'OK'],
    round: 'committed',
    lies: {
      async upload(upload, { put }) {
        await put(bend(upload))
        await put(upload)
      },
    },
  }
}

function once(what: string, code: SiteAttack['log'][number], bend: (upload: Upload, at: Moment) => Upload): SiteAttack {
  const lies: SiteAttack['lies'] = { upload: (upload, at) => at.put(bend(upload, at)) }
  return { what, log: [code, code], uploads: ['stale-round'], round: 'committed', lies }
}

function failing(what: string, words: NonNullable<SiteAttack['lies']['words']>): SiteAttack {
  return { what, log: [], uploads: ['OK'], round: 'update-invalid', lies: { words } }
}

function signedInput(root: Uint8Array, vectorHashes: readonly Uint8Array[], { me, hash }: Moment): Upload['masked'] {
  const { sid, u2Hash, index } = me.session(hash)!
  return { root, vectorHashes, signature: signMessage(me.identity, inputMessage(sid!, u2Hash!, index, root)) }
}

function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1)
}

function randomWords(length: number): Int32Array {
  return new Int32Array(new Uint8Array(randomBytes(4 * length)).buffer)
}
