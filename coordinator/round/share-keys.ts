/**
 * Share keys (fedsum, section A.3, message 2): every site of U1 deals shares of its two secrets, sealed to each other site
 * and committed to. Who did so when nobody is awaited any more is U2: masks go over exactly these sites, so whoever drops
 * out from here on must be unmasked by the survivors.
 */
import { type SharedTo, shareKeysMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { CollectingUpdates } from './collect-updates.ts'
import type { RoundCommand } from './commands.ts'
import { type Awaited, dropEvents, dropOnCommand, findDropouts, nextDropoutDue, withDropout } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { checked, must, mustBeSigned, unlessFault } from './faults.ts'
import { failedRound, type RoundOver } from './over.ts'
import { membersOf, type Planned, plannedOf, sitesNeeded } from './planned.ts'
import type { Attendance } from './presence.ts'
import { requiredOf } from './required.ts'
import { directoryOf, rosterEntry, type SharingSession, storedMessage, toBase64, toHex, u2HashOf } from './session.ts'

export type SharingKeys = Planned & {
  readonly phase: 'share-keys'
  readonly sinceMs: number
  readonly session: SharingSession
}

export function decide(round: SharingKeys, command: RoundCommand, now: Date): RoundEvent[] {
  switch (command.type) {
    case 'look': {
      const dropouts = findDropouts(awaited(round), command.attendance, now)
      return dropouts.length > 0 ? dropEvents(round, dropouts, now) : fixSharers(round, now)
    }
    case 'share-keys':
      return shareKeys(round, command, now)
    case 'refuse-work':
    case 'misbehave':
      return dropOnCommand(round, command, now)
    default:
      return []
  }
}

export function evolve(round: SharingKeys, event: RoundEvent): SharingKeys | CollectingUpdates | RoundOver {
  const { session } = round
  switch (event.type) {
    case 'keys-shared':
      return {
        ...round,
        session: { ...session, shared: new Map([...session.shared, [event.site, storedMessage(event)]]) },
      }
    case 'sharers-fixed': {
      const { u2Hash, sites: sharers } = event
      const masking = { ...session, u2Hash: Buffer.from(u2Hash, 'hex'), sharers, inputs: new Map() }
      const none = { announced: new Map(), updates: new Map(), lateSites: new Set<string>() }
      const sinceMs = Date.parse(event.at)
      return { phase: 'collect-updates', ...plannedOf(round), sinceMs, ...none, session: masking }
    }
    case 'site-dropped':
      return withDropout(round, event)
    case 'round-failed':
      return failedRound(round, event)
    default:
      return round
  }
}

export function deadline(round: SharingKeys, attendance: Attendance): number {
  return nextDropoutDue(awaited(round), attendance)
}

type Command = Extract<RoundCommand, { type: 'share-keys' }>

function shareKeys(round: SharingKeys, command: Command, now: Date): RoundEvent[] {
  const { planHash, site, object } = command
  if (!pending(round).includes(site)) return []
  const result = checked(() => check(round.session, command))
  const signature = toBase64(command.message.signature)
  const at = now.toISOString()
  return unlessFault(round, site, result, now, (hash) => [
    { type: 'keys-shared', at, planHash, site, hash: toHex(hash), signature, message: object },
  ])
}

/** The hash that the signature covers. */
function check(session: SharingSession, { site, message }: Command): Uint8Array {
  const own = rosterEntry(session, site)
  const { rows } = message
  const due = directoryOf(session, session.advertisers).map(({ index }) => index)
  must(isFor(rows, due), 'message-invalid', 'rows: not one for every site of the directory, in its order')
  const signed = shareKeysMessage(session.sid, own.index, message, rows)
  return mustBeSigned(own, message.signature, signed, 'these shares and this session')
}

function isFor(rows: readonly SharedTo[], indices: readonly number[]): boolean {
  return rows.length === indices.length && rows.every(({ index }, i) => index === indices[i])
}

/** U2 once nobody is awaited. Fewer sites than the thresholds ask for have failed the round before. */
function fixSharers(round: SharingKeys, now: Date): RoundEvent[] {
  if (pending(round).length > 0) return []
  const { planHash, session } = round
  const sites = membersOf(round)
  return [{ type: 'sharers-fixed', at: now.toISOString(), planHash, u2Hash: toHex(u2HashOf(session, sites)), sites }]
}

function pending(round: SharingKeys) {
  return membersOf(round).filter((site) => !round.session.shared.has(site))
}

function awaited(round: SharingKeys): Awaited {
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
  }
}
