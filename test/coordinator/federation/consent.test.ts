/** What sites decide about studies, and who may take part because of it. */
import { errorCode } from '@consilium/protos/errors.ts'
import { generateIdentity, sign } from '@consilium/protos/identity.ts'
import { describe, expect, test } from 'vitest'
import {
  decideStudy,
  findStudy,
  refuseStudy,
  standing,
  studiesToOffer,
} from '../../../coordinator/federation/consent.ts'
import { type FederationEvent, federationEntry, readFederationEvent } from '../../../coordinator/federation/events.ts'
import { emptyFederation, evolveFederation, type Federation } from '../../../coordinator/federation/federation.ts'

const now = new Date('2026-11-22T10:00:00.000Z')
const at = now.toISOString()
const [first, second] = ['a'.repeat(64), `ab${'c'.repeat(62)}`]
const identity = generateIdentity()

const siteJoined = (site: string): FederationEvent => ({
  type: 'site-joined',
  at,
  site,
  secretHash: '0'.repeat(64),
  identityPublicKey: Buffer.from(identity.publicKey).toString('base64'),
  serial: '1',
  expiresAt: at,
})
const studyCreated = (study: string, name: string): FederationEvent => ({
  type: 'study-created',
  at,
  study,
  name,
  lead: 'SHA256:lead',
  signedStudy: 'd'.repeat(64),
})
const fold = (events: readonly FederationEvent[], from: Federation = emptyFederation) =>
  events.reduce(evolveFederation, from)
const start = fold([
  siteJoined('basel'),
  siteJoined('zurich'),
  studyCreated(first, 'heart'),
  studyCreated(second, 'lung'),
])

const decide = (federation: Federation, word: 'approve' | 'reject', signer = identity, signed: string = word) =>
  decideStudy(
    federation,
    federation.sites.get('basel')!,
    {
      studyHash: first,
      decision: word,
      reason: 'because',
      signature: sign(signer, 'decision', Buffer.from(first, 'hex'), Buffer.from(signed)),
    },
    now,
  )
const approved = fold(decide(start, 'approve'), start)

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'no error'
  } catch (error) {
    return errorCode(error)
  }
}

describe('a decision', () => {
  test('is kept with its signature, and once', () => {
    expect(decide(start, 'approve')).toMatchObject([{ type: 'study-decided', decision: 'approve', reason: 'because' }])
    expect(decide(approved, 'approve')).toEqual([])
  })

  test('can be changed', () => {
    const rejected = fold(decide(approved, 'reject'), approved)
    expect(standing(rejected, first).get('basel')).toBe('withdrawn')
    expect(standing(fold(decide(rejected, 'approve'), rejected), first).get('basel')).toBeUndefined()
  })

  test.for([
    ['of another key', () => decide(start, 'approve', generateIdentity())],
    ['over another word', () => decide(start, 'approve', identity, 'reject')],
  ] as const)('with a signature %s is refused', ([, work]) => {
    expect(codeOf(work)).toBe('signature-invalid')
  })
})

describe('who may take part', () => {
  test('is who approved, and nobody that has not decided', () => {
    expect([...standing(approved, first)]).toEqual([['basel', undefined]])
    expect([...standing(approved, second)]).toEqual([])
  })

  test('is not who refused later, until it approves again', () => {
    const refused = fold(refuseStudy(approved, 'basel', first, 'data-empty: no rows', now), approved)
    expect(standing(refused, first).get('basel')).toBe('refused')
    expect(refuseStudy(refused, 'basel', first, 'again', now)).toEqual([])
    expect(studiesToOffer(refused, 'basel').map(({ hash }) => hash)).toEqual([first, second])
    const again = fold(decide(refused, 'approve'), refused)
    expect(standing(again, first).get('basel')).toBeUndefined()
  })

  test('is not a revoked site, and a site that joins again decides again', () => {
    const revoked = fold([{ type: 'site-revoked', at, site: 'basel', reason: 'lost' }], approved)
    expect(standing(revoked, first).get('basel')).toBe('revoked')
    const back = fold([siteJoined('basel')], revoked)
    expect([...standing(back, first)]).toEqual([])
    expect(studiesToOffer(back, 'basel')).toHaveLength(2)
  })
})

test('studies are offered to a site until it decides', () => {
  expect(studiesToOffer(start, 'basel').map(({ name }) => name)).toEqual(['heart', 'lung'])
  expect(studiesToOffer(approved, 'basel').map(({ name }) => name)).toEqual(['lung'])
})

test('a study is found by its hash, eight digits of it or its name; two of a name are told apart', () => {
  for (const reference of [first, first.slice(0, 8), 'heart']) expect(findStudy(start, reference).hash).toBe(first)
  for (const reference of ['a', 'aaaaaaa', 'liver']) expect(codeOf(() => findStudy(start, reference))).toBe('not-found')
  const twins = fold([studyCreated('e'.repeat(64), 'heart')], start)
  expect(() => findStudy(twins, 'heart')).toThrow('eeeeeeeeeeee')
})

test('every event is read from the log as it was written; what the log could not give back is not written', () => {
  const event = siteJoined('basel')
  const entry = { stream: 'federation', seq: 0, previous: '', hash: '', ...federationEntry(event) }
  expect(readFederationEvent(entry)).toEqual(event)
  expect(codeOf(() => readFederationEvent({ ...entry, type: 'site-vanished' }))).toBe('log-broken')
  expect(codeOf(() => federationEntry({ ...event, site: 'No Name' } as FederationEvent))).toBe('internal')
})
