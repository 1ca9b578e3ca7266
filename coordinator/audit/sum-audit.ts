/** The sum of a secure round, audited: masked updates, survivors (U3), their confirmations, and what they revealed. */
import { confirmMessage, inputMessage, messageHash, unmaskMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { survivorsHash, uploadRoot } from '@consilium/protos/secagg/transcript.ts'
import type { EventOf } from '../round/events.ts'
import { fromBase64, hex, present, require } from './refuse.ts'
import { enough, fixed, type Given, listed, memberOf, type SessionAudit, signedBy } from './session-audit.ts'

export function announced(round: SessionAudit, event: EventOf<'update-announced'>): void {
  const { sid } = fixed(round.session, 'a directory')
  const { sites, u2Hash } = fixed(round.sharers, 'U2')
  const { index, name, publicKey } = memberOf(sites, event.site, 'U2')
  const { root, vectorHashes, signature } = present(event.masked, `${name} announced an update that is not masked`)
  const { vectors } = round.plan.secure
  require(vectorHashes.length === vectors.length, `the plan has ${vectors.length} vectors, not ${vectorHashes.length}`)
  const named = vectors.map((vector, i) => {
    return { name: vector.name, sha256: Buffer.from(vectorHashes[i]!, 'hex') }
  })
  const derived = uploadRoot(sid, index, named)
  require(hex(derived) === root, 'its root is not that of the vectors it names')
  signedBy(name, publicKey, fromBase64(signature), inputMessage(sid, u2Hash, index, derived), 'its masked update')
  require(!round.roots.has(name), `${name} announced two updates`)
  round.roots.set(name, derived)
}

export function survivorsFixed(round: SessionAudit, event: EventOf<'survivors-fixed'>): void {
  const { sid, thresholds } = fixed(round.session, 'a directory')
  const sharers = fixed(round.sharers, 'U2')
  require(round.survivors === undefined, 'U3 was fixed twice')
  const sites = listed(sharers.sites, event.sites, 'U3')
  enough(sites, thresholds, 'U3')
  const roots = sites.map(({ index, name }) => {
    require(round.received.has(name), `${name} is in U3 and its update never arrived`)
    return { index, root: present(round.roots.get(name), `${name} announced nothing`) }
  })
  const u3Hash = survivorsHash(sid, sharers.u2Hash, roots)
  require(hex(u3Hash) === event.u3Hash, 'its U3 hash is not that of these survivors')
  round.survivors = { sites, u3Hash, root: Buffer.from(event.logHead.root, 'hex') }
}

export function confirmed(round: SessionAudit, event: EventOf<'survivors-confirmed'>): void {
  const { sites, u3Hash, root } = fixed(round.survivors, 'U3')
  const { name, publicKey } = memberOf(sites, event.site, 'U3')
  signedBy(name, publicKey, fromBase64(event.signature), confirmMessage(u3Hash, root), 'its confirmation')
  require(!round.confirmed.has(name), `${name} confirmed twice`)
  round.confirmed.add(name)
}

/** Exactly one share of each sharer: of the self-mask seed where it survived, of the mask key where it did not. */
export function released(round: SessionAudit, event: EventOf<'shares-revealed'>, message: Given['message']): void {
  const { sid, thresholds } = fixed(round.session, 'a directory')
  const { sites, u3Hash } = fixed(round.survivors, 'U3')
  const { index, name, publicKey } = memberOf(sites, event.site, 'U3')
  const { size } = round.confirmed
  require(size >= thresholds.threshold, `shares were released on ${size} of ${thresholds.threshold} confirmations`)
  require(message?.type === 'unmask', 'the object it names is no Unmask message')
  require(message.planHash === hex(round.planHash), 'its message is for another plan')
  const alive = new Set(sites.map((site) => site.index))
  const due = fixed(round.sharers, 'U2').sites.map((site) => `${alive.has(site.index) ? 'b' : 's'} of ${site.index}`)
  const said = message.revealed.map((one) => `${one.kind} of ${one.index}`)
  require(said.join() === due.join(), `${name} released the shares ${said.join(', ')}; due were ${due.join(', ')}`)
  const signed = unmaskMessage(sid, u3Hash, index, message.revealed)
  require(hex(messageHash(signed)) === event.hash, 'its hash is not that of the message it names')
  require(hex(message.signature) === hex(fromBase64(event.signature)), 'its signature is not that of the message')
  signedBy(name, publicKey, message.signature, signed, 'its released shares')
  require(!round.released.has(name), `${name} released shares twice`)
  round.released.add(name)
}
