/** Joining: a code is good once, until it expires, for the site it names, with proof of the identity key. */
import { errorCode } from '@consilium/protos/errors.ts'
import { generateIdentity, type Identity, sign } from '@consilium/protos/identity.ts'
import { describe, expect, test } from 'vitest'
import { checkCaller, checkJoin, invite, joined, revoke } from '../../../coordinator/federation/enrolment.ts'
import type { FederationEvent } from '../../../coordinator/federation/events.ts'
import { emptyFederation, evolveFederation, type Federation } from '../../../coordinator/federation/federation.ts'
import type { JoinRequest } from '../../../coordinator/services.ts'

const start = new Date('2026-11-22T10:00:00.000Z')
const minutesIn = (minutes: number) => new Date(start.getTime() + minutes * 60_000)
const secret = Buffer.alloc(32, 1)
const other = Buffer.alloc(32, 2)
const identity = generateIdentity()

const fold = (events: readonly FederationEvent[], from: Federation = emptyFederation) =>
  events.reduce(evolveFederation, from)
const invited = (from = emptyFederation, code: Uint8Array = secret, minutes = 60) =>
  fold(invite(from, 'basel', code, minutesIn(minutes), start), from)

function request(changes: Partial<JoinRequest> = {}, signer: Identity = identity): JoinRequest {
  const unsigned = {
    site: 'basel',
    secret,
    certificateRequest: Buffer.from('request'),
    identityPublicKey: identity.publicKey,
    ...changes,
  }
  const parts = [Buffer.from(unsigned.site), unsigned.secret, unsigned.certificateRequest]
  return { ...unsigned, identitySignature: sign(signer, 'join', ...parts), ...changes }
}

const certificate = { serial: '1', expiresAt: minutesIn(100).toISOString() }
const enrolled = (from = invited()) => fold([joined(request(), certificate, start)], from)

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'let in'
  } catch (error) {
    return errorCode(error)
  }
}
const joining = (federation: Federation, of: JoinRequest, minutes = 1) =>
  codeOf(() => checkJoin(federation, of, minutesIn(minutes)))

describe('a join code', () => {
  test('lets its site in', () => {
    expect(joining(invited(), request())).toBe('let in')
    expect(enrolled().sites.get('basel')).toMatchObject({ state: 'enrolled', certificates: [certificate] })
  })

  test('never stands in the log', () => {
    const events = invite(emptyFederation, 'basel', secret, minutesIn(60), start)
    const text = JSON.stringify(events)
    for (const form of ['hex', 'base64', 'base64url'] as const) expect(text).not.toContain(secret.toString(form))
  })

  test('is used up by joining, also when the site is revoked or invited again', () => {
    expect(joining(enrolled(), request())).toBe('join-code-used')
    const revoked = fold(revoke(enrolled(), 'basel', 'lost', start), enrolled())
    expect(joining(revoked, request())).toBe('join-code-used')
    expect(joining(invited(revoked, other), request())).toBe('join-code-used')
    expect(joining(invited(revoked, other), request({ secret: other }))).toBe('let in')
  })

  test('expires', () => {
    expect(joining(invited(), request(), 59)).toBe('let in')
    expect(joining(invited(), request(), 60)).toBe('join-code-expired')
  })

  test('ends when a newer one is made', () => {
    const again = invited(invited(), other)
    expect(joining(again, request())).toBe('join-code-invalid')
    expect(joining(again, request({ secret: other }))).toBe('let in')
  })

  test.for([
    ['of an unknown site', { site: 'zurich' }],
    ['with a wrong secret', { secret: other }],
  ] as const)('%s is not valid', ([, changes]) => {
    expect(joining(invited(), request(changes))).toBe('join-code-invalid')
  })

  test('of a site that was revoked before it joined is not valid', () => {
    const revoked = fold(revoke(invited(), 'basel', 'a mistake', start), invited())
    expect(joining(revoked, request())).toBe('join-code-invalid')
  })
})

describe('a site that joins', () => {
  test.for([
    ['another key than it shows', () => request({}, generateIdentity())],
    ['another request than it sends', () => ({ ...request(), certificateRequest: Buffer.from('other') })],
    ['half a signature', () => ({ ...request(), identitySignature: Buffer.alloc(32) })],
  ] as const)('signs with %s and is refused', ([, of]) => {
    expect(joining(invited(), of())).toBe('signature-invalid')
  })

  test('cannot have an identity key of small order, under which forgeries verify', () => {
    const weak = Buffer.alloc(32)
    weak[0] = 1
    expect(joining(invited(), { ...request(), identityPublicKey: weak })).toBe('message-invalid')
  })

  test('cannot take the identity of another site', () => {
    const zurich = fold(invite(enrolled(), 'zurich', other, minutesIn(60), start), enrolled())
    expect(joining(zurich, request({ site: 'zurich', secret: other }))).toBe('already-exists')
  })

  test('that has joined is not invited again before it is revoked', () => {
    expect(codeOf(() => invite(enrolled(), 'basel', other, minutesIn(60), start))).toBe('already-exists')
  })
})

describe('a caller', () => {
  const caller = (serial: string, expires = 100) => ({ site: 'basel', serial, expiresAt: minutesIn(expires) })
  const calling = (federation: Federation, of = caller('1'), minutes = 1) =>
    codeOf(() => checkCaller(federation, of, minutesIn(minutes)))
  const renewed = (serial: string): FederationEvent => ({
    type: 'certificate-renewed',
    at: start.toISOString(),
    site: 'basel',
    serial,
    expiresAt: minutesIn(200).toISOString(),
  })

  test('with its certificate is let in until that expires', () => {
    expect(calling(enrolled())).toBe('let in')
    expect(calling(enrolled(), caller('1'), 100)).toBe('certificate-expired')
    expect(calling(enrolled(), caller('1', 50), 60)).toBe('certificate-expired')
  })

  test('may use a renewed certificate, and the one before it for a while, but none older', () => {
    const twice = fold([renewed('2'), renewed('3')], enrolled())
    expect(['1', '2', '3'].map((serial) => calling(twice, caller(serial, 200)))).toEqual([
      'certificate-revoked',
      'let in',
      'let in',
    ])
  })

  test('is refused once revoked, and after joining again with its old certificate', () => {
    const revoked = fold(revoke(enrolled(), 'basel', 'lost', start), enrolled())
    expect(calling(revoked)).toBe('certificate-revoked')
    const again = invited(revoked, other)
    expect(calling(again)).toBe('unauthenticated')
    const back = fold([joined(request({ secret: other }), { ...certificate, serial: '7' }, start)], again)
    expect(calling(back)).toBe('certificate-revoked')
    expect(calling(back, caller('7'))).toBe('let in')
  })

  test('of a site nobody knows is refused', () => {
    // The authority vouched for it, so that is a proof of an old copy of the log.
    expect(calling(emptyFederation)).toBe('coordinator-restored')
    expect(codeOf(() => revoke(emptyFederation, 'basel', '', start))).toBe('not-found')
  })
})
