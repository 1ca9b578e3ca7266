/** What every object store must do, whatever it is built on. */
import { FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { describe, expect, test } from 'vitest'
import type { ObjectStore } from '../../../coordinator/store/object-store.ts'
import { collect } from '../../support/collect.ts'
import { codeOf } from './event-log.contract.ts'

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export function objectStoreContract(name: string, open: () => Promise<ObjectStore>): void {
  describe(name, () => {
    test('an object comes back by its hash, stored once or twice', async () => {
      const store = await open()
      const bytes = bytesOf('parameters')
      const stored = await store.put(bytes)
      expect(stored).toEqual({ sha256: sha256Hex(bytes), bytes: 10 })
      expect(await store.put(bytes)).toEqual(stored)
      expect(Buffer.from(await store.get(stored.sha256)).equals(bytes)).toBe(true)
      expect(await store.size(stored.sha256)).toBe(10)
    })

    test('what is not there is not found', async () => {
      const store = await open()
      const sha256 = sha256Hex(bytesOf('nothing'))
      expect(await store.size(sha256)).toBeUndefined()
      expect(await codeOf(store.get(sha256))).toBe('not-found')
      expect(await codeOf(collect(store.read(sha256, 0)))).toBe('not-found')
      expect(await codeOf(store.commitStaged('none', sha256))).toBe('not-found')
      expect(await codeOf(store.getStaged('none', sha256))).toBe('not-found')
      expect(await store.staged('none')).toBe(0)
    })

    test('reading starts at any offset, in pieces of at most one chunk', async () => {
      const store = await open()
      const bytes = new Uint8Array(2 * chunkBytesMax + 5).map((_, i) => i % 251)
      const { sha256 } = await store.put(bytes)
      for (const offset of [0, 7, chunkBytesMax, bytes.length]) {
        const pieces = await collect(store.read(sha256, offset))
        expect(pieces.every(({ length }) => length > 0 && length <= chunkBytesMax)).toBe(true)
        expect(Buffer.concat(pieces).equals(bytes.subarray(offset))).toBe(true)
      }
    })

    test('an upload grows by its offsets until it is whole', async () => {
      const store = await open()
      const sha256 = sha256Hex(bytesOf('first second'))
      await store.stage('plan-site', 0, bytesOf('first '))
      expect(await store.staged('plan-site')).toBe(6)
      expect(await codeOf(store.stage('plan-site', 5, bytesOf('second')))).toBe('offset-mismatch')
      expect(await codeOf(store.stage('plan-site', 7, bytesOf('second')))).toBe('offset-mismatch')
      expect(await codeOf(store.getStaged('plan-site', sha256))).toBe('hash-mismatch')
      await store.stage('plan-site', 6, bytesOf('second'))
      await store.commitStaged('plan-site', sha256)
      expect(Buffer.from(await store.getStaged('plan-site', sha256)).toString()).toBe('first second')
    })

    test('an upload that was committed before a crash is committed again without harm', async () => {
      const store = await open()
      const sha256 = sha256Hex(bytesOf('once'))
      await store.stage('plan-site', 0, bytesOf('once'))
      for (let time = 0; time < 2; time++) await store.commitStaged('plan-site', sha256)
      expect(await store.staged('plan-site')).toBe(4)
    })

    test('an upload of the bytes of an object is no object, and takes none with it when it is dropped', async () => {
      const store = await open()
      const bytes = bytesOf('known to all')
      const sha256 = sha256Hex(bytes)
      await store.stage('plan-site', 0, bytes)
      await store.commitStaged('plan-site', sha256)
      expect(await store.size(sha256)).toBeUndefined()
      await store.put(bytes)
      await store.dropStaged('plan-site')
      expect(Buffer.from(await store.get(sha256)).equals(bytes)).toBe(true)
    })

    test('an upload with the wrong hash is dropped and starts again', async () => {
      const store = await open()
      const sha256 = sha256Hex(bytesOf('right'))
      await store.stage('plan-site', 0, bytesOf('wrong'))
      expect(await codeOf(store.commitStaged('plan-site', sha256))).toBe('hash-mismatch')
      expect(await store.staged('plan-site')).toBe(0)
      await store.stage('plan-site', 0, bytesOf('right'))
      await store.commitStaged('plan-site', sha256)
      expect(await store.staged('plan-site')).toBe(5)
    })

    test('a stretch of an upload is read without the rest of it', async () => {
      const store = await open()
      await store.stage('plan-site', 0, bytesOf('first '))
      await store.stage('plan-site', 6, bytesOf('second'))
      const read = async (offset: number, length: number) =>
        Buffer.from(await store.readStaged('plan-site', offset, length)).toString()
      expect(await read(4, 5)).toBe('t sec')
      expect(await read(0, 12)).toBe('first second')
      expect(await read(12, 0)).toBe('')
      expect(await codeOf(store.readStaged('plan-site', 8, 5))).toBe('offset-mismatch')
      expect(await codeOf(store.readStaged('none', 0, 1))).toBe('not-found')
      const stretch = await store.readStaged('plan-site', 1, 4)
      expect([stretch.byteOffset, stretch.buffer.byteLength]).toEqual([0, 4])
    })

    test('an object written piece by piece is the one its hash names', async () => {
      const store = await open()
      async function* pieces() {
        yield bytesOf('para')
        yield bytesOf('meters')
      }
      const stored = await store.putStream(pieces())
      expect(stored).toEqual({ sha256: sha256Hex(bytesOf('parameters')), bytes: 10 })
      expect(await store.putStream(pieces())).toEqual(stored)
      expect(Buffer.from(await store.get(stored.sha256)).toString()).toBe('parameters')
    })

    test('an object whose writing breaks off is none', async () => {
      const store = await open()
      async function* broken() {
        yield bytesOf('para')
        throw new FederationError('update-invalid', 'the rest is no number')
      }
      expect(await codeOf(store.putStream(broken()))).toBe('update-invalid')
      expect(await store.size(sha256Hex(bytesOf('para')))).toBeUndefined()
    })

    test('what is dropped is gone, and dropping it twice is harmless', async () => {
      const store = await open()
      await store.stage('plan-site', 0, bytesOf('half'))
      for (let time = 0; time < 2; time++) await store.dropStaged('plan-site')
      expect(await store.staged('plan-site')).toBe(0)
    })
  })
}
