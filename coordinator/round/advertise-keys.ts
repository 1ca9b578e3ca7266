/**
 * Advertise keys (fedsum, section A.3, message 1): every site that did its work advertises two fresh X25519 keys, signed
 * under its identity in the plan's roster. Who did so when nobody is awaited any more is U1: the directory, which names
 * the session and from which the thresholds follow.
 */
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { advertiseMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { RoundCommand } from './commands.ts'
import { type Awaited, dropEvents, dropOnCommand, findDropouts, nextDropoutDue, withDropout } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { checked, must, mustBeSigned, unlessFault } from './faults.ts'
import { failedRound, type RoundOver } from './over.ts'
import { membersOf, type Planned, plannedOf, sitesNeeded } from './planned.ts'
import type { Attendance } from './presence.ts'
import { requiredOf } from './required.ts'
import { type AdvertisingSession, fromBase64, rosterEntry, sidOf, toBase64, toHex } from './session.ts'
import type { SharingKeys } from './share-keys.ts'

export type AdvertisingKeys = Planned & {
  readonly phase: 'advertise-keys'
  readonly sinceMs: number
  readonly session: AdvertisingSession
}

export function decide(round: AdvertisingKeys, command: RoundCommand, now: Date): RoundEvent[] {
  switch (command.type) {
    case 'look': {
      const dropouts = findDropouts(awaited(round), command.attendance, now)
      return dropouts.length > 0 ? dropEvents(round, dropouts, now) : fixDirectory(round, now)
    }
    case 'advertise-keys': {
      const { site, body, signature } = command
      if (!pending(round).includes(site)) return []
      const result = checked(() => check(round, command))
      const { planHash } = round
      const at = now.toISOString()
      return unlessFault(round, site, result, now, () => [
        { type: 'keys-advertised', at, planHash, site, body: toBase64(body), signature: toBase64(signature) },
      ])
    }
    case 'refuse-work':
    case 'misbehave':
      return dropOnCommand(round, command, now)
    default:
      return []
  }
}

export function evolve(round: AdvertisingKeys, event: RoundEvent): AdvertisingKeys | SharingKeys | RoundOver {
  const { session } = round
  switch (event.type) {
    case 'keys-advertised': {
      const keys = { body: fromBase64(event.body), signature: fromBase64(event.signature) }
      return { ...round, session: { ...session, advertised: new Map([...session.advertised, [event.site, keys]]) } }
    }
    case 'directory-fixed': {
      const { sid, sites: advertisers } = event
      const thresholds = sessionThresholds(advertisers.length, session.plan)
      const sharing = { ...session, sid: Buffer.from(sid, 'hex'), thresholds, advertisers, shared: new Map() }
      return { phase: 'share-keys', ...plannedOf(round), sinceMs: Date.parse(event.at), session: sharing }
    }
    case 'site-dropped':
      return withDropout(round, event)
    case 'round-failed':
      return failedRound(round, event)
    default:
      return round
  }
}

export function deadline(round: AdvertisingKeys, attendance: Attendance): number {
  return nextDropoutDue(awaited(round), attendance)
}

/** The directory once nobody is awaited. Fewer sites than a session needs have failed the round before. */
function fixDirectory(round: AdvertisingKeys, now: Date): RoundEvent[] {
  if (pending(round).length > 0) return []
  const { planHash, session } = round
  const sites = membersOf(round)
  const sid = toHex(sidOf(session, planHash, sites))
  return [{ type: 'directory-fixed', at: now.toISOString(), planHash, sid, sites }]
}

type Command = Extract<RoundCommand, { type: 'advertise-keys' }>

function check({ session }: AdvertisingKeys, { planHash, site, body, signature }: Command): void {
  const own = rosterEntry(session, site)
  mustBeSigned(own, signature, advertiseMessage(Buffer.from(planHash, 'hex'), site, body), 'these keys and this plan')
  const { index, modelHash, channelKey, maskKey } = readAdvertisement(body)
  must(index === own.index, 'message-invalid', `index: ${index}, not ${own.index}`)
  must(toHex(modelHash) === session.model, 'hash-mismatch', 'modelHash: not the model of this round')
  const others = [...session.advertised.values()].flatMap((said) => {
    const other = readAdvertisement(said.body)
    return [other.channelKey, other.maskKey]
  })
  const keys = new Set([channelKey, maskKey, ...others].map(toHex))
  must(keys.size === 2 + others.length, 'message-invalid', 'channelKey, maskKey: one of them was advertised before')
}

function pending(round: AdvertisingKeys) {
  return membersOf(round).filter((site) => !round.session.advertised.has(site))
}

function awaited(round: AdvertisingKeys): Awaited {
  const { deadlines } = round.setting
  const members = membersOf(round)
  return {
    sites: pending(round),
    excludable: members,
    remaining: members.length,
    quorum: sitesNeeded(round),
    required: requiredOf(round),
    sinceMs: round.sinceMs,
    silentMs: deadlines.keysMs,
    absentMs: deadlines.absentMs,
    workedAwayMs: deadlines.workMs,
  }
}
