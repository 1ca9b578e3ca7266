/** Uploads that are not what an honest site makes. */
import { randomBytes } from 'node:crypto'
import { inputMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { Moment, Upload } from './site.ts'
import type { SiteLie } from './site-attacks.ts'

export function trying(code: string, bend: (upload: Upload) => Upload): SiteLie {
  return {
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

export function once(code: SiteLie['log'][number], bend: (upload: Upload, at: Moment) => Upload): SiteLie {
  const lies: SiteLie['lies'] = { upload: (upload, at) => at.put(bend(upload, at)) }
  return { log: [code, code], uploads: ['stale-round'], round: 'committed', lies }
}

export function failing(words: NonNullable<SiteLie['lies']['words']>): SiteLie {
  return { log: [], uploads: ['OK'], round: 'update-invalid', lies: { words } }
}

export function signedInput(
  root: Uint8Array,
  vectorHashes: readonly Uint8Array[],
  { me, hash }: Moment,
): Upload['masked'] {
  const { sid, u2Hash, index } = me.session(hash)!
  return { root, vectorHashes, signature: signMessage(me.identity, inputMessage(sid!, u2Hash!, index, root)) }
}

export function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1)
}

export function randomWords(length: number): Int32Array {
  return new Int32Array(new Uint8Array(randomBytes(4 * length)).buffer)
}
