/**
 * Unmask (fedsum, section A.3, message 5): every survivor reveals one share for each sharer, of the self-mask seed where
 * it survived and of the mask key where it dropped out. The set of survivors is fixed and confirmed, so the phase has no
 * deadline: it stays open until a threshold of releases is in, whenever sites come back (decision 3).
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Unmask } from '@consilium/protos/secagg/messages.ts'
import { unmaskMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { RoundCommand } from './commands.ts'
import type { Committing } from './commit.ts'
import { withDropout } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { checked, must, mustBeSigned } from './faults.ts'
import { refuseLateUpdate } from './late-updates.ts'
import { failedRound, type RoundOver } from './over.ts'
import { type Planned, plannedOf, type Update } from './planned.ts'
import { rosterEntry, storedMessage, toBase64, toHex, type UnmaskingSession } from './session.ts'
import { dropSurvivor, dropSurvivorOnCommand, isOutOfReach, lostQuorum, speakersOf } from './survivors.ts'

export type Unmasking = Planned & {
  readonly phase: 'unmask'
  readonly sinceMs: number
  readonly updates: ReadonlyMap<SiteName, Update>
  readonly lateSites: ReadonlySet<SiteName>
  readonly session: UnmaskingSession
}

export function decide(round: Unmasking, command: RoundCommand, now: Date): RoundEvent[] {
  const { revealed } = round.session
  switch (command.type) {
    case 'look':
      return isOutOfReach(round, revealed, command.attendance) ? [lostQuorum(round, now)] : []
    case 'reveal-shares':
      return reveal(round, command, now)
    case 'refuse-work':
    case 'misbehave':
      return dropSurvivorOnCommand(round, revealed, command, now)
    case 'refuse-late-update':
      return refuseLateUpdate(round, command.site, now)
    default:
      return []
  }
}

export function evolve(round: Unmasking, event: RoundEvent): Unmasking | Committing | RoundOver {
  switch (event.type) {
    case 'shares-revealed':
      return next(round, event)
    case 'site-dropped':
      return withDropout(round, event)
    case 'late-update-refused':
      return { ...round, lateSites: new Set([...round.lateSites, event.site]) }
    case 'round-failed':
      return failedRound(round, event, round.updates)
    default:
      return round
  }
}

/** How many releases are missing, and the survivors any of which can give them. */
export function awaitedReleases(round: Unmasking): { readonly answers: number; readonly sites: readonly SiteName[] } {
  const { revealed, thresholds } = round.session
  const sites = speakersOf(round).filter((site) => !revealed.has(site))
  return { answers: thresholds.threshold - revealed.size, sites }
}

type Command = Extract<RoundCommand, { type: 'reveal-shares' }>

function reveal(round: Unmasking, command: Command, now: Date): RoundEvent[] {
  const { planHash, session } = round
  const { site, message, object } = command
  if (!speakersOf(round).includes(site) || session.revealed.has(site)) return []
  const { fault, value: hash } = checked(() => check(session, site, message))
  if (fault !== undefined)
    return dropSurvivor(round, session.revealed, { site, cause: 'misbehaved', reason: fault }, now)
  const signature = toBase64(message.signature)
  const at = now.toISOString()
  return [{ type: 'shares-revealed', at, planHash, site, hash: toHex(hash), signature, message: object }]
}

/** The hash that the signature covers. One share of each sharer and of the one kind that U2 and U3 call for. */
function check(session: UnmaskingSession, site: SiteName, { revealed, signature }: Unmask): Uint8Array {
  const { sid, u3Hash, sharers, survivors } = session
  const own = rosterEntry(session, site)
  const due = sharers.map((name) => {
    const kind = survivors.includes(name) ? 'b' : 's'
    return `${kind} of ${rosterEntry(session, name).index}`
  })
  const said = revealed.map(({ index, kind }) => `${kind} of ${index}`)
  must(said.join() === due.join(), 'message-invalid', `revealed: the shares ${said.join()}; due are ${due.join()}`)
  const signed = unmaskMessage(sid, u3Hash, own.index, revealed)
  return mustBeSigned(own, signature, signed, 'these shares and these survivors')
}

function next(round: Unmasking, event: EventOf<'shares-revealed'>): Unmasking | Committing | RoundOver {
  const revealed = new Map([...round.session.revealed, [event.site, storedMessage(event)]])
  const session = { ...round.session, revealed }
  if (revealed.size < session.thresholds.threshold) return { ...round, session }
  const { updates, lateSites } = round
  return { phase: 'commit', ...plannedOf(round), updates, lateSites, session }
}
