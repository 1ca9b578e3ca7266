/**
 * Collects one signed message of every member of a round (advertise-keys, share-keys), until all are there or dropped; and
 * takes a site's message in whatever phase: once, and only where it passes its check.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundCommand } from './commands.ts'
import { type Awaited, dropEvents, dropOnCommand, findDropouts, type Losing, withDropout } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { failedRound, type RoundOver } from './over.ts'
import { absentQuorum, type Dropout, membersOf } from './planned.ts'
import { requiredOf } from './required.ts'

type Collecting = Losing & { readonly sinceMs: number }

/** What is awaited where members have the time for keys; `said` are those whose message is here. */
export function awaitedMembers(round: Collecting, said: ReadonlyMap<SiteName, unknown>): Awaited {
  const { keysMs, absentMs } = round.setting.deadlines
  const members = membersOf(round)
  return {
    sites: members.filter((site) => !said.has(site)),
    excludable: members,
    remaining: members.length,
    quorum: absentQuorum(round),
    required: requiredOf(round),
    sinceMs: round.sinceMs,
    silentMs: keysMs,
    absentMs,
  }
}

/**
 * What all but the messages themselves does: time, exclusions and refusals drop sites, and once nobody is awaited the
 * phase is `complete`. Fewer sites than the round needs have failed it before.
 */
export function decideOnMembers(
  round: Collecting,
  awaited: Awaited,
  command: RoundCommand,
  now: Date,
  complete: (sites: SiteName[]) => RoundEvent,
): RoundEvent[] {
  switch (command.type) {
    case 'look': {
      const dropouts = findDropouts(awaited, command.attendance, now)
      if (dropouts.length > 0) return dropEvents(round, dropouts, now)
      return awaited.sites.length > 0 ? [] : [complete(membersOf(round))]
    }
    case 'refuse-work':
    case 'misbehave':
      return dropOnCommand(round, command, now)
    default:
      return []
  }
}

/** What all events but the messages, and the end of the phase, make of the round. */
export function evolveMembers<Round extends Collecting>(round: Round, event: RoundEvent): Round | RoundOver {
  switch (event.type) {
    case 'site-dropped':
      return withDropout(round, event)
    case 'round-failed':
      return failedRound(round, event)
    default:
      return round
  }
}

export type Taking<Value> = {
  readonly site: SiteName
  /** The sites whose message is awaited: of another nothing is taken. */
  readonly awaited: readonly SiteName[]
  /** Throws a FederationError that names the field. */
  readonly check: () => Value
  readonly taken: (value: Value) => RoundEvent[]
  /** The events of dropping the sender of a message that fails its check. */
  readonly drop: (dropout: Dropout) => RoundEvent[]
}

export function takeMessage<Value>({ site, awaited, check, taken, drop }: Taking<Value>): RoundEvent[] {
  if (!awaited.includes(site)) return []
  let value: Value
  try {
    value = check()
  } catch (error) {
    if (!(error instanceof FederationError)) throw error
    return drop({ site, cause: 'misbehaved', reason: `${error.code}: ${error.message}` })
  }
  return taken(value)
}

/** {@link takeMessage} in a phase in which sites may drop out of the sum. */
export function takeFromMember<Value>(round: Losing, now: Date, taking: Omit<Taking<Value>, 'drop'>): RoundEvent[] {
  return takeMessage({ ...taking, drop: (dropout) => dropEvents(round, [dropout], now) })
}
