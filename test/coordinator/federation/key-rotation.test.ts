import { generateIdentity } from '@consilium/protos/identity.ts'
import { assertRotation } from '@consilium/protos/key-rotation.ts'
import { keyRotationsMax } from '@consilium/protos/limits.ts'
import { expect, test } from 'vitest'
import { federationEntry } from '../../../coordinator/federation/events.ts'
import { emptyFederation, evolveFederation } from '../../../coordinator/federation/federation.ts'
import { checkRotation, rotated, rotationChain } from '../../../coordinator/federation/key-rotation.ts'
import { keyView } from '../../../coordinator/federation/views.ts'

const now = new Date('2026-11-22T10:00:00.000Z')
const [first, second, third] = [generateIdentity(), generateIdentity(), generateIdentity()]

test('a rotated key is the one of the federation, and the chain leads there from every key before', () => {
  const events = [rotated(first, second, now), rotated(second, third, now)]
  for (const event of events) expect(() => federationEntry(event)).not.toThrow()
  const federation = events.reduce(evolveFederation, emptyFederation)
  expect(federation.coordinatorPublicKey).toBe(Buffer.from(third.publicKey).toString('base64'))
  const [one, two] = rotationChain(federation)
  expect(() => assertRotation(first.publicKey, one!)).not.toThrow()
  expect(() => assertRotation(second.publicKey, two!)).not.toThrow()
  expect(() => assertRotation(first.publicKey, two!)).toThrow(/not signed by both keys/)
  expect(keyView(federation)).toMatchObject({
    rotations: [{ at: now.toISOString() }, { to: keyView(federation).fingerprint }],
  })
})

test('no key is rotated while a run goes on, and the run is named', () => {
  expect(() => checkRotation(emptyFederation, ['heart-2'])).toThrow(
    expect.objectContaining({ code: 'permission-denied', message: expect.stringContaining('heart-2') }),
  )
  expect(() => checkRotation(emptyFederation, [])).not.toThrow()
})

test('no chain grows longer than a site reads', () => {
  const rotations = Array.from({ length: keyRotationsMax }, () => ({}) as never)
  expect(() => checkRotation({ ...emptyFederation, rotations }, [])).toThrow(
    expect.objectContaining({ code: 'limit-exceeded' }),
  )
})
