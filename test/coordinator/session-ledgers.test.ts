/** What the coordinator shows a site of its own ledger: the furthest, signed by it, and not what its agent just said itself. */
import { generateIdentity } from '@consilium/protos/identity.ts'
import { generateAgreementKeys } from '@consilium/protos/secagg/keys.ts'
import { advertisedBody, advertiseMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { beforeEach, expect, test } from 'vitest'
import { openSessionLedgers, type SessionLedgers } from '../../coordinator/session-ledgers.ts'

const identity = generateIdentity()
const stranger = generateIdentity()

function at(number: number, { epoch = 1, site = 'basel', signer = identity } = {}) {
  const planHash = number.toString(16).padStart(64, '0')
  const keys = { channelKey: generateAgreementKeys().publicKey, maskKey: generateAgreementKeys().publicKey }
  const ledger = { epoch, number, head: new Uint8Array(32).fill(number) }
  const [nonce, modelHash] = [new Uint8Array(16), new Uint8Array(32)]
  const body = advertisedBody({ index: 1, ...keys, nonce, modelHash, ledger })
  return {
    site,
    planHash,
    body,
    signature: signMessage(signer, advertiseMessage(Buffer.from(planHash, 'hex'), site, body)),
  }
}

let ledgers: SessionLedgers
beforeEach(() => {
  ledgers = openSessionLedgers((site) => (site === 'basel' ? identity.publicKey : undefined))
})

test('the furthest counts, by epoch and number, whoever tells it', () => {
  const [three, five, recovered] = [at(3), at(5), at(4, { epoch: 2 })]
  expect(ledgers.due('basel')).toBeUndefined()
  expect(ledgers.tell('zurich', [five, three])).toEqual(['basel'])
  expect(ledgers.due('basel')).toEqual(five)
  expect(ledgers.tell('cleveland', [three, recovered])).toEqual(['basel'])
  expect(ledgers.due('basel')).toEqual(recovered)
})

test('what an agent said itself it is shown on its next stream, and not before', () => {
  const five = at(5)
  ledgers.tell('basel', [five])
  expect(ledgers.due('basel')).toBeUndefined()
  ledgers.attends('basel')
  expect(ledgers.due('basel')).toEqual(five)
  // What it says then, further back, changes nothing.
  expect(ledgers.tell('basel', [at(4)])).toEqual([])
  expect(ledgers.due('basel')).toEqual(five)
})

test('what the site did not sign, or is of no site here, counts for nothing', () => {
  const unsigned = expect.objectContaining({ code: 'signature-invalid' })
  expect(() => ledgers.tell('zurich', [at(9, { signer: stranger })])).toThrow(unsigned)
  expect(() => ledgers.tell('zurich', [{ ...at(9), planHash: 'f'.repeat(64) }])).toThrow(unsigned)
  expect(ledgers.tell('zurich', [at(9, { site: 'nowhere', signer: stranger })])).toEqual([])
  expect(ledgers.due('basel')).toBeUndefined()
})
