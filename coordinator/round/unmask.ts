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
import type { EventOf, RoundEvent } from './events.ts'
import { must, mustBeSigned } from './faults.ts'
import type { RoundOver } from './over.ts'
import { type Collected, collectedOf } from './planned.ts'
import { rosterEntry, storedMessage, toBase64, toHex, type UnmaskingSession } from './session.ts'
import {
  type AwaitedAnswers,
  decideOnSurvivors,
  evolveSurvivors,
  lostQuorum,
  type Reach,
  speakersOf,
  takeFromSurvivor,
} from './survivors.ts'

export type Unmasking = Collected & {
  readonly phase: 'unmask'
  readonly sinceMs: number
  readonly session: UnmaskingSession
}

export function decide(round: Unmasking, command: RoundCommand, now: Date): RoundEvent[] {
  return command.type === 'reveal-shares' ? reveal(round, command, now) : decideOnSurvivors(round, reach, command, now)
}

export function evolve(round: Unmasking, event: RoundEvent): Unmasking | Committing | RoundOver {
  return event.type === 'shares-revealed' ? next(round, event) : evolveSurvivors(round, event)
}

/** How many releases are missing, and the survivors any of which can give them. */
export function awaitedReleases(round: Unmasking): AwaitedAnswers {
  const { revealed, thresholds } = round.session
  const sites = speakersOf(round).filter((site) => !revealed.has(site))
  return { answers: thresholds.threshold - revealed.size, sites }
}

const reach: Reach<Unmasking> = { awaited: awaitedReleases, lost: lostQuorum }

type Command = Extract<RoundCommand, { type: 'reveal-shares' }>

function reveal(round: Unmasking, { site, message, object }: Command, now: Date): RoundEvent[] {
  const { planHash, session } = round
  const at = now.toISOString()
  const signature = toBase64(message.signature)
  return takeFromSurvivor(round, reach, now, {
    site,
    awaited: awaitedReleases(round).sites,
    check: () => check(session, site, message),
    taken: (hash) => [{ type: 'shares-revealed', at, planHash, site, hash: toHex(hash), signature, message: object }],
  })
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
  return { phase: 'commit', ...collectedOf(round), session }
}
