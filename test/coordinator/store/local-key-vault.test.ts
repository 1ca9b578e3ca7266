/** The local key vault keeps the contract, and its key file is the owner's alone. */
import { chmod, mkdtemp, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openKeyFile } from '../../../coordinator/store/key-file.ts'
import { openLocalKeyVault } from '../../../coordinator/store/local-key-vault.ts'
import { codeOf } from './event-log.contract.ts'
import { keyVaultContract } from './key-vault.contract.ts'
import { bytesOf } from './object-store.contract.ts'

const newPath = async () => join(await mkdtemp(join(tmpdir(), 'vault-')), 'keys', 'vault.key')

keyVaultContract('the local key vault', async () => openLocalKeyVault(await newPath()))

test('a vault opened again opens what it sealed before; a vault with another key does not', async () => {
  const path = await newPath()
  const sealed = await (await openLocalKeyVault(path)).seal(bytesOf('secret'), {})
  expect(Buffer.from(await (await openLocalKeyVault(path)).open(sealed, {})).toString()).toBe('secret')
  expect(await codeOf((await openLocalKeyVault(await newPath())).open(sealed, {}))).toBe('store-failed')
})

test('the key file is readable by its owner alone, and refused where it is not', async () => {
  const path = await newPath()
  await openKeyFile(path)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await chmod(path, 0o644)
  expect(await codeOf(openKeyFile(path))).toBe('store-failed')
})

test('processes that make the key at the same time end up with one key', async () => {
  const path = await newPath()
  const keys = await Promise.all(Array.from({ length: 5 }, () => openKeyFile(path)))
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
})

test.for(['', 'abc', `${'0'.repeat(63)}g`])('a damaged key file %j is refused, not replaced', async (text) => {
  const path = join(await mkdtemp(join(tmpdir(), 'vault-')), 'vault.key')
  await writeFile(path, text, { mode: 0o600 })
  expect(await codeOf(openKeyFile(path))).toBe('store-failed')
})
