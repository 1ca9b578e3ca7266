/** Messages that a lying site says in place of its honest ones. */
import { randomBytes } from 'node:crypto'
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
import type { Moment, SiteLies } from './site.ts'
import type { SiteLie } from './site-attacks.ts'

export type Of<Type extends SecureFromSite['type']> = Extract<SecureFromSite, { type: Type }>

/** In one message of this type; the site is dropped for it, and the round commits. */
export function lying<Type extends SecureFromSite['type']>(
  type: Type,
  code: SiteLie['log'][number],
  bend: (message: Of<Type>, at: Moment) => readonly SecureFromSite[],
): SiteLie {
  const say: SiteLies['say'] = (message, at) => (message.type === type ? bend(message as Of<Type>, at) : [message])
  const attack: SiteLie = { log: [code], uploads: [], round: 'committed', lies: { say } }
  return type === 'confirm' || type === 'unmask' ? { ...attack, first: type, uploads: ['OK'] } : attack
}

export function advertising(
  code: SiteLie['log'][number],
  changes: Partial<Advertisement> | ((said: Advertisement) => Partial<Advertisement>),
): SiteLie {
  return lying('advertise', code, (message, { me, hash }) => {
    const said = readAdvertisement(message.body)
    const body = advertisedBody({ ...said, ...(typeof changes === 'function' ? changes(said) : changes) })
    const signature = signMessage(me.identity, advertiseMessage(Buffer.from(hash, 'hex'), me.name, body))
    return [{ ...message, body, signature }]
  })
}

export function sharing(code: SiteLie['log'][number], bend: (message: Of<'share-keys'>) => Of<'share-keys'>): SiteLie {
  return lying('share-keys', code, (message, at) => [shared(bend(message), at)])
}

type Revealed = Of<'unmask'>['revealed']

export function revealing(code: SiteLie['log'][number], bend: (revealed: Revealed, at: Moment) => Revealed): SiteLie {
  return lying('unmask', code, (message, at) => {
    const { sid, index, u3Hash } = at.me.session(at.hash)!
    const revealed = bend(message.revealed, at)
    return [
      { ...message, revealed, signature: signMessage(at.me.identity, unmaskMessage(sid!, u3Hash!, index, revealed)) },
    ]
  })
}

/** Signed anew. */
export function shared(message: Of<'share-keys'>, { me, hash }: Moment): Of<'share-keys'> {
  const { sid, index } = me.session(hash)!
  const signature = signMessage(me.identity, shareKeysMessage(sid!, index, message, message.rows))
  return { ...message, signature }
}

/** What is not due yet: well formed, of no use, and not to be remembered. */
export function ahead({ type, planHash }: SecureFromSite, { me, hash }: Moment): SecureFromSite[] {
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
