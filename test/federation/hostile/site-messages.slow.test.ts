/**
 * A site that lies about its keys, its shares or the survivors, over the real link: the coordinator names and drops it, a
 * peer that it cheats complains, and the others finish the round or it fails as a whole.
 */
import { randomBytes } from 'node:crypto'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import type { SecureFromSite } from '@consilium/protos/secagg/messages.ts'
import {
  type Advertisement,
  advertisedBody,
  advertiseMessage,
  confirmMessage,
  shareKeysMessage,
  signMessage,
  unmaskMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { shareCommitment } from '@consilium/protos/secagg/transcript.ts'
import { expect, test } from 'vitest'
import { refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import type { Moment, SiteLies } from '../../support/hostile/site.ts'
import { lieEachRound, type SiteAttack, withstood } from '../../support/hostile/site-attacks.ts'

type Of<Type extends SecureFromSite['type']> = Extract<SecureFromSite, { type: Type }>

const attacks: readonly SiteAttack[] = [
  advertising('a mask key of low order', 'message-invalid', { maskKey: new Uint8Array(32) }),
  advertising('a channel key that is no canonical one', 'message-invalid', {
    channelKey: new Uint8Array(32).fill(0xff),
  }),
  advertising('one key for both uses', 'message-invalid', ({ maskKey }) => ({ channelKey: maskKey })),
  advertising('the index of another site', 'message-invalid', { index: 1 }),
  advertising('another global model', 'hash-mismatch', { modelHash: randomBytes(32) }),
  lying('advertise', 'keys that are not signed', 'signature-invalid', (message) => [
    { ...message, signature: randomBytes(64) },
  ]),
  sharing('shares for too few sites', 'message-invalid', (message) => ({ ...message, rows: message.rows.slice(1) })),
  lying('share-keys', 'shares that are not signed', 'signature-invalid', (message) => [
    { ...message, selfCommitment: randomBytes(32) },
  ]),
  lying('confirm', 'a confirmation of other survivors', 'signature-invalid', (message, { me }) => [
    { ...message, signature: signMessage(me.identity, confirmMessage(randomBytes(32), randomBytes(32))) },
  ]),
  revealing('a wrong share', 'shares-invalid', (revealed) =>
    revealed.map((one, i) => (i === 0 ? { ...one, share: randomBytes(32) } : one)),
  ),
  revealing('shares of the other kind', 'message-invalid', (revealed, { me, hash }) =>
    revealed.map(({ index }) => ({ index, kind: 's', share: me.session(hash)!.held.get(index)!.s })),
  ),
  revealing('too few shares', 'message-invalid', (revealed) => revealed.slice(1)),
  lying('unmask', 'shares that are not signed', 'signature-invalid', (message) => [
    { ...message, signature: randomBytes(64) },
  ]),
  {
    ...lying('advertise', 'messages of later phases first, and every message three times', 'message-invalid', () => []),
    log: [],
    uploads: ['OK'],
    lies: { say: (message, at) => [...ahead(message, at), message, message, message] },
  },
]

test('a site that misbehaves is dropped with the reason in the log, and the others finish', async () => {
  expect(await lieEachRound(attacks)).toEqual(withstood(attacks))
})

test.for([
  {
    what: 'that does not open',
    bend: (message: Of<'share-keys'>) => ({
      ...message,
      rows: message.rows.map((row) => (row.index === 3 ? { ...row, sealed: randomBytes(136) } : row)),
    }),
  },
  {
    what: 'that is not the one committed to',
    bend: (message: Of<'share-keys'>) => ({
      ...message,
      rows: message.rows.map((row) => (row.index === 3 ? { ...row, keyCommitment: randomBytes(32) } : row)),
    }),
  },
])('a peer complains of a share $what, and the round goes on without the peer', async ({ bend }) => {
  const lies: SiteLies = { say: (message, at) => [message.type === 'share-keys' ? shared(bend(message), at) : message] }
  await using federation = await hostileFederation({ sites: { zurich: lies } })
  const view = await federation.run()
  expect(view.rounds[0]).toMatchObject({ survivors: ['basel', 'cleveland', 'zurich'] })
  expect(refusalsOf(federation, 'hungary', 1)).toEqual(['shares-invalid'])
  const entries = await federation.entries(runStream(view.run))
  expect(entries.filter(({ type }) => type === 'complaint-received').map(({ body }) => body)).toContainEqual(
    expect.objectContaining({ site: 'hungary', against: 'zurich' }),
  )
  expect(await leaks(federation)).toEqual([])
})

test('a site that shares another secret than it masked with fails the round as a whole, and the next one goes on', async () => {
  const wrong: SiteAttack = {
    what: 'a commitment to another self-mask seed',
    log: [],
    uploads: ['OK'],
    round: 'shares-invalid',
    lies: {
      say: (message, at) => [
        message.type === 'share-keys' ? shared({ ...message, selfCommitment: randomBytes(32) }, at) : message,
      ],
    },
  }
  const honest: SiteAttack = { what: 'nothing', log: [], uploads: ['OK'], round: 'committed', lies: {} }
  expect(await lieEachRound([wrong, honest])).toEqual(withstood([wrong, honest]))
})

/** In one message of this type; the site is dropped for it, and the round commits. */
function lying<Type extends SecureFromSite['type']>(
  type: Type,
  what: string,
  code: SiteAttack['log'][number],
  bend: (message: Of<Type>, at: Moment) => readonly SecureFromSite[],
): SiteAttack {
  const say: SiteLies['say'] = (message, at) => (message.type === type ? bend(message as Of<Type>, at) : [message])
  const attack: SiteAttack = { what, log: [code], uploads: [], round: 'committed', lies: { say } }
  return type === 'confirm' || type === 'unmask' ? { ...attack, first: type, uploads: ['OK'] } : attack
}

function advertising(
  what: string,
  code: SiteAttack['log'][number],
  changes: Partial<Advertisement> | ((said: Advertisement) => Partial<Advertisement>),
): SiteAttack {
  return lying('advertise', what, code, (message, { me, hash }) => {
    const said = readAdvertisement(message.body)
    const body = advertisedBody({ ...said, ...(typeof changes === 'function' ? changes(said) : changes) })
    const signature = signMessage(me.identity, advertiseMessage(Buffer.from(hash, 'hex'), me.name, body))
    return [{ ...message, body, signature }]
  })
}

function sharing(
  what: string,
  code: SiteAttack['log'][number],
  bend: (message: Of<'share-keys'>) => Of<'share-keys'>,
): SiteAttack {
  return lying('share-keys', what, code, (message, at) => [shared(bend(message), at)])
}

type Revealed = Of<'unmask'>['revealed']

function revealing(
  what: string,
  code: SiteAttack['log'][number],
  bend: (revealed: Revealed, at: Moment) => Revealed,
): SiteAttack {
  return lying('unmask', what, code, (message, at) => {
    const { sid, index, u3Hash } = at.me.session(at.hash)!
    const revealed = bend(message.revealed, at)
    return [
      { ...message, revealed, signature: signMessage(at.me.identity, unmaskMessage(sid!, u3Hash!, index, revealed)) },
    ]
  })
}

/** Signed anew. */
function shared(message: Of<'share-keys'>, { me, hash }: Moment): Of<'share-keys'> {
  const { sid, index } = me.session(hash)!
  const signature = signMessage(me.identity, shareKeysMessage(sid!, index, message, message.rows))
  return { ...message, signature }
}

/** What is not due yet: well formed, of no use, and not to be remembered. */
function ahead({ type, planHash }: SecureFromSite, { me, hash }: Moment): SecureFromSite[] {
  if (type !== 'advertise') return []
  const share = shareCommitment('s', new Uint8Array(32), 4, 1, new Uint8Array(32))
  return [
    { type: 'confirm', planHash, signature: randomBytes(64) },
    { type: 'unmask', planHash, revealed: [{ index: 1, kind: 's', share }], signature: randomBytes(64) },
    {
      type: 'complaint',
      planHash: hash,
      against: 1,
      reason: 'share-does-not-open',
      signature: signMessage(me.identity, confirmMessage(share, share)),
    },
  ]
}
