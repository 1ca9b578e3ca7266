/** The keys of a secure round, audited: what sites advertised (U1), what they shared (U2), what they complained of. */
import { abandonsAttemptBefore, readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import {
  advertiseMessage,
  complaintMessage,
  messageHash,
  shareKeysMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { rosterHash, sessionId, sharersHash } from '@consilium/protos/secagg/transcript.ts'
import type { EventOf } from '../round/events.ts'
import { fromBase64, hex, present, require } from './refuse.ts'
import { enough, fixed, type Given, listed, memberOf, type SessionAudit, signedBy, siteOf } from './session-audit.ts'

export function advertised(round: SessionAudit, event: EventOf<'keys-advertised'>): void {
  require(round.session === undefined, 'keys were advertised after the directory was fixed')
  const { index, name, publicKey } = siteOf(round, event.site)
  const [body, signature] = [fromBase64(event.body), fromBase64(event.signature)]
  signedBy(name, publicKey, signature, advertiseMessage(round.planHash, name, body), 'its advertised keys')
  const said = readAdvertisement(body)
  require(said.index === index, `${name} advertised as site ${said.index} of the cohort, it is ${index}`)
  require(hex(said.modelHash) === round.plan.model, `${name} advertised keys for another model than the plan's`)
  require(!round.advertised.has(name), `${name} advertised keys twice`)
  require(abandonsAttemptBefore(said, round.plan), `${name} did not abandon just the attempt before its plan`)
  round.advertised.set(name, { body, signature })
}

export function directoryFixed(round: SessionAudit, event: EventOf<'directory-fixed'>): void {
  require(round.session === undefined, 'the directory was fixed twice')
  const sites = listed(round.sites, event.sites, 'U1')
  const directory = sites.map(({ index, name }) => ({
    index,
    ...present(round.advertised.get(name), `${name} is in U1 and advertised nothing`),
  }))
  const sid = sessionId(round.planHash, rosterHash(round.sites), directory)
  require(hex(sid) === event.sid, 'its session is not the one of these advertised keys')
  round.session = { sites, sid, thresholds: sessionThresholds(sites.length, round.plan.secure) }
}

export function keysShared(round: SessionAudit, event: EventOf<'keys-shared'>, message: Given['message']): void {
  const { sites, sid } = fixed(round.session, 'a directory')
  require(round.sharers === undefined, 'keys were shared after U2 was fixed')
  const { index, name, publicKey } = memberOf(sites, event.site, 'U1')
  require(message?.type === 'share-keys', 'the object it names is no ShareKeys message')
  require(message.planHash === hex(round.planHash), 'its message is for another plan')
  require(message.rows.map((row) => row.index).join() ===
    sites.map((site) => site.index).join(), `${name} did not share its keys with exactly U1`)
  const signed = shareKeysMessage(sid, index, message, message.rows)
  const hash = messageHash(signed)
  require(hex(hash) === event.hash, 'its hash is not that of the message it names')
  require(hex(message.signature) === hex(fromBase64(event.signature)), 'its signature is not that of the message')
  signedBy(name, publicKey, message.signature, signed, 'its shared keys')
  require(!round.shared.has(name), `${name} shared its keys twice`)
  round.shared.set(name, hash)
}

export function sharersFixed(round: SessionAudit, event: EventOf<'sharers-fixed'>): void {
  const session = fixed(round.session, 'a directory')
  require(round.sharers === undefined, 'U2 was fixed twice')
  const sites = listed(session.sites, event.sites, 'U2')
  enough(sites, session.thresholds, 'U2')
  const u2Hash = sharersHash(
    session.sid,
    sites.map(({ index, name }) => {
      return { index, shareKeysHash: present(round.shared.get(name), `${name} is in U2 and shared nothing`) }
    }),
  )
  require(hex(u2Hash) === event.u2Hash, 'its U2 hash is not that of these sharers')
  round.sharers = { sites, u2Hash }
}

export function complained(round: SessionAudit, event: EventOf<'complaint-received'>): void {
  const { sites } = fixed(round.sharers, 'U2')
  const { index, name, publicKey } = memberOf(sites, event.site, 'U2')
  const against = memberOf(sites, event.against, 'U2')
  const message = complaintMessage(fixed(round.session, 'a directory').sid, index, against.index, event.reason)
  signedBy(name, publicKey, fromBase64(event.signature), message, 'its complaint')
}
