/** kill -9 between the steps of a rotation is an identity opened again on the files as they are then. */
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openCoordinatorIdentity } from '../../../coordinator/store/file-coordinator-identity.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-identity-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = () => openCoordinatorIdentity(join(folder, 'coordinator.key'))

test('the identity is made once, for its owner alone', async () => {
  const { publicKey, seed } = await open()
  expect((await open()).publicKey).toEqual(publicKey)
  expect((await open()).seed).toEqual(seed)
  if (process.platform !== 'win32') expect((await stat(join(folder, 'coordinator.key'))).mode & 0o777).toBe(0o600)
})

test('a prepared identity that the log never named changes nothing', async () => {
  const old = (await open()).publicKey
  await (await open()).prepareNext()
  const restarted = await open()
  expect(restarted.publicKey).toEqual(old)
  expect(await restarted.adopt(old)).toBe(true)
  expect(restarted.publicKey).toEqual(old)
})

test('a prepared identity that the log names is taken up after a restart, and stays', async () => {
  const next = await (await open()).prepareNext()
  const restarted = await open()
  expect(await restarted.adopt(next.publicKey)).toBe(true)
  expect(restarted).toMatchObject({ publicKey: next.publicKey, seed: next.seed })
  expect(await readdir(folder)).toEqual(['coordinator.key'])
  const again = await open()
  expect(again.publicKey).toEqual(next.publicKey)
  expect(await again.adopt(next.publicKey)).toBe(true)
})

test('whoever holds the identity signs with the new one as soon as it is adopted', async () => {
  const identity = await open()
  const next = await identity.prepareNext()
  expect(identity.publicKey).not.toEqual(next.publicKey)
  await identity.adopt(next.publicKey)
  expect(identity.publicKey).toEqual(next.publicKey)
})

test('what was prepared last is what can be adopted', async () => {
  const identity = await open()
  const abandoned = await identity.prepareNext()
  const next = await identity.prepareNext()
  expect(await identity.adopt(abandoned.publicKey)).toBe(false)
  expect(await identity.adopt(next.publicKey)).toBe(true)
})

test('a key that is in neither file is not adopted, and the files stay', async () => {
  const identity = await open()
  const { publicKey } = identity
  await identity.prepareNext()
  const before = await Promise.all(['', '.next'].map((end) => readFile(join(folder, `coordinator.key${end}`))))
  expect(await identity.adopt(generateIdentity().publicKey)).toBe(false)
  expect(identity.publicKey).toEqual(publicKey)
  expect(await Promise.all(['', '.next'].map((end) => readFile(join(folder, `coordinator.key${end}`))))).toEqual(before)
})

test('a next key that is damaged is told, not overlooked', async () => {
  const identity = await open()
  await writeFile(join(folder, 'coordinator.key.next'), 'not a key', { mode: 0o600 })
  await expect(identity.adopt(generateIdentity().publicKey)).rejects.toMatchObject({ code: 'store-failed' })
})

test.skipIf(process.platform === 'win32')('a next key that others may read is refused', async () => {
  const identity = await open()
  const next = await identity.prepareNext()
  await chmod(join(folder, 'coordinator.key.next'), 0o644)
  await expect(identity.adopt(next.publicKey)).rejects.toThrow(/chmod 600/)
})
