/**
 * Share keys (fedsum, section A.3, message 2): every site of U1 deals shares of its two secrets, sealed to each other site
 * and committed to. Who did so when nobody is awaited any more is U2: masks go over exactly these sites, so whoever drops
 * out from here on must be unmasked by the survivors.
 */
import { type SharedTo, shareKeysMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { awaitedMembers, decideOnMembers, evolveMembers, takeFromMember } from './collect-messages.ts'
import type { CollectingUpdates } from './collect-updates.ts'
import type { RoundCommand } from './commands.ts'
import { type Awaited, nextDropoutDue } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { must, mustBeSigned } from './faults.ts'
import type { RoundOver } from './over.ts'
import { type Planned, plannedOf } from './planned.ts'
import type { Attendance } from './presence.ts'
import { directoryOf, rosterEntry, type SharingSession, storedMessage, toBase64, toHex, u2HashOf } from './session.ts'

export type SharingKeys = Planned & {
  readonly phase: 'share-keys'
  readonly sinceMs: number
  readonly session: SharingSession
}

export function decide(round: SharingKeys, command: RoundCommand, now: Date): RoundEvent[] {
  const { planHash, session } = round
  const at = now.toISOString()
  if (command.type !== 'share-keys')
    return decideOnMembers(round, awaited(round), command, now, (sites) => {
      return { type: 'sharers-fixed', at, planHash, u2Hash: toHex(u2HashOf(session, sites)), sites }
    })
  const { site, message, object } = command
  const signature = toBase64(message.signature)
  return takeFromMember(round, now, {
    site,
    awaited: awaited(round).sites,
    check: () => check(session, command),
    taken: (hash) => [{ type: 'keys-shared', at, planHash, site, hash: toHex(hash), signature, message: object }],
  })
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
    default:
      return evolveMembers(round, event)
  }
}

export function deadline(round: SharingKeys, attendance: Attendance): number {
  return nextDropoutDue(awaited(round), attendance)
}

type Command = Extract<RoundCommand, { type: 'share-keys' }>

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

function awaited(round: SharingKeys): Awaited {
  return awaitedMembers(round, round.session.shared)
}
