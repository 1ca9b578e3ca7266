/** Confirm survivors: what should happen: a threshold of signatures over one U3 and one head. What should not: fewer. */
import { confirmMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { expect, test } from 'vitest'
import { awaitedConfirmations } from '../../../coordinator/round/confirm-survivors.ts'
import { decideRound, nextDeadline } from '../../../coordinator/round/round.ts'
import { absentSince, attendance, failed, given, identityOf, look, sites, startMs, timeAt } from './given.ts'
import { entering, lost, refuse, said, send, sendAll } from './secure-given.ts'

const entered = entering('confirm-survivors')
const { round } = entered
const { planHash, session } = round
const confirm = (site: string) => said(round, site, 'confirm-survivors')
const signed = (u3Hash: Uint8Array, root: Uint8Array, signer = 'basel') => {
  return { ...confirm('basel'), signature: signMessage(identityOf(signer), confirmMessage(u3Hash, root)) }
}
const head = Buffer.from(session.logHead.root, 'hex')

test('a confirmation is recorded, once', () => {
  const { signature } = confirm('basel')
  given([], round)
    .when(confirm('basel'), 3)
    .thenEvents({
      type: 'survivors-confirmed',
      at: timeAt(3).toISOString(),
      planHash,
      site: 'basel',
      signature: Buffer.from(signature).toString('base64'),
    })
  given([], send(entered, confirm('basel')).round)
    .when(confirm('basel'))
    .thenEvents()
})

test('a threshold of them goes on, and no more are needed', () => {
  const two = sendAll(entered, ['zurich', 'basel'].map(confirm))
  expect(two.round.phase).toBe('confirm-survivors')
  if (two.round.phase === 'confirm-survivors')
    expect(awaitedConfirmations(two.round)).toEqual({ answers: 1, sites: ['cleveland', 'hungary'] })
  const three = send(two, confirm('cleveland'), 7).round
  expect(three).toMatchObject({ phase: 'unmask', sinceMs: startMs + 7 })
  given([], three).when(confirm('hungary')).thenEvents()
})

test.for([
  ['of other survivors', signed(new Uint8Array(32), head), 'signature-invalid: signature'],
  ['of another head of the log', signed(session.u3Hash, new Uint8Array(32)), 'signature-invalid: signature'],
  ['signed by another site', signed(session.u3Hash, head, 'zurich'), 'signature-invalid: signature'],
  ['without a signature', { ...confirm('basel'), signature: new Uint8Array() }, 'signature-invalid: signature'],
] as const)('a confirmation %s is misbehaviour, and its site is asked for nothing more', ([, command, reason]) => {
  const events = decideRound(round, command, timeAt(0))
  expect(events).toMatchObject([{ type: 'site-dropped', site: 'basel', cause: 'misbehaved' }])
  expect(events[0]).toHaveProperty('reason', expect.stringContaining(reason))
  const { round: next } = send(entered, command)
  given([], next).when(confirm('basel')).thenEvents()
  // Its update stays in the sum.
  expect(next).toMatchObject({ session: { survivors: sites } })
})

test('a site that was lost before is not heard', () => {
  const { round: three } = entering('confirm-survivors', { 'share-keys': ['basel'] })
  given([], three).when(confirm('basel')).thenEvents()
})

test('nobody drops out for being away or revoked: the updates are in the sum', () => {
  given([], round)
    .when(look({ basel: absentSince(0), zurich: { excluded: 'revoked' } }), 14_999)
    .thenEvents()
})

test('the phase waits keysMs for the next confirmation, and then fails with who is missing', () => {
  expect(nextDeadline(round, attendance())).toBe(startMs + 15_000)
  const one = send(entered, confirm('basel'), 5_000).round
  expect(nextDeadline(one, attendance())).toBe(startMs + 20_000)
  given([], one).when(look(), 19_999).thenEvents()
  given([], one)
    .when(look(), 20_000)
    .thenEvents(failed('quorum-lost', '1 of 3 confirmations came; missing: cleveland, hungary, zurich', 20_000))
})

test('the round fails at once where a threshold is out of reach for good', () => {
  const reason = 'fewer than 3 survivors are left to unmask the sum'
  given([], round)
    .when(look({ basel: { excluded: 'revoked' }, zurich: { excluded: 'withdrawn' } }), 1)
    .thenEvents(failed('quorum-lost', reason, 1))
  const once = send(entered, refuse(planHash, 'zurich')).round
  given([], once)
    .when(refuse(planHash, 'basel'), 2)
    .thenEvents(lost('basel', 'refused', 'no', 2), failed('quorum-lost', reason, 2))
  given([], once).when(refuse(planHash, 'zurich')).thenEvents()
  given([], once).when(refuse(planHash, 'stranger')).thenEvents()
})

test('a site that confirmed and then refuses will reveal nothing either', () => {
  const played = send(send(entered, confirm('basel')), refuse(planHash, 'basel'))
  expect(decideRound(played.round, refuse(planHash, 'zurich'), timeAt(0)).at(-1)).toMatchObject({
    type: 'round-failed',
    code: 'quorum-lost',
  })
})
