/** A checkpoint verifies as what was signed, under the key that signed it, and as nothing else. */
import { generateIdentity } from '@consilium/protos/identity.ts'
import { checkpointSchema, signCheckpoint, verifyCheckpoint } from '@consilium/protos/log/checkpoint.ts'
import { expect, test } from 'vitest'

const coordinator = generateIdentity()
const checkpoint = signCheckpoint(coordinator, 'run/heart-1', { size: 2 ** 40 + 1, root: 'ab'.repeat(32) })

test('a checkpoint verifies under the key that signed it, also after a way through JSON', () => {
  const read = checkpointSchema.parse(JSON.parse(JSON.stringify(checkpoint)))
  expect(verifyCheckpoint(coordinator.publicKey, read)).toBe(true)
})

test.for([
  ['stream', { ...checkpoint, stream: 'run/heart-2' }],
  ['size', { ...checkpoint, size: 1 }],
  ['root', { ...checkpoint, root: 'ac'.repeat(32) }],
  ['signature', { ...checkpoint, signature: Buffer.alloc(64).toString('base64') }],
] as const)('with another %s it does not', ([, changed]) => {
  expect(verifyCheckpoint(coordinator.publicKey, changed)).toBe(false)
})

test('under another key, or one that is malformed, it does not', () => {
  expect(verifyCheckpoint(generateIdentity().publicKey, checkpoint)).toBe(false)
  expect(verifyCheckpoint(new Uint8Array(5), checkpoint)).toBe(false)
})
