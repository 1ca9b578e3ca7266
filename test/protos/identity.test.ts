/** Ed25519 identities: RFC 8032's vectors, and the forgeries that a naive verifier accepts. */
import { labelledHash } from '@consilium/protos/hash.ts'
import {
  assertUsablePublicKey,
  fingerprint,
  generateIdentity,
  identityFromSeed,
  sign,
  verifySignature,
  verifySignatureOfHash,
} from '@consilium/protos/identity.ts'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { describe, expect, test } from 'vitest'

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

describe('an identity', () => {
  test('derives the public key of RFC 8032, section 7.1, test 1', () => {
    const seed = hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
    expect(identityFromSeed(seed).publicKey).toEqual(
      hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'),
    )
  })

  test('signs what only its own public key verifies, for the same type and the same parts', () => {
    fc.assert(
      fc.property(bytes32, bytes32, fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }), (a, b, parts) => {
        fc.pre(Buffer.compare(a, b) !== 0)
        const [signer, other] = [identityFromSeed(a), identityFromSeed(b)]
        const signature = sign(signer, 'plan', ...parts)
        expect(verifySignature(signer.publicKey, signature, 'plan', ...parts)).toBe(true)
        expect(verifySignature(other.publicKey, signature, 'plan', ...parts)).toBe(false)
        expect(verifySignature(signer.publicKey, signature, 'study', ...parts)).toBe(false)
        expect(verifySignature(signer.publicKey, signature, 'plan', ...parts, Buffer.alloc(1))).toBe(false)
      }),
      { numRuns: 15 },
    )
  })

  test('verifies the same by the hash of what was signed, for whoever has no more of it', () => {
    const [signer, part] = [generateIdentity(), Buffer.from('shares')]
    const signature = sign(signer, 'sharekeys', part)
    const hash = labelledHash('sharekeys', part)
    expect(verifySignatureOfHash(signer.publicKey, signature, 'sharekeys', hash)).toBe(true)
    expect(verifySignatureOfHash(signer.publicKey, signature, 'unmask', hash)).toBe(false)
    expect(verifySignatureOfHash(signer.publicKey, signature, 'sharekeys', labelledHash('sharekeys'))).toBe(false)
    expect(verifySignatureOfHash(signer.publicKey, signature, 'sharekeys', hash.subarray(1))).toBe(false)
    expect(verifySignatureOfHash(generateIdentity().publicKey, signature, 'sharekeys', hash)).toBe(false)
  })

  test('does not verify a signature with any one bit flipped', () => {
    const signer = generateIdentity()
    const signature = sign(signer, 'study', Buffer.from('protocol'))
    for (let bit = 0; bit < 512; bit++) {
      const forged = Uint8Array.from(signature)
      forged[bit >> 3]! ^= 1 << (bit & 7)
      expect(verifySignature(signer.publicKey, forged, 'study', Buffer.from('protocol'))).toBe(false)
    }
  })

  test.for([
    ['a public key of 31 bytes', 31, 64],
    ['a public key of 33 bytes', 33, 64],
    ['a signature of 63 bytes', 32, 63],
    ['an empty signature', 32, 0],
  ] as const)('verifies nothing, without throwing, for %s', ([, keyBytes, signatureBytes]) => {
    expect(verifySignature(new Uint8Array(keyBytes).fill(7), new Uint8Array(signatureBytes), 'plan')).toBe(false)
  })

  test('prints its fingerprint as SSH does', () => {
    const { publicKey } = identityFromSeed(hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'))
    expect(fingerprint(publicKey)).toBe('SHA256:If4x36FUomFia/hUBG/SJxt77UtqvkWqWId+9H+XIbk')
  })
})

describe('a malleable signature', () => {
  const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n

  test('with the group order added to S is refused, though the library of the keys accepts it', () => {
    const signer = generateIdentity()
    const signature = sign(signer, 'study', Buffer.from('x'))
    const forged = Uint8Array.from(signature)
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`)
    forged.set(Buffer.from((s + groupOrder).toString(16).padStart(64, '0'), 'hex').reverse(), 32)
    expect(verifySignature(signer.publicKey, signature, 'study', Buffer.from('x'))).toBe(true)
    expect(verifySignature(signer.publicKey, forged, 'study', Buffer.from('x'))).toBe(false)

    const message = Buffer.from('any message')
    const pair = nacl.sign.keyPair.fromSeed(signer.seed)
    const plain = nacl.sign.detached(message, pair.secretKey)
    const plainS = BigInt(`0x${Buffer.from(plain.subarray(32)).reverse().toString('hex')}`)
    plain.set(Buffer.from((plainS + groupOrder).toString(16).padStart(64, '0'), 'hex').reverse(), 32)
    expect(nacl.sign.detached.verify(message, plain, pair.publicKey)).toBe(true)
  })
})

test('signatures are those that the library of the keys makes', () => {
  const signer = generateIdentity()
  const parts = [Buffer.from('one'), Buffer.from('two')]
  const signed = Buffer.concat([Buffer.from('fedsum/v1/sig/study\0'), labelledHash('study', ...parts)])
  const expected = nacl.sign.detached(signed, nacl.sign.keyPair.fromSeed(signer.seed).secretKey)
  expect(Buffer.from(sign(signer, 'study', ...parts))).toEqual(Buffer.from(expected))
})

describe('a public key of small order', () => {
  /** Cremers and Jackson 2019, table 3; each also with the sign bit set. */
  const smallOrderKeys = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0000000000000000000000000000000000000000000000000000000000000000',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ].flatMap((key) => {
    const signed = hex(key)
    signed[31]! |= 0x80
    return [key, Buffer.from(signed).toString('hex')]
  })

  test.for(smallOrderKeys)('is refused: %s', (key) => {
    expect(() => assertUsablePublicKey(hex(key))).toThrow(expect.objectContaining({ code: 'message-invalid' }))
  })

  test('verifies a forged signature in the library of the keys, and is refused here', () => {
    const identityPoint = hex('0100000000000000000000000000000000000000000000000000000000000000')
    // R is the base point and S is one: S*B = R + k*A holds for every message, because A is the identity point.
    const basePoint = hex('5866666666666666666666666666666666666666666666666666666666666666')
    const one = hex('0100000000000000000000000000000000000000000000000000000000000000')
    const forged = Buffer.concat([basePoint, one])
    expect(nacl.sign.detached.verify(Buffer.from('any message'), forged, identityPoint)).toBe(true)
    expect(verifySignature(identityPoint, forged, 'study', Buffer.from('any message'))).toBe(false)
  })

  test('is never one that a seed yields', () => {
    fc.assert(
      fc.property(bytes32, (seed) => assertUsablePublicKey(identityFromSeed(seed).publicKey)),
      { numRuns: 20 },
    )
  })
})
