/** Parameters read stretch by stretch: the same values for any cutting, and damage is noticed at the end. */
import { expect, test } from 'vitest'
import { openMemoryObjectStore } from '../../../coordinator/store/memory-object-store.ts'
import type { ObjectStore } from '../../../coordinator/store/object-store.ts'
import { openFloatReader, readFloats } from '../../../coordinator/summing/floats.ts'

const values = Float32Array.from({ length: 11 }, (_, i) => i / 7)
const bytes = new Uint8Array(values.buffer)

/** A store that hands the object out in pieces of this many bytes. */
async function stored(pieceBytes: number, handedOut = bytes) {
  const objects = openMemoryObjectStore()
  const { sha256 } = await objects.put(bytes)
  const cut: ObjectStore = {
    ...objects,
    async *read() {
      for (let at = 0; at < handedOut.length; at += pieceBytes) yield handedOut.subarray(at, at + pieceBytes)
    },
  }
  return openFloatReader(cut, sha256)
}

test.for([1, 3, 4, 17, 100])('stretches of any length come out of pieces of %i bytes', async (pieceBytes) => {
  const reader = await stored(pieceBytes)
  const taken = [await reader.take(0), await reader.take(5), await reader.take(6)]
  await reader.end()
  expect(taken.flatMap((stretch) => [...stretch])).toEqual([...values])
})

test('more than there is, and less than there is, are refused', async () => {
  await expect((await stored(8)).take(12)).rejects.toMatchObject({ code: 'shape-mismatch' })
  const reader = await stored(8)
  await reader.take(10)
  await expect(reader.end()).rejects.toMatchObject({ code: 'shape-mismatch' })
})

test('one flipped bit is noticed at the end', async () => {
  const damaged = Uint8Array.from(bytes)
  damaged[9]! ^= 4
  const reader = await stored(16, damaged)
  await reader.take(11)
  await expect(reader.end()).rejects.toMatchObject({ code: 'hash-mismatch' })
})

test('bytes that stand anywhere in memory are read as they are', () => {
  const shifted = new Uint8Array(bytes.length + 1)
  shifted.set(bytes, 1)
  expect(readFloats(shifted.subarray(1))).toEqual(values)
})
