/** Advertise keys: what should happen: each site's own fresh keys, once. What should not: keys that nobody can trust. */
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { advertisedBody, advertiseMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { describe, expect, test } from 'vitest'
import { decideRound, nextDeadline } from '../../../coordinator/round/round.ts'
import { absentSince, attendance, failed, given, identityOf, look, sites, startMs, timeAt } from './given.ts'
import { entering, everybody, honest, lost, refuse, said, send, sendAll } from './secure-given.ts'

const entered = entering('advertise-keys')
const { round } = entered
const { planHash } = round
const advertise = (site: string) => said(round, site, 'advertise-keys')
type Body = Parameters<typeof advertisedBody>[0]

/** Basel's keys with something changed, signed by it again. */
function changed(change: (body: Body) => Partial<Body>, signer = 'basel', plan = planHash, name = 'basel') {
  const body = readAdvertisement(advertise('basel').body)
  return signed(advertisedBody({ ...body, ...change(body) }), signer, plan, name)
}

function signed(bytes: Uint8Array, signer = 'basel', plan = planHash, name = 'basel') {
  const message = advertiseMessage(Buffer.from(plan, 'hex'), name, bytes)
  return { ...advertise('basel'), body: bytes, signature: signMessage(identityOf(signer), message) }
}

describe('keys that are advertised', () => {
  test('are recorded as they were signed, once', () => {
    const command = advertise('basel')
    const { body, signature } = command
    const event = {
      type: 'keys-advertised' as const,
      at: timeAt(4).toISOString(),
      planHash,
      site: 'basel',
      body: Buffer.from(body).toString('base64'),
      signature: Buffer.from(signature).toString('base64'),
    }
    const next = given([], round).when(command, 4).thenEvents(event)
    if (next.phase !== 'advertise-keys') throw new Error(next.phase)
    given([], next).when(command, 5).thenEvents()
    given([], next)
      .when(
        changed(() => ({ nonce: new Uint8Array(16) })),
        5,
      )
      .thenEvents()
  })

  test('name the session once the last site has advertised and the coordinator looks', () => {
    const all = sendAll(entered, sites.map(advertise))
    expect(all.round.phase).toBe('advertise-keys')
    const [event] = decideRound(all.round, look(), timeAt(6))
    expect(event).toMatchObject({ type: 'directory-fixed', planHash, sites, at: timeAt(6).toISOString() })
    expect(send(all, look(), 6).round).toMatchObject({
      phase: 'share-keys',
      sinceMs: startMs + 6,
      session: { advertisers: sites, thresholds: { sites: 4, colluders: 1, threshold: 3, survivorsMin: 3 } },
    })
  })

  test('of other sites make another session', () => {
    const fewer = everybody(send(entered, refuse(planHash, 'zurich')), sites.slice(0, 3)).round
    const whole = everybody(entered).round
    if (fewer.phase !== 'share-keys' || whole.phase !== 'share-keys') throw new Error(fewer.phase)
    expect(fewer.session.advertisers).toEqual(sites.slice(0, 3))
    expect(fewer.session.sid).not.toEqual(whole.session.sid)
  })
})

test.for([
  ['signed by another site', changed(() => ({}), 'cleveland'), 'signature-invalid: signature'],
  ['signed under another name', changed(() => ({}), 'basel', planHash, 'cleveland'), 'signature-invalid: signature'],
  ['signed for another plan', changed(() => ({}), 'basel', 'f'.repeat(64)), 'signature-invalid: signature'],
  ['without a signature', { ...advertise('basel'), signature: new Uint8Array(64) }, 'signature-invalid: signature'],
  ['with a short signature', { ...advertise('basel'), signature: new Uint8Array(3) }, 'signature-invalid: signature'],
  ['with the index of another', changed(() => ({ index: 2 })), 'message-invalid: index: 2, not 1'],
  ['for another model', changed(() => ({ modelHash: new Uint8Array(32) })), 'hash-mismatch: modelHash'],
  ['twice the same key', changed(({ maskKey }) => ({ channelKey: maskKey })), 'message-invalid: channelKey, maskKey'],
  ['of low order', changed(() => ({ maskKey: new Uint8Array(32) })), 'message-invalid: this X25519 public key has low'],
  ['cut short', signed(advertise('basel').body.slice(0, 90)), 'message-invalid: the advertised keys are cut short'],
  ['with bytes behind them', signed(Buffer.alloc(300)), 'message-invalid: a site’s index'.replace('’', "'")],
] as const)('keys %s drop their sender', ([, command, reason]) => {
  const events = decideRound(round, command, timeAt(0))
  expect(events).toMatchObject([{ type: 'site-dropped', site: 'basel', cause: 'misbehaved' }])
  expect(events[0]).toHaveProperty('reason', expect.stringContaining(reason))
})

test('a key that another site advertised before is refused to the second', () => {
  const taken = readAdvertisement(advertise('cleveland').body).channelKey
  const first = send(entered, advertise('cleveland'))
  const events = decideRound(
    first.round,
    changed(() => ({ channelKey: taken })),
    timeAt(0),
  )
  expect(events).toMatchObject([{ type: 'site-dropped', site: 'basel', reason: expect.stringContaining('before') }])
})

test('a stranger, and a site that was change nothing', () => {
  given([], round)
    .when({ ...advertise('basel'), site: 'stranger' })
    .thenEvents()
  const without = send(entered, refuse(planHash, 'basel')).round
  given([], without).when(advertise('basel')).thenEvents()
  given([], without).when(refuse(planHash, 'basel')).thenEvents()
})

describe('who is waited for', () => {
  test('a silent site for keysMs, one that is away for absentMs while the others suffice', () => {
    expect(nextDeadline(round, attendance())).toBe(startMs + 15_000)
    expect(nextDeadline(round, attendance({ basel: absentSince(0) }))).toBe(startMs + 10_000)
    const three = sendAll(entered, sites.slice(1).map(advertise)).round
    given([], three).when(look(), 14_999).thenEvents()
    given([], three)
      .when(look(), 15_000)
      .thenEvents(lost('basel', 'deadline', 'no progress for 15000 ms', 15_000))
    given([], round)
      .when(look({ basel: absentSince(0), zurich: absentSince(0) }), 10_000)
      .thenEvents(lost('basel', 'absent', 'not connected for 10000 ms', 10_000))
  })

  test('a site that worked while it was away until workMs after it left, and once it is back for keysMs', () => {
    const three = sendAll(entered, sites.slice(1).map(advertise)).round
    const left = { basel: absentSince(-20_000) }
    expect(nextDeadline(three, attendance(left))).toBe(startMs + 40_000)
    given([], three).when(look(left), 39_999).thenEvents()
    given([], three)
      .when(look(left), 40_000)
      .thenEvents(lost('basel', 'absent', 'not connected for 60000 ms', 40_000))
    const back = { basel: { attendsSinceMs: startMs + 38_000 } }
    given([], three).when(look(back), 52_999).thenEvents()
    given([], three)
      .when(look(back), 53_000)
      .thenEvents(lost('basel', 'deadline', 'no progress for 15000 ms', 53_000))
  })

  test('such a site, however often it comes and goes, no longer than workMs; one that left long ago for absentMs', () => {
    const three = sendAll(entered, sites.slice(1).map(advertise)).round
    const again = { basel: { attendsSinceMs: startMs + 59_000 } }
    given([], three).when(look(again), 59_999).thenEvents()
    given([], three)
      .when(look(again), 60_000)
      .thenEvents(lost('basel', 'deadline', 'no progress for 15000 ms', 60_000))
    expect(nextDeadline(three, attendance({ basel: absentSince(-60_000) }))).toBe(startMs + 10_000)
  })

  test('not a site that was revoked, also where its keys are here', () => {
    const { round: one } = send(entered, advertise('basel'))
    given([], one)
      .when(look({ basel: { excluded: 'revoked' } }), 1)
      .thenEvents(lost('basel', 'revoked', 'its certificate was revoked', 1))
  })

  test('the round fails at once where too few are left for a session', () => {
    const once = send(entered, refuse(planHash, 'zurich')).round
    given([], once)
      .when({ type: 'misbehave', planHash, site: 'basel', reason: 'message-invalid: body' }, 2)
      .thenEvents(
        lost('basel', 'misbehaved', 'message-invalid: body', 2),
        failed('cohort-too-small', '2 of 3 sites needed are left', 2),
      )
  })
})

test('an honest site says the same when it is asked again', () => {
  expect(honest.commands(round, 'basel')).toEqual(honest.commands(round, 'basel'))
})
