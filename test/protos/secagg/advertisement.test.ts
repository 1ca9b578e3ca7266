/** What a site advertises is read as it was written, and anything else is refused. */
import { errorCode } from '@consilium/protos/errors.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { generateAgreementKeys } from '@consilium/protos/secagg/keys.ts'
import { type Advertisement, advertisedBody } from '@consilium/protos/secagg/signed-messages.ts'
import { expect, test } from 'vitest'

const filled = (length: number, value: number) => new Uint8Array(length).fill(value)
const plain: Advertisement = {
  index: 7,
  channelKey: generateAgreementKeys().publicKey,
  maskKey: generateAgreementKeys().publicKey,
  nonce: filled(16, 1),
  modelHash: filled(32, 2),
  ledger: { epoch: 3, number: 2 ** 40, head: filled(32, 3) },
}
const previousAttempt = { planHash: filled(32, 4), released: false }

test.for([
  ['keys alone', plain],
  ['with the last number of a ledger', { ...plain, ledger: { ...plain.ledger, number: Number.MAX_SAFE_INTEGER } }],
  ['with the attempt before', { ...plain, previousAttempt }],
  ['with an attempt that was released', { ...plain, previousAttempt: { ...previousAttempt, released: true } }],
] as const)('what was advertised is read back: %s', ([, advertisement]) => {
  expect(readAdvertisement(advertisedBody(advertisement))).toEqual(advertisement)
})

const changed = (at: number, value: number, body = advertisedBody(plain)) => {
  const bytes = Uint8Array.from(body)
  bytes[at] = value
  return bytes
}

test.for([
  ['nothing', new Uint8Array()],
  ['a body cut short', advertisedBody(plain).slice(0, -1)],
  ['a byte more', Buffer.concat([advertisedBody(plain), filled(1, 0)])],
  ['a tag with nothing behind it', Buffer.concat([advertisedBody(plain), filled(1, 2)])],
  ['the attempt before twice', Buffer.concat([advertisedBody({ ...plain, previousAttempt }), filled(34, 2)])],
  ['an index of no site', changed(1, 0)],
  ['an index of two bytes', changed(0, 1)],
  ['a flag that is neither 0 nor 1', changed(114 + 44 + 33, 2, advertisedBody({ ...plain, previousAttempt }))],
  ['an epoch of no ledger', changed(114 + 3, 0)],
  ['a number beyond every ledger', changed(114 + 4, 1)],
  ['a channel key of low order', advertisedBody({ ...plain, channelKey: filled(32, 0) })],
  ['a mask key in no canonical form', advertisedBody({ ...plain, maskKey: filled(32, 255) })],
] as const)('refused: %s', ([, body]) => {
  try {
    readAdvertisement(body)
    expect.unreachable()
  } catch (error) {
    expect(errorCode(error)).toBe('message-invalid')
  }
})
