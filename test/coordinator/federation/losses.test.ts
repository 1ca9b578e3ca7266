/** Proofs of an old copy that need a federation of their own: the signing key handed on since. */
import type { KnownHeads } from '@consilium/protos/control-messages.ts'
import { errorCode } from '@consilium/protos/errors.ts'
import { fingerprint, generateIdentity } from '@consilium/protos/identity.ts'
import { signRotation } from '@consilium/protos/key-rotation.ts'
import { federationStream, signHead } from '@consilium/protos/log/signed-head.ts'
import { expect, test } from 'vitest'
import type { FederationEvent } from '../../../coordinator/federation/events.ts'
import { emptyFederation, evolveFederation, type Federation } from '../../../coordinator/federation/federation.ts'
import { rotated } from '../../../coordinator/federation/key-rotation.ts'
import { describeLoss, judgeKnown } from '../../../coordinator/federation/losses.ts'
import { checkRecoverable } from '../../../coordinator/federation/recover.ts'

const now = new Date('2026-11-22T10:00:00.000Z')
const [first, second, third] = [generateIdentity(), generateIdentity(), generateIdentity()]
const fold = (events: readonly FederationEvent[], from: Federation = emptyFederation) =>
  events.reduce(evolveFederation, from)
const created = fold([
  {
    type: 'federation-created',
    at: now.toISOString(),
    name: 'hearts',
    coordinatorPublicKey: Buffer.from(first.publicKey).toString('base64'),
    authority: 'a'.repeat(64),
  },
])
const root = 'b'.repeat(64)
const own = { length: () => 5, rootAt: () => root }
const nothing: KnownHeads = { heads: [], revocations: [], rotations: [] }
const judge = (federation: Federation, told: Partial<KnownHeads>) =>
  judgeKnown(federation, own, 'basel', { ...nothing, ...told }, now)

test('a rotation that no entry tells of is a proof, and so is what the later key signed; recovery needs that key', () => {
  const rotations = [signRotation(first, second), signRotation(second, third)]
  const head = signHead(third, { stream: federationStream, epoch: 1, size: 9, root, at: now.toISOString() })
  const restored = fold(judge(created, { rotations, heads: [head] }), created)
  expect(restored.losses.map(({ lost }) => lost.what)).toEqual(['key', 'entries'])
  expect(describeLoss(restored.losses[0]!)).toBe(
    `the signing key was handed on to ${fingerprint(third.publicKey)}, as basel proves`,
  )
  expect(() => checkRecoverable(restored)).toThrow(expect.objectContaining({ code: 'coordinator-key-changed' }))
  // Told again, nothing is written again.
  expect(judge(restored, { rotations, heads: [head] }).filter(({ type }) => type !== 'loss-proven')).toEqual([])
  expect(fold(judge(restored, { rotations, heads: [head] }), restored).losses).toHaveLength(2)
})

test('rotations of this log, in whole or in part, prove nothing; a forged one ends the message', () => {
  const [one, two] = [signRotation(first, second), signRotation(second, third)]
  const whole = fold([rotated(first, second, now), rotated(second, third, now)], created)
  for (const rotations of [[one], [two], [one, two], [two, one]]) expect(judge(whole, { rotations })).toEqual([])
  const forged = { ...signRotation(third, first), newSignature: one.newSignature }
  const refused = (() => {
    try {
      return judge(whole, { rotations: [forged] })
    } catch (error) {
      return errorCode(error)
    }
  })()
  expect(refused).toBe('signature-invalid')
})

test('what an earlier key of this log signed still counts', () => {
  const whole = fold([rotated(first, second, now)], created)
  const head = { stream: federationStream, epoch: 1, size: 9, root, at: now.toISOString() }
  expect(judge(whole, { heads: [signHead(first, head)] })).toMatchObject([{ lost: { what: 'entries', size: 9 } }])
  expect(judge(whole, { heads: [signHead(first, { ...head, size: 5 })] })).toEqual([])
})
