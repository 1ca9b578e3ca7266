/** Sealed updates (STREAM over AES-256-GCM, key in a NaCl box): only the whole, untouched update opens. */
import { createHash } from 'node:crypto'
import { frameBytes } from '@consilium/protos/sealing/frames.ts'
import {
  generateRunKeyPair,
  openUpdate,
  sealedLength,
  sealedPrefixBytes,
  sealUpdate,
} from '@consilium/protos/sealing/sealed-update.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const run = generateRunKeyPair()
const context = Buffer.from(`${'ab'.repeat(32)}:basel`)
const sealedFrameBytes = frameBytes + 16
const refused = expect.objectContaining({ code: 'update-invalid' })

/** Bytes that differ from frame to frame, so that a swapped frame cannot pass for the right one. */
function plainBytes(length: number): Uint8Array {
  const block = createHash('sha512').update(String(length)).digest()
  const plain = Buffer.alloc(length)
  for (let at = 0; at < length; at += 64) block.copy(plain, at, 0, Math.min(64, length - at))
  for (let frame = 0; frame * frameBytes < length; frame++) plain[frame * frameBytes] = frame
  return plain
}

const threeFrames = sealUpdate(plainBytes(2 * frameBytes + 5000), run.publicKey, context)
const frame = (i: number) =>
  threeFrames.subarray(sealedPrefixBytes + i * sealedFrameBytes, sealedPrefixBytes + (i + 1) * sealedFrameBytes)
const prefix = threeFrames.subarray(0, sealedPrefixBytes)

describe('a sealed update', () => {
  test('opens to the bytes that were sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ maxLength: 100 }), (plain, anyContext) => {
        const sealed = sealUpdate(plain, run.publicKey, anyContext)
        expect(sealed.length).toBe(sealedLength(plain.length))
        expect(Buffer.compare(openUpdate(sealed, run, anyContext), plain)).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  test.for([0, 1, frameBytes - 1, frameBytes, frameBytes + 1, 2 * frameBytes, 3 * frameBytes + 17])(
    'opens to the bytes that were sealed, %i of them',
    (length) => {
      const plain = plainBytes(length)
      const sealed = sealUpdate(plain, run.publicKey, context)
      expect(sealed.length).toBe(sealedLength(length))
      expect(Buffer.compare(openUpdate(sealed, run, context), plain)).toBe(0)
    },
  )

  test('shows nothing of its bytes and never looks the same twice', () => {
    const plain = Buffer.alloc(4096, 7)
    const [a, b] = [sealUpdate(plain, run.publicKey, context), sealUpdate(plain, run.publicKey, context)]
    expect(Buffer.from(a).includes(Buffer.alloc(16, 7))).toBe(false)
    expect(a.subarray(sealedPrefixBytes)).not.toEqual(b.subarray(sealedPrefixBytes))
  })

  test('does not open when cut at any length', () => {
    const sealed = sealUpdate(plainBytes(300), run.publicKey, context)
    for (let length = 0; length < sealed.length; length++)
      expect(() => openUpdate(sealed.subarray(0, length), run, context)).toThrow(refused)
  })

  test('does not open when cut at, just before or just after the boundary of any frame', () => {
    for (const boundary of [0, 1, 2, 3].map((i) => sealedPrefixBytes + i * sealedFrameBytes))
      for (const length of [-17, -16, -15, -1, 0, 1, 15, 16, 17].map((offset) => boundary + offset)) {
        if (length >= threeFrames.length) continue
        expect(() => openUpdate(threeFrames.subarray(0, length), run, context)).toThrow(refused)
      }
  })

  test('does not open with any one bit flipped', () => {
    const sealed = sealUpdate(plainBytes(200), run.publicKey, context)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const tampered = Uint8Array.from(sealed)
      tampered[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => openUpdate(tampered, run, context)).toThrow(refused)
    }
  })

  test('does not open with a bit flipped in any frame', () => {
    fc.assert(
      fc.property(fc.integer({ min: sealedPrefixBytes, max: threeFrames.length - 1 }), fc.nat(7), (at, bit) => {
        const tampered = Uint8Array.from(threeFrames)
        tampered[at]! ^= 1 << bit
        expect(() => openUpdate(tampered, run, context)).toThrow(refused)
      }),
      { numRuns: 10 },
    )
  })

  test('does not open with bytes added', () => {
    for (const added of [1, 15, 16, 17, sealedFrameBytes])
      expect(() => openUpdate(Buffer.concat([threeFrames, Buffer.alloc(added)]), run, context)).toThrow(refused)
  })

  const otherUpdate = sealUpdate(plainBytes(2 * frameBytes + 5000), run.publicKey, context)
  const othersFrame = otherUpdate.subarray(sealedPrefixBytes, sealedPrefixBytes + sealedFrameBytes)
  test.for([
    ['its first two frames swapped', () => [prefix, frame(1), frame(0), frame(2)]],
    ['its first frame left out', () => [prefix, frame(1), frame(2)]],
    ['its second frame left out', () => [prefix, frame(0), frame(2)]],
    ['its last frame left out', () => [prefix, frame(0), frame(1)]],
    ['its last frame repeated', () => [prefix, frame(0), frame(1), frame(2), frame(2)]],
    ['its first frame in place of the second', () => [prefix, frame(0), frame(0), frame(2)]],
    ['a frame of another update', () => [prefix, othersFrame, frame(1), frame(2)]],
    [
      'the boxed key of another update',
      () => [otherUpdate.subarray(0, sealedPrefixBytes), frame(0), frame(1), frame(2)],
    ],
  ] as const)('does not open with %s', ([, parts]) => {
    expect(() => openUpdate(Buffer.concat(parts()), run, context)).toThrow(refused)
  })

  test.for([
    ['another site', `${'ab'.repeat(32)}:budapest`],
    ['another round', `${'ac'.repeat(32)}:basel`],
    ['no site', ''],
  ] as const)('does not open as the update of %s', ([, otherContext]) => {
    const sealed = sealUpdate(Buffer.from('update'), run.publicKey, context)
    expect(() => openUpdate(sealed, run, Buffer.from(otherContext))).toThrow(refused)
  })

  test('does not open with the key of another run', () => {
    const sealed = sealUpdate(Buffer.from('update'), run.publicKey, context)
    expect(() => openUpdate(sealed, generateRunKeyPair(), context)).toThrow(refused)
  })
})
