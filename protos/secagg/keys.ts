/**
 * Ephemeral X25519 keys of one session and what is derived from them (fedsum, sections A.2 and A.6): agreement that
 * refuses low-order keys (RFC 7748, section 6.1), HKDF-SHA256 seeds bound to the session, mask keys bound to the set of
 * sites that share masks.
 */
import { createHmac, createPrivateKey, createPublicKey, createSecretKey, diffieHellman, hkdfSync } from 'node:crypto'
import nacl from 'tweetnacl'
import { errorMessage, FederationError } from '../errors.ts'
import { siteIndexBytes } from './transcript.ts'

export type AgreementKeyPair = { readonly secretKey: Uint8Array; readonly publicKey: Uint8Array }

export function generateAgreementKeys(): AgreementKeyPair {
  return nacl.box.keyPair()
}

export function agreementPublicKey(secretKey: Uint8Array): Uint8Array {
  assertLength(secretKey, 'secret')
  return nacl.scalarMult.base(secretKey)
}

/** X25519 of one's secret key and a peer's public key: 32 bytes, never all zero. Node's: tweetnacl's takes three times as long. */
export function agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  assertLength(secretKey, 'secret')
  assertAgreementKey(publicKey)
  const pkcs8 = Buffer.concat([pkcs8Prefix, secretKey])
  try {
    return refuseZero(
      diffieHellman({
        privateKey: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
        publicKey: createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' }),
      }),
    )
  } catch (cause) {
    throw new FederationError('message-invalid', `keys do not agree: ${errorMessage(cause)}`, { cause })
  } finally {
    pkcs8.fill(0)
  }
}

/** Throws `message-invalid` for a key of wrong length, of low order, or not in its one canonical form. */
export function assertAgreementKey(publicKey: Uint8Array): void {
  assertLength(publicKey, 'public')
  if (!isCanonical(publicKey))
    throw new FederationError('message-invalid', 'this X25519 public key is not in canonical form')
  if (lowOrderKeys.has(Buffer.from(publicKey).toString('hex')))
    throw new FederationError('message-invalid', 'this X25519 public key has low order')
}

/** Seed of the mask that two sites share: the same on both ends, 32 bytes. */
export function pairSeed(shared: Uint8Array, sid: Uint8Array, one: number, other: number): Uint8Array {
  return derive('pair', shared, sid, Math.min(one, other), Math.max(one, other))
}

/** Key that seals a share from one site to another, 32 bytes. The way back has another, so nothing can be reflected. */
export function channelKey(shared: Uint8Array, sid: Uint8Array, from: number, to: number): Uint8Array {
  return derive('share', shared, sid, from, to)
}

/** Names of vectors stand in hashes and keys. */
export const vectorNamePattern = /^[a-z][a-z0-9-]{0,31}$/

/** Key of one mask stream: HMAC-SHA256(seed, "fedsum/v1/" kind "/" vector 0x00 U2hash), 32 bytes. */
export function maskKey(seed: Uint8Array, kind: 'pair' | 'self', vector: string, u2Hash: Uint8Array): Uint8Array {
  if (!vectorNamePattern.test(vector)) throw new FederationError('invalid-argument', `no name of a vector: ${vector}`)
  if (seed.length !== 32 || u2Hash.length !== 32)
    throw new FederationError('invalid-argument', 'a mask seed and the hash it is bound to have 32 bytes')
  return createHmac('sha256', createSecretKey(seed)).update(`fedsum/v1/${kind}/${vector}\0`).update(u2Hash).digest()
}

function derive(use: 'pair' | 'share', shared: Uint8Array, sid: Uint8Array, first: number, second: number): Uint8Array {
  if (shared.length !== 32 || sid.length !== 32 || first === second)
    throw new FederationError('invalid-argument', 'a seed is derived from 32 bytes, a session and two different sites')
  const info = Buffer.concat([Buffer.from(`fedsum/v1/${use}`), siteIndexBytes(first), siteIndexBytes(second)])
  return new Uint8Array(hkdfSync('sha256', createSecretKey(shared), sid, info, 32))
}

const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex')

/** The canonical u coordinates whose multiples by a clamped scalar are zero; the other forms are not canonical. */
const lowOrderKeys: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/** Below 2^255 - 19, and so the only encoding of its point's coordinate. */
function isCanonical(publicKey: Uint8Array): boolean {
  if (publicKey[31]! < 0x7f || publicKey.subarray(1, 31).some((byte) => byte !== 0xff)) return publicKey[31]! <= 0x7f
  return publicKey[31] === 0x7f && publicKey[0]! < 0xed
}

function refuseZero(shared: Uint8Array): Uint8Array {
  let bits = 0
  for (const byte of shared) bits |= byte
  if (bits === 0) throw new FederationError('message-invalid', 'this X25519 public key has low order')
  return shared
}

function assertLength(key: Uint8Array, which: 'public' | 'secret'): void {
  if (key.length !== 32) throw new FederationError('message-invalid', `an X25519 ${which} key has 32 bytes`)
}
