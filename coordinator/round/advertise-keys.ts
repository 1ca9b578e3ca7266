/**
 * Advertise keys (fedsum, section A.3, message 1): every site that did its work advertises two fresh X25519 keys, signed
 * under its identity in the plan's roster. Who did so when nobody is awaited any more is U1: the directory, which names
 * the session and from which the thresholds follow.
 */
import { abandonsAttemptBefore, readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { advertiseMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { awaitedMembers, decideOnMembers, evolveMembers, takeFromMember } from './collect-messages.ts'
import type { RoundCommand } from './commands.ts'
import { type Awaited, nextDropoutDue } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { must, mustBeSigned } from './faults.ts'
import type { RoundOver } from './over.ts'
import { type Planned, plannedOf } from './planned.ts'
import type { Attendance } from './presence.ts'
import { type AdvertisingSession, fromBase64, rosterEntry, sidOf, toBase64, toHex } from './session.ts'
import type { SharingKeys } from './share-keys.ts'

export type AdvertisingKeys = Planned & {
  readonly phase: 'advertise-keys'
  readonly sinceMs: number
  readonly session: AdvertisingSession
}

export function decide(round: AdvertisingKeys, command: RoundCommand, now: Date): RoundEvent[] {
  const { planHash } = round
  const at = now.toISOString()
  if (command.type !== 'advertise-keys')
    return decideOnMembers(round, awaited(round), command, now, (sites) => {
      const sid = toHex(sidOf(round.session, planHash, sites))
      return { type: 'directory-fixed', at, planHash, sid, sites }
    })
  const { site, body, signature } = command
  return takeFromMember(round, now, {
    site,
    awaited: awaited(round).sites,
    check: () => check(round, command),
    taken: () => [
      { type: 'keys-advertised', at, planHash, site, body: toBase64(body), signature: toBase64(signature) },
    ],
  })
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
    default:
      return evolveMembers(round, event)
  }
}

export function deadline(round: AdvertisingKeys, attendance: Attendance): number {
  return nextDropoutDue(awaited(round), attendance)
}

type Command = Extract<RoundCommand, { type: 'advertise-keys' }>

function check({ session, plan }: AdvertisingKeys, { planHash, site, body, signature }: Command): void {
  const own = rosterEntry(session, site)
  mustBeSigned(own, signature, advertiseMessage(Buffer.from(planHash, 'hex'), site, body), 'these keys and this plan')
  const advertised = readAdvertisement(body)
  const { index, modelHash, channelKey, maskKey } = advertised
  must(index === own.index, 'message-invalid', `index: ${index}, not ${own.index}`)
  must(toHex(modelHash) === session.model, 'hash-mismatch', 'modelHash: not the model of this round')
  must(abandonsAttemptBefore(advertised, plan), 'message-invalid', 'previousAttempt: not as the plan asks for')
  const others = [...session.advertised.values()].flatMap((said) => {
    const other = readAdvertisement(said.body)
    return [other.channelKey, other.maskKey]
  })
  const keys = new Set([channelKey, maskKey, ...others].map(toHex))
  must(keys.size === 2 + others.length, 'message-invalid', 'channelKey, maskKey: one of them was advertised before')
}

/** A site that did its work without a line has as long as any other once it is back. */
function awaited(round: AdvertisingKeys): Awaited {
  return { ...awaitedMembers(round, round.session.advertised), workedAwayMs: round.setting.deadlines.workMs }
}
