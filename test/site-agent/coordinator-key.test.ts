import type { KeyRotation } from '@consilium/protos/control-messages.ts'
import { fingerprint, generateIdentity, type Identity, sign } from '@consilium/protos/identity.ts'
import { signRotation } from '@consilium/protos/key-rotation.ts'
import { expect, test } from 'vitest'
import { openPinnedCoordinator } from '../../site-agent/coordinator-key.ts'
import type { AgentEvent } from '../../site-agent/round/events.ts'

const [first, second, third, stranger] = Array.from({ length: 4 }, generateIdentity) as [
  Identity,
  Identity,
  Identity,
  Identity,
]
const chain = [signRotation(first, second), signRotation(second, third)]

function pinned({ publicKey }: Identity) {
  const kept: Uint8Array[] = []
  const events: AgentEvent[] = []
  const coordinator = openPinnedCoordinator({
    publicKey,
    keep: (key) => void kept.push(key),
    emit: (event) => void events.push(event),
  })
  return { coordinator, kept, events }
}

test.for([
  { what: 'the first key', from: first, changes: 1 },
  { what: 'a key in the middle', from: second, changes: 1 },
  { what: 'the newest key', from: third, changes: 0 },
])('a site that pinned $what follows the chain to its end, durably', ({ from, changes }) => {
  const { coordinator, kept, events } = pinned(from)
  coordinator.rotated(chain)
  coordinator.rotated(chain)
  expect(coordinator.publicKey).toEqual(third.publicKey)
  expect(kept).toEqual(Array(changes).fill(third.publicKey))
  expect(events).toEqual(
    Array(changes).fill({
      type: 'coordinator-key-rotated',
      previous: fingerprint(from.publicKey),
      fingerprint: fingerprint(third.publicKey),
    }),
  )
})

test('a coordinator that never rotated changes nothing', () => {
  const { coordinator, kept } = pinned(first)
  coordinator.rotated([])
  expect([coordinator.publicKey, kept]).toEqual([first.publicKey, []])
})

const honest = signRotation(first, second)
const forgeries: readonly { readonly what: string; readonly rotations: readonly KeyRotation[] }[] = [
  { what: 'from a key that was never pinned', rotations: [signRotation(stranger, second)] },
  { what: 'that the old key did not sign', rotations: [{ ...honest, oldSignature: honest.newSignature }] },
  { what: 'that the new key did not sign', rotations: [{ ...honest, newSignature: honest.oldSignature }] },
  { what: 'to a key put in afterwards', rotations: [{ ...honest, newPublicKey: stranger.publicKey }] },
  {
    what: 'signed as something else',
    rotations: [{ ...honest, oldSignature: sign(first, 'plan', first.publicKey, second.publicKey) }],
  },
  { what: 'with a link missing', rotations: [chain[0]!, signRotation(stranger, third)] },
  {
    what: 'to a key under which signatures can be forged',
    rotations: [{ ...honest, newPublicKey: Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)) }],
  },
]

test.for(forgeries)('a rotation $what is refused and the pinned key stays', ({ rotations }) => {
  const { coordinator, kept } = pinned(first)
  expect(() => coordinator.rotated(rotations)).toThrow(expect.objectContaining({ code: 'coordinator-key-changed' }))
  expect([coordinator.publicKey, kept]).toEqual([first.publicKey, []])
})

test('whoever holds a key that was handed on cannot hand it on a second time', () => {
  const { coordinator } = pinned(first)
  coordinator.rotated([honest])
  expect(() => coordinator.rotated([signRotation(first, stranger)])).toThrow(/nothing signed by the new key/)
  expect(coordinator.publicKey).toEqual(second.publicKey)
})
