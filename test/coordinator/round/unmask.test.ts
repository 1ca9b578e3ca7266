/** Unmask: what should happen: a threshold of releases, whenever they come. What should not: both shares of one site. */
import type { Unmask } from '@consilium/protos/secagg/messages.ts'
import { messageHash, signMessage, unmaskMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { expect, test } from 'vitest'
import { survivorsOf } from '../../../coordinator/round/commit.ts'
import { decideRound, evolveRound, nextDeadline } from '../../../coordinator/round/round.ts'
import { awaitedReleases } from '../../../coordinator/round/unmask.ts'
import { absentSince, attendance, failed, given, identityOf, look, sites, timeAt } from './given.ts'
import { entering, everybody, lost, refuse, said, send, sendAll } from './secure-given.ts'

const entered = entering('unmask')
const { round } = entered
const { planHash, session } = round
const reveal = (site: string) => said(round, site, 'reveal-shares')
const basel = reveal('basel')
const { revealed, signature } = basel.message
/** Basel's release with something changed, and signed again where it can be. */
function changed(change: Partial<Unmask>, { signer = 'basel', u3Hash = session.u3Hash } = {}) {
  const message = { ...basel.message, ...change }
  const signed = () => signMessage(identityOf(signer), unmaskMessage(session.sid, u3Hash, 1, message.revealed))
  return { ...basel, message: { ...message, signature: change.signature ?? signed() } }
}

test('a release is recorded by hash, signature and the object that holds it, once', () => {
  const hash = messageHash(unmaskMessage(session.sid, session.u3Hash, 1, revealed))
  given([], round)
    .when(basel, 4)
    .thenEvents({
      type: 'shares-revealed',
      at: timeAt(4).toISOString(),
      planHash,
      site: 'basel',
      hash: Buffer.from(hash).toString('hex'),
      signature: Buffer.from(signature).toString('base64'),
      message: basel.object,
    })
  given([], send(entered, basel).round).when(basel).thenEvents()
})

test('it reveals the seed of every survivor and the mask key of whoever was lost', () => {
  const { round: one } = entering('commit', { 'collect-updates': ['hungary'] })
  expect(one.session?.survivors).toEqual(['basel', 'cleveland', 'zurich'])
  expect(revealed.map(({ index, kind }) => `${kind}${index}`)).toEqual(['b1', 'b2', 'b3', 'b4'])
})

test('a threshold of releases goes on', () => {
  const two = sendAll(entered, ['zurich', 'basel'].map(reveal))
  if (two.round.phase !== 'unmask') throw new Error(two.round.phase)
  expect(awaitedReleases(two.round)).toEqual({ answers: 1, sites: ['cleveland', 'hungary'] })
  const { round: committing } = send(two, reveal('hungary'))
  if (committing.phase !== 'commit') throw new Error(committing.phase)
  expect(survivorsOf(committing)).toEqual(sites)
  expect([...(committing.session?.revealed.keys() ?? [])]).toEqual(['zurich', 'basel', 'hungary'])
  given([], committing).when(reveal('cleveland')).thenEvents()
})

test.for([
  [
    'the mask key of a survivor',
    changed({ revealed: revealed.map((one, i) => (i === 1 ? { ...one, kind: 's' as const } : one)) }),
    'message-invalid: revealed',
  ],
  ['one share less', changed({ revealed: revealed.slice(1) }), 'message-invalid: revealed'],
  [
    'both shares of a site',
    changed({ revealed: [...revealed, { ...revealed[3]!, kind: 's' as const }], signature }),
    'message-invalid: revealed',
  ],
  [
    'a share of a stranger',
    changed({ revealed: [...revealed, { ...revealed[3]!, index: 9 }] }),
    'message-invalid: revealed',
  ],
  [
    'its shares in another order',
    changed({ revealed: [...revealed].reverse(), signature }),
    'message-invalid: revealed',
  ],
  [
    'a share cut short',
    changed({ revealed: revealed.map((one) => ({ ...one, share: one.share.slice(1) })), signature }),
    'message-invalid: a share has 32 bytes',
  ],
  ['what another signed', changed({}, { signer: 'zurich' }), 'signature-invalid: signature'],
  ['what it signed for other survivors', changed({}, { u3Hash: new Uint8Array(32) }), 'signature-invalid: signature'],
  ['nothing', changed({ revealed: [], signature }), 'message-invalid: revealed'],
] as const)('a site that reveals %s misbehaves, and is asked for nothing more', ([, command, reason]) => {
  const events = decideRound(round, command, timeAt(0))
  expect(events).toMatchObject([{ type: 'site-dropped', site: 'basel', cause: 'misbehaved' }])
  expect(events[0]).toHaveProperty('reason', expect.stringContaining(reason))
  // No word of a share gets into the log.
  expect(JSON.stringify(events)).not.toContain(Buffer.from(revealed[0]!.share).toString('hex'))
  given([], send(entered, command).round).when(basel).thenEvents()
})

test('shares that differ from their commitments, as the shell finds, drop their sender', () => {
  given([], round)
    .when({ type: 'misbehave', planHash, site: 'basel', reason: 'shares-invalid: share 2' }, 1)
    .thenEvents(lost('basel', 'misbehaved', 'shares-invalid: share 2', 1))
})

test('the phase has no deadline: it is open whoever is away, for however long', () => {
  const away = { basel: absentSince(0), cleveland: absentSince(0), hungary: absentSince(0), zurich: absentSince(0) }
  expect(nextDeadline(round, attendance(away))).toBeUndefined()
  given([], round)
    .when(look(away), 30 * 86_400_000)
    .thenEvents()
})

test('a site that did not confirm may still release', () => {
  // Three confirmed before the phase began; the fourth comes back now.
  const silent = sites.find((site) => !session.confirmed.has(site))!
  expect(decideRound(round, reveal(silent), timeAt(0))).toMatchObject([{ type: 'shares-revealed', site: silent }])
})

test('it fails where a threshold of releases is out of reach for good', () => {
  const reason = 'fewer than 3 survivors are left to unmask the sum'
  const gone = look({ basel: { excluded: 'revoked' }, zurich: { excluded: 'revoked' } })
  given([], round)
    .when(gone, 1)
    .thenEvents(failed('quorum-lost', reason, 1))
  // What a site revealed stays good when it is revoked.
  const one = send(entered, reveal('zurich')).round
  given([], one).when(gone, 1).thenEvents()
  given([], one).when(refuse(planHash, 'zurich')).thenEvents()
  const two = send({ round: one, events: [] }, refuse(planHash, 'basel')).round
  given([], two)
    .when(refuse(planHash, 'hungary'), 2)
    .thenEvents(lost('hungary', 'refused', 'no', 2), failed('quorum-lost', reason, 2))
})

test('a survivor that left while the sum was unmasked is a survivor of the round, and its leaving is told', () => {
  const { round: committing } = everybody(send(entered, refuse(planHash, 'basel')), sites.slice(1))
  if (committing.phase !== 'commit') throw new Error(committing.phase)
  const result = { purpose: 'train', examples: 9, parameters: 'c'.repeat(64), loss: 0.5, clippedSites: 1 } as const
  const [event] = decideRound(committing, { type: 'commit', planHash, result }, timeAt(9))
  expect(evolveRound(committing, event!)).toMatchObject({
    phase: 'over',
    survivors: sites,
    dropouts: [{ site: 'basel', cause: 'refused', reason: 'no', phase: 'unmask' }],
    secure: { thresholds: { threshold: 3 }, confirmed: expect.arrayContaining(['basel']) },
  })
})

test('a sum is given up with its reason; no contribution can be left out of it', () => {
  const { round: committing } = entering('commit')
  given([], committing).when({ type: 'refuse-contribution', planHash, site: 'basel', reason: 'no' }).thenEvents()
  given([], committing)
    .when({ type: 'give-up', planHash, code: 'shares-invalid', reason: 'hungary dealt other shares' }, 3)
    .thenEvents(failed('shares-invalid', 'hungary dealt other shares', 3))
})
