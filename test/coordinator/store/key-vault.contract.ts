/** What every key vault must do, whatever it is built on. */
import { describe, expect, test } from 'vitest'
import type { KeyVault } from '../../../coordinator/store/key-vault.ts'
import { codeOf } from './event-log.contract.ts'
import { bytesOf } from './object-store.contract.ts'

export function keyVaultContract(name: string, open: () => Promise<KeyVault>): void {
  describe(name, () => {
    const context = { federation: 'heart', run: 'heart-1' }

    test('what was sealed opens under the same context', async () => {
      const vault = await open()
      const sealed = await vault.seal(bytesOf('secret'), context)
      expect(Buffer.from(sealed).includes('secret')).toBe(false)
      const opened = await vault.open(sealed, { run: 'heart-1', federation: 'heart' })
      expect(Buffer.from(opened).toString()).toBe('secret')
    })

    test('sealing twice never gives the same bytes', async () => {
      const vault = await open()
      const left = await vault.seal(bytesOf('secret'), context)
      const right = await vault.seal(bytesOf('secret'), context)
      expect(Buffer.from(left).equals(right)).toBe(false)
    })

    test('another context, a flipped byte and a cut end do not open', async () => {
      const vault = await open()
      const sealed = await vault.seal(bytesOf('secret'), context)
      expect(await codeOf(vault.open(sealed, { ...context, run: 'heart-2' }))).toBe('store-failed')
      for (let i = 0; i < sealed.length; i++) {
        const flipped = Uint8Array.from(sealed)
        flipped[i]! ^= 1
        expect(await codeOf(vault.open(flipped, context))).toBe('store-failed')
      }
      expect(await codeOf(vault.open(sealed.subarray(0, -1), context))).toBe('store-failed')
      expect(await codeOf(vault.open(new Uint8Array(), context))).toBe('store-failed')
    })

    test('more than 4 KiB is refused', async () => {
      const vault = await open()
      expect(await codeOf(vault.seal(new Uint8Array(4097), context))).toBe('limit-exceeded')
    })
  })
}
