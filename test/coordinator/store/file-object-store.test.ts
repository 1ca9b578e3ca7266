/** Objects as files keep the contract, also after a crash in the middle of a write. */
import { appendFile, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { expect, test } from 'vitest'
import { openFileObjectStore } from '../../../coordinator/store/file-object-store.ts'
import { codeOf } from './event-log.contract.ts'
import { bytesOf, objectStoreContract } from './object-store.contract.ts'

async function newFolders() {
  const folder = await mkdtemp(join(tmpdir(), 'objects-'))
  return { objects: join(folder, 'objects'), staging: join(folder, 'staging') }
}

objectStoreContract('objects as files', async () => openFileObjectStore(await newFolders()))

test('one flipped byte of an object is noticed', async () => {
  const folders = await newFolders()
  const store = await openFileObjectStore(folders)
  const { sha256 } = await store.put(bytesOf('the global parameters'))
  const path = join(folders.objects, sha256.slice(0, 2), sha256.slice(2))
  const bytes = await readFile(path)
  bytes[3]! ^= 1
  await writeFile(path, bytes)
  expect(await codeOf(store.get(sha256))).toBe('hash-mismatch')
})

test('a temporary file that a crash left torn is removed, and the object can be stored', async () => {
  const folders = await newFolders()
  await openFileObjectStore(folders)
  await writeFile(join(folders.staging, '.writing-0123456789abcdef'), 'the global par')
  const store = await openFileObjectStore(folders)
  expect(await readdir(folders.staging)).toEqual([])
  const stored = await store.put(bytesOf('the global parameters'))
  expect(await store.size(stored.sha256)).toBe(21)
})

test('an object whose writing breaks off leaves no file behind', async () => {
  const folders = await newFolders()
  const store = await openFileObjectStore(folders)
  async function* broken() {
    yield bytesOf('the global')
    throw new Error('no more')
  }
  await expect(store.putStream(broken())).rejects.toThrow('no more')
  expect(await readdir(folders.staging)).toEqual([])
})

test('an upload goes on after a restart, also behind a chunk that was written in part', async () => {
  const folders = await newFolders()
  const before = await openFileObjectStore(folders)
  await before.stage('plan-site', 0, bytesOf('first '))
  await appendFile(join(folders.staging, 'plan-site'), 'sec')
  const after = await openFileObjectStore(folders)
  expect(await after.staged('plan-site')).toBe(9)
  await after.stage('plan-site', 9, bytesOf('ond'))
  const sha256 = sha256Hex(bytesOf('first second'))
  await after.commitStaged('plan-site', sha256)
  expect(Buffer.from(await after.getStaged('plan-site', sha256)).toString()).toBe('first second')
})

test.for(['../escape', 'a/b', '', '.hidden'])('the name %j of an upload is refused', async (id) => {
  const store = await openFileObjectStore(await newFolders())
  expect(await codeOf(store.stage(id, 0, bytesOf('x')))).toBe('invalid-argument')
})
