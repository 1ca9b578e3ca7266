/** Collecting masked updates: what should happen: one signed upload of every sharer. What should not: another U3. */
import {
  type ComplaintReason,
  complaintMessage,
  inputMessage,
  signMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { describe, expect, test } from 'vitest'
import { checkUpload } from '../../../coordinator/round/check-upload.ts'
import { decideRound } from '../../../coordinator/round/round.ts'
import { uploadRootOf } from '../../../coordinator/round/session.ts'
import { absentSince, failed, given, identityOf, logHead, look, sites, timeAt } from './given.ts'
import { entering, everybody, lost, refuse, said, send, sendAll } from './secure-given.ts'

const entered = entering('collect-updates')
const { round } = entered
const { planHash } = round
const session = round.session!
const announce = (site: string) => said(round, site, 'announce-update')
const receive = (site: string) => said(round, site, 'receive-update')
const basel = announce('basel')
const masked = basel.masked!

/** Basel's announcement with something changed, and signed again. */
function signed(vectorHashes: readonly Uint8Array[], { signer = 'basel', u2Hash = session.u2Hash, index = 1 } = {}) {
  const root = uploadRootOf(session, index, vectorHashes)
  const signature = signMessage(identityOf(signer), inputMessage(session.sid, u2Hash, index, root))
  return { ...basel, masked: { root, vectorHashes, signature } }
}

describe('a masked update', () => {
  test('is announced with what its site signed, and delivered', () => {
    const [event] = decideRound(round, basel, timeAt(3))
    expect(event).toEqual({
      type: 'update-announced',
      at: timeAt(3).toISOString(),
      planHash,
      site: 'basel',
      sha256: basel.sha256,
      bytes: 4 * (16 + 6),
      masked: {
        root: Buffer.from(masked.root).toString('hex'),
        vectorHashes: masked.vectorHashes.map((hash) => Buffer.from(hash).toString('hex')),
        signature: Buffer.from(masked.signature).toString('base64'),
      },
    })
    const announced = send(entered, basel).round
    if (announced.phase !== 'collect-updates') throw new Error(announced.phase)
    expect(announced.session?.inputs.get('basel')).toEqual({
      root: Buffer.from(masked.root),
      vectorHashes: masked.vectorHashes.map((hash) => Buffer.from(hash)),
      signature: Buffer.from(masked.signature),
    })
    expect(decideRound(announced, receive('basel'), timeAt(4))).toMatchObject([{ type: 'update-received' }])
  })

  test('with the last one the survivors are fixed at the next look, under the head of the log it gives', () => {
    const all = sendAll(
      entered,
      sites.flatMap((site) => [announce(site), receive(site)]),
    )
    expect(all.round.phase).toBe('collect-updates')
    expect(decideRound(all.round, look(), timeAt(6))).toMatchObject([
      { type: 'survivors-fixed', planHash, sites, logHead },
    ])
    expect(send(all, look()).round).toMatchObject({
      phase: 'confirm-survivors',
      session: { survivors: sites, logHead },
    })
  })
})

test.for([
  ['that is not masked', { ...basel, masked: undefined }, 'message-invalid: masked: missing'],
  ['of another size', { ...basel, bytes: 4 }, 'message-invalid: size: 4 bytes, 88 are due'],
  [
    'with one hash for two vectors',
    { ...basel, masked: { ...masked, vectorHashes: masked.vectorHashes.slice(1) } },
    'message-invalid: vectorHashes',
  ],
  [
    'with a hash cut short',
    { ...basel, masked: { ...masked, vectorHashes: [masked.vectorHashes[0]!, new Uint8Array(3)] } },
    'message-invalid: a SHA-256 has 32 bytes',
  ],
  [
    'with a root of other vectors',
    { ...basel, masked: { ...masked, vectorHashes: [...masked.vectorHashes].reverse() } },
    'hash-mismatch: root',
  ],
  ['signed by another site', signed(masked.vectorHashes, { signer: 'cleveland' }), 'signature-invalid: signature'],
  [
    'signed under other sharers',
    signed(masked.vectorHashes, { u2Hash: new Uint8Array(32) }),
    'signature-invalid: signature',
  ],
  ['signed as another index', signed(masked.vectorHashes, { index: 2 }), 'hash-mismatch: root'],
  [
    'without a signature',
    { ...basel, masked: { ...masked, signature: new Uint8Array(64) } },
    'signature-invalid: signature',
  ],
] as const)('an update %s drops its sender', ([, command, reason]) => {
  const { masked: input, ...bare } = command
  const events = decideRound(round, input ? { ...bare, masked: input } : bare, timeAt(0))
  expect(events).toMatchObject([{ type: 'site-dropped', site: 'basel', cause: 'misbehaved' }])
  expect(events[0]).toHaveProperty('reason', expect.stringContaining(reason))
})

describe('a complaint', () => {
  const complain = (against: number, { signer = 'basel', reason = 'share-does-not-open' as ComplaintReason } = {}) => {
    const signature =
      against === 1
        ? new Uint8Array(64)
        : signMessage(identityOf(signer), complaintMessage(session.sid, 1, against, reason))
    return { type: 'complain', planHash, site: 'basel', against, reason, signature } as const
  }

  test('stands in the log, and the site that has no share goes', () => {
    const command = complain(3)
    given([], round)
      .when(command, 2)
      .thenEvents(
        {
          type: 'complaint-received',
          at: timeAt(2).toISOString(),
          planHash,
          site: 'basel',
          against: 'hungary',
          reason: 'share-does-not-open',
          signature: Buffer.from(command.signature).toString('base64'),
        },
        lost('basel', 'refused', 'shares-invalid: of hungary: share-does-not-open', 2),
      )
  })

  test('that costs the quorum fails the round', () => {
    const once = send(entered, refuse(planHash, 'zurich')).round
    expect(decideRound(once, complain(3), timeAt(0)).at(-1)).toEqual(
      failed('quorum-lost', '2 of 3 sites needed are left'),
    )
  })

  test.for([
    ['of a site that is not in the session', complain(9), 'message-invalid: against: 9'],
    ['of itself', complain(1), 'message-invalid'],
    ['signed by another site', complain(3, { signer: 'zurich' }), 'signature-invalid'],
  ] as const)('%s is misbehaviour', ([, command, reason]) => {
    expect(decideRound(round, command, timeAt(0))).toMatchObject([
      { type: 'site-dropped', site: 'basel', cause: 'misbehaved', reason: expect.stringContaining(reason) },
    ])
  })

  test('of a site whose update is in comes too late', () => {
    const done = sendAll(entered, [basel, receive('basel')])
    given([], done.round).when(complain(3)).thenEvents()
    given([], done.round).when(refuse(planHash, 'basel')).thenEvents()
  })
})

test('a site lost now stays among the sharers: the survivors will unmask it', () => {
  const delivered = sites.slice(1).flatMap((site) => [announce(site), receive(site)])
  const three = sendAll(entered, delivered)
  const without = send(three, look({ basel: absentSince(0) }), 10_000)
  expect(without.events.at(-1)).toEqual(lost('basel', 'absent', 'not connected for 10000 ms', 10_000))
  const { round: confirming } = send(without, look())
  expect(confirming).toMatchObject({ session: { sharers: sites, survivors: sites.slice(1) } })
  // Its upload comes too late, and is recorded once.
  const late = { type: 'refuse-late-update', planHash, site: 'basel' } as const
  const refused = send({ round: confirming, events: [] }, late)
  expect(refused.events).toMatchObject([{ type: 'late-update-refused', site: 'basel' }])
  expect(send(refused, late).events).toHaveLength(1)
  expect(() => checkUpload(confirming, 'basel', basel)).toThrow(/goes on without basel/)
})

test('an upload that is here is here in every phase to come, also where its site left the round since', () => {
  for (const phase of ['confirm-survivors', 'unmask', 'commit'] as const)
    expect(checkUpload(entering(phase).round, 'basel', basel)).toBe('received')
  const left = send(entering('unmask'), refuse(planHash, 'basel'))
  expect(checkUpload(left.round, 'basel', basel)).toBe('received')
  expect(everybody(left, sites.slice(1)).round.phase).toBe('commit')
})
