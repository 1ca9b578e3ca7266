/**
 * Ed25519 identities of sites, research leads and the coordinator (RFC 8032): keys by tweetnacl, signing by node:crypto
 * (the same bytes, fifty times faster), verification always by node:crypto (it refuses malleable signatures), fingerprints
 * to compare out of band.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signDetached,
  verify,
} from 'node:crypto'
import nacl from 'tweetnacl'
import { FederationError } from './errors.ts'
import { labelledHash } from './hash.ts'

/** 32-byte seed and the 32-byte public key that follows from it. */
export type Identity = { readonly seed: Uint8Array; readonly publicKey: Uint8Array }

export function generateIdentity(): Identity {
  return identityFromSeed(nacl.randomBytes(32))
}

export function identityFromSeed(seed: Uint8Array): Identity {
  return { seed, publicKey: nacl.sign.keyPair.fromSeed(seed).publicKey }
}

/** `SHA256:` and the unpadded base64 of the SHA-256 of the public key, as SSH prints it. */
export function fingerprint(publicKey: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(publicKey).digest('base64').replace(/=+$/, '')}`
}

/** Signature (64 bytes) over "fedsum/v1/sig/" + type || 0x00 || H(type, parts). */
export function sign(identity: Identity, type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const pkcs8 = Buffer.concat([pkcs8Prefix, identity.seed])
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  pkcs8.fill(0)
  return signDetached(null, signedBytes(type, labelledHash(type, ...parts)), key)
}

/** True where `signature` is `publicKey`'s over the same type and parts. Never throws on malformed input. */
export function verifySignature(
  publicKey: Uint8Array,
  signature: Uint8Array,
  type: string,
  ...parts: readonly Uint8Array[]
): boolean {
  return verifySignatureOfHash(publicKey, signature, type, labelledHash(type, ...parts))
}

/** As {@link verifySignature}, where only the hash H(type, parts) of what was signed is known. */
export function verifySignatureOfHash(
  publicKey: Uint8Array,
  signature: Uint8Array,
  type: string,
  hash: Uint8Array,
): boolean {
  if (publicKey.length !== 32 || signature.length !== 64 || hash.length !== 32 || isSmallOrder(publicKey)) return false
  return verify(null, signedBytes(type, hash), verificationKey(publicKey), signature)
}

/** Refuses a public key that is malformed or of small order: under such a key forged signatures verify. */
export function assertUsablePublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== 32) throw new FederationError('message-invalid', 'an Ed25519 public key has 32 bytes')
  if (isSmallOrder(publicKey)) throw new FederationError('message-invalid', 'this Ed25519 public key has small order')
}

/** Making a key object takes longer than verifying with it, and the same few identities sign again and again. */
const verificationKeys = new Map<string, KeyObject>()
const verificationKeysMax = 1000

function verificationKey(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey).toString('hex')
  const known = verificationKeys.get(name)
  if (known) return known
  if (verificationKeys.size >= verificationKeysMax) verificationKeys.clear()
  const key = createPublicKey({ key: Buffer.concat([derPrefix, publicKey]), format: 'der', type: 'spki' })
  verificationKeys.set(name, key)
  return key
}

const derPrefix = Buffer.from('302a300506032b6570032100', 'hex')
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

function signedBytes(type: string, hash: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`fedsum/v1/sig/${type}\0`, 'utf8'), hash])
}

/** The y coordinates of the eight points of small order, canonical and not (Cremers and Jackson 2019, table 3). */
const smallOrderYs = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

function isSmallOrder(publicKey: Uint8Array): boolean {
  const y = Buffer.from(publicKey)
  y[31] = y[31]! & 0x7f
  return smallOrderYs.has(y.toString('hex'))
}
