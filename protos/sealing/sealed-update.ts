/** Seals one contribution to the run's X25519 key: a fresh AES-256-GCM key in a NaCl box, then the bytes in frames. */
import { randomBytes } from 'node:crypto'
import nacl from 'tweetnacl'
import { FederationError } from '../errors.ts'
import { frameBytes, openFrame, sealFrame, tagBytes } from './frames.ts'

const boxNonceBytes = nacl.box.nonceLength
/** Ephemeral public key, box nonce, boxed AES key. */
export const sealedPrefixBytes = nacl.box.publicKeyLength + boxNonceBytes + 32 + nacl.box.overheadLength

export type RunKeyPair = { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array }

export function generateRunKeyPair(): RunKeyPair {
  return nacl.box.keyPair()
}

/** Bytes that sealing turns `plainBytes` into. */
export function sealedLength(plainBytes: number): number {
  return sealedPrefixBytes + plainBytes + tagBytes * Math.max(1, Math.ceil(plainBytes / frameBytes))
}

/** Seals `plain` to the run's key, bound to `context` (the plan hash and the site's name). */
export function sealUpdate(plain: Uint8Array, runPublicKey: Uint8Array, context: Uint8Array): Uint8Array {
  const key = randomBytes(32)
  const ephemeral = nacl.box.keyPair()
  const nonce = randomBytes(boxNonceBytes)
  const out = Buffer.alloc(sealedLength(plain.length))
  let at = 0
  const put = (bytes: Uint8Array) => {
    out.set(bytes, at)
    at += bytes.length
  }
  put(ephemeral.publicKey)
  put(nonce)
  put(nacl.box(key, nonce, runPublicKey, ephemeral.secretKey))
  const frames = Math.max(1, Math.ceil(plain.length / frameBytes))
  for (let i = 0; i < frames; i++) {
    const frame = plain.subarray(i * frameBytes, (i + 1) * frameBytes)
    put(sealFrame(key, { index: i, isLast: i === frames - 1 }, context, frame))
  }
  key.fill(0)
  return out
}

/** Opens what {@link sealUpdate} made; throws `update-invalid` where any byte, the key or the context differs. */
export function openUpdate(sealed: Uint8Array, run: RunKeyPair, context: Uint8Array): Uint8Array {
  const frameSize = frameBytes + tagBytes
  const body = sealed.subarray(sealedPrefixBytes)
  if (body.length < tagBytes) throw new FederationError('update-invalid', 'the sealed update is truncated')
  const key = openKey(sealed, run)
  const frames = Math.ceil(body.length / frameSize)
  const plain: Buffer[] = []
  for (let i = 0; i < frames; i++) {
    const frame = body.subarray(i * frameSize, (i + 1) * frameSize)
    plain.push(openFrame(key, { index: i, isLast: i === frames - 1 }, context, frame))
  }
  return Buffer.concat(plain)
}

function openKey(sealed: Uint8Array, run: RunKeyPair): Uint8Array {
  const ephemeral = sealed.subarray(0, 32)
  const nonce = sealed.subarray(32, 32 + boxNonceBytes)
  const boxed = sealed.subarray(32 + boxNonceBytes, sealedPrefixBytes)
  // X25519 ignores this bit (RFC 7748, section 5); a set one would be a second form of the same sealed update.
  const canonical = (ephemeral[31]! & 0x80) === 0
  const key = canonical ? nacl.box.open(boxed, nonce, ephemeral, run.secretKey) : null
  if (key?.length !== 32) throw new FederationError('update-invalid', 'the update is not sealed to the key of this run')
  return key
}
