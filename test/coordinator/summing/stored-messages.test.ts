/** Wide messages as objects: they come back as they were, also after a restart, and nothing else does. */
import { randomBytes } from 'node:crypto'
import type { ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import { expect, test } from 'vitest'
import { openMemoryObjectStore } from '../../../coordinator/store/memory-object-store.ts'
import { decodeMessage, encodeMessage, openStoredMessages } from '../../../coordinator/summing/stored-messages.ts'

const bytes = (length: number) => new Uint8Array(randomBytes(length))
const planHash = 'a'.repeat(64)

const shareKeys = (sites = 3): ShareKeysMessage => ({
  type: 'share-keys',
  planHash,
  selfCommitment: bytes(32),
  groupCommitment: bytes(32),
  rows: Array.from({ length: sites }, (_, i) => ({
    index: i + 1,
    keyCommitment: bytes(32),
    selfCommitment: bytes(32),
    sealed: bytes(i === 0 ? 0 : 136),
  })),
  signature: bytes(64),
})

const unmask = (): Unmask => ({
  type: 'unmask',
  planHash,
  revealed: [
    { index: 1, kind: 'b', share: bytes(32) },
    { index: 2, kind: 's', share: bytes(32) },
  ],
  signature: bytes(64),
})

test.for([shareKeys(), shareKeys(255), unmask()])('a message comes back as it was', (message) => {
  expect(decodeMessage(encodeMessage(message))).toEqual(message)
})

test('messages that came as buffers of the wire are stored the same', () => {
  const message = unmask()
  const buffers = { ...message, signature: Buffer.from(message.signature) }
  expect(Buffer.from(encodeMessage(buffers)).equals(encodeMessage(message))).toBe(true)
})

test('what is stored is known at once, and after a restart once it was read', async () => {
  const objects = openMemoryObjectStore()
  const before = openStoredMessages(objects)
  const message = shareKeys()
  const object = await before.put(message)
  expect(before.loaded(object)).toEqual(message)
  before.forget(planHash)
  expect(before.loaded(object)).toBeUndefined()
  const after = openStoredMessages(objects)
  expect(after.loaded(object)).toBeUndefined()
  expect(await after.shareKeys(object)).toEqual(message)
  expect(after.loaded(object)).toEqual(message)
})

test('a message of the other kind, or an object that is none, is refused', async () => {
  const objects = openMemoryObjectStore()
  const messages = openStoredMessages(objects)
  const [one, other] = [await messages.put(shareKeys()), await messages.put(unmask())]
  await expect(messages.unmask(one)).rejects.toMatchObject({ code: 'message-invalid' })
  await expect(messages.shareKeys(other)).rejects.toMatchObject({ code: 'message-invalid' })
  const { sha256 } = await objects.put(Buffer.from('{}'))
  await expect(messages.unmask(sha256)).rejects.toMatchObject({ code: 'message-invalid' })
})

test.for([
  { what: 'a share of another length', change: (of: ShareKeysMessage) => ({ ...of, selfCommitment: bytes(31) }) },
  { what: 'no rows', change: (of: ShareKeysMessage) => ({ ...of, rows: [] }) },
  { what: 'more rows than a cohort has sites', change: () => shareKeys(256) },
])('a message with $what is not stored', ({ change }) => {
  expect(() => encodeMessage(change(shareKeys()))).toThrow(expect.objectContaining({ code: 'message-invalid' }))
})
