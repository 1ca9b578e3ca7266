/** Share keys: what should happen: one row for every site of the directory. What should not: U2 with anybody else in it. */
import type { ShareKeysMessage } from '@consilium/protos/secagg/messages.ts'
import { messageHash, shareKeysMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { describe, expect, test } from 'vitest'
import { decideRound, nextDeadline } from '../../../coordinator/round/round.ts'
import { absentSince, attendance, failed, given, identityOf, look, sites, startMs, timeAt } from './given.ts'
import { entering, lost, refuse, said, send, sendAll } from './secure-given.ts'

const entered = entering('share-keys')
const { round } = entered
const { planHash, session } = round
const share = (site: string) => said(round, site, 'share-keys')
const basel = share('basel')

/** Basel's shares with something changed, and signed again where they can be. */
function changed(change: Partial<ShareKeysMessage>, { signer = 'basel', sid = session.sid, index = 1 } = {}) {
  const message = { ...basel.message, ...change }
  const signed = () => signMessage(identityOf(signer), shareKeysMessage(sid, index, message, message.rows))
  return { ...basel, message: { ...message, signature: change.signature ?? signed() } }
}
const { rows } = basel.message
const signature = basel.message.signature
const withRow = (at: number, change: Partial<(typeof rows)[number]>) =>
  rows.map((row, i) => (i === at ? { ...row, ...change } : row))

describe('keys that are shared', () => {
  test('are recorded by hash, signature and the object that holds them, once', () => {
    const hash = messageHash(shareKeysMessage(session.sid, 1, basel.message, rows))
    const next = given([], round)
      .when(basel, 4)
      .thenEvents({
        type: 'keys-shared',
        at: timeAt(4).toISOString(),
        planHash,
        site: 'basel',
        hash: Buffer.from(hash).toString('hex'),
        signature: Buffer.from(signature).toString('base64'),
        message: basel.object,
      })
    if (next.phase !== 'share-keys') throw new Error(next.phase)
    given([], next).when(basel).thenEvents()
  })

  test('make U2 once the last site shared and the coordinator looks', () => {
    const all = sendAll(entered, sites.map(share))
    expect(all.round.phase).toBe('share-keys')
    expect(decideRound(all.round, look(), timeAt(6))).toMatchObject([{ type: 'sharers-fixed', planHash, sites }])
    expect(send(all, look(), 6).round).toMatchObject({
      phase: 'collect-updates',
      sinceMs: startMs + 6,
      session: { sharers: sites, sid: session.sid },
    })
  })

  test('of fewer sites make another U2, under the same thresholds', () => {
    const all = sendAll(entered, sites.map(share))
    const three = sendAll(entered, sites.slice(1).map(share))
    const fewer = send(send(three, refuse(planHash, 'basel')), look()).round
    const whole = send(all, look()).round
    if (fewer.phase !== 'collect-updates' || whole.phase !== 'collect-updates') throw new Error(fewer.phase)
    expect(fewer.session?.sharers).toEqual(sites.slice(1))
    expect(fewer.session?.thresholds).toEqual(whole.session?.thresholds)
    expect(fewer.session?.u2Hash).not.toEqual(whole.session?.u2Hash)
  })
})

test.for([
  ['signed by another site', changed({}, { signer: 'cleveland' }), 'signature-invalid: signature'],
  ['signed for another session', changed({}, { sid: new Uint8Array(32) }), 'signature-invalid: signature'],
  ['without a signature', changed({ signature: new Uint8Array(64) }), 'signature-invalid: signature'],
  [
    'with a row changed after',
    changed({ rows: withRow(1, { keyCommitment: new Uint8Array(32) }), signature }),
    'signature-invalid',
  ],
  ['with a row missing', changed({ rows: rows.slice(0, 3) }), 'message-invalid: rows: not one for every site'],
  ['with no row', changed({ rows: [], signature }), 'message-invalid: rows: not one for every site'],
  ['with a row for a stranger', changed({ rows: [...rows, { ...rows[3]!, index: 5 }] }), 'message-invalid: rows'],
  ['in another order', changed({ rows: [...rows].reverse(), signature }), 'message-invalid: rows'],
  ['with a row twice', changed({ rows: [rows[0]!, rows[1]!, rows[1]!, rows[3]!], signature }), 'message-invalid: rows'],
  [
    'with a share cut short',
    changed({ rows: withRow(1, { sealed: new Uint8Array(9) }), signature }),
    'message-invalid: a sealed share has 136 bytes',
  ],
  [
    'with its own share sealed',
    changed({ rows: withRow(0, { sealed: rows[1]!.sealed }), signature }),
    'message-invalid: a sealed share has 0',
  ],
  [
    'with a short commitment',
    changed({ selfCommitment: new Uint8Array(31), signature }),
    'message-invalid: a commitment has 32 bytes',
  ],
] as const)('shares %s drop their sender', ([, command, reason]) => {
  const events = decideRound(round, command, timeAt(0))
  expect(events).toMatchObject([{ type: 'site-dropped', site: 'basel', cause: 'misbehaved' }])
  expect(events[0]).toHaveProperty('reason', expect.stringContaining(reason))
})

test('the shares of another site under its own name are not taken for this one', () => {
  const events = decideRound(round, { ...share('cleveland'), site: 'basel' }, timeAt(0))
  expect(events).toMatchObject([{ type: 'site-dropped', site: 'basel', cause: 'misbehaved' }])
})

test('a site that advertised nothing is not waited for and not heard', () => {
  const { round: without } = entering('share-keys', { 'advertise-keys': ['basel'] })
  expect(without.session.advertisers).toEqual(sites.slice(1))
  given([], without).when(basel).thenEvents()
})

describe('who is waited for', () => {
  test('a silent site for keysMs, one that is away for absentMs while the others suffice', () => {
    expect(nextDeadline(round, attendance())).toBe(startMs + 15_000)
    given([], round)
      .when(look({ basel: absentSince(0), zurich: absentSince(0) }), 10_000)
      .thenEvents(lost('basel', 'absent', 'not connected for 10000 ms', 10_000))
    const three = sendAll(entered, sites.slice(1).map(share)).round
    given([], three)
      .when(look(), 15_000)
      .thenEvents(lost('basel', 'deadline', 'no progress for 15000 ms', 15_000))
  })

  test('the round fails where fewer are left than the thresholds ask for', () => {
    const once = send(entered, refuse(planHash, 'zurich')).round
    given([], once)
      .when(refuse(planHash, 'basel'), 2)
      .thenEvents(lost('basel', 'refused', 'no', 2), failed('quorum-lost', '2 of 3 sites needed are left', 2))
  })

  test('by a code of its own where the sites refuse a peer that was restored', () => {
    const refusing = (site: string) =>
      ({ type: 'refuse-work', planHash, site, reason: 'no', cause: 'peer-restored' }) as const
    const once = send(entered, refusing('zurich')).round
    given([], once)
      .when(refusing('basel'), 2)
      .thenEvents(lost('basel', 'peer-restored', 'no', 2), failed('peer-restored', '2 of 3 sites needed are left', 2))
  })
})
