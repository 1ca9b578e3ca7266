/**
 * Collect updates: every site uploads its update, sealed or masked, in chunks that go on where a cut left them. A site
 * announces the hash first, and there is one update per site and round (fedsum, check S7). In a secure round whoever
 * delivered when nobody is awaited any more is U3, fixed once: no second set of survivors is ever asked for.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { takeFromMember } from './collect-messages.ts'
import type { RoundCommand } from './commands.ts'
import type { Committing } from './commit.ts'
import { complain } from './complaints.ts'
import type { ConfirmingSurvivors } from './confirm-survivors.ts'
import { type Awaited, dropEvents, dropOnCommand, findDropouts, nextDropoutDue, withDropout } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { refuseLateUpdate, withLateUpdate } from './late-updates.ts'
import { checkInput, loggedInput, readInput } from './masked-input.ts'
import { failedRound, type RoundOver } from './over.ts'
import { absentQuorum, type Collected, collectedOf, membersOf, sitesNeeded, type Update } from './planned.ts'
import type { Attendance } from './presence.ts'
import { requiredOf } from './required.ts'
import { type MaskingSession, toHex, u3HashOf } from './session.ts'

export type CollectingUpdates = Collected & {
  readonly phase: 'collect-updates'
  readonly sinceMs: number
  readonly announced: ReadonlyMap<SiteName, Update>
  /** Absent in sealed mode. */
  readonly session?: MaskingSession
}

export function decide(round: CollectingUpdates, command: RoundCommand, now: Date): RoundEvent[] {
  const at = now.toISOString()
  const { planHash } = round
  switch (command.type) {
    case 'look': {
      const dropouts = findDropouts(awaited(round), command.attendance, now)
      return dropouts.length > 0 ? dropEvents(round, dropouts, now) : fixSurvivors(round, command, now)
    }
    case 'announce-update':
      return announce(round, command, now)
    case 'receive-update': {
      const { site, sha256, bytes } = command
      if (!pending(round).includes(site) || round.announced.get(site)?.sha256 !== sha256) return []
      return [{ type: 'update-received', at, planHash, site, sha256, bytes }]
    }
    case 'complain':
      return complain(round, command, now)
    case 'refuse-work':
    case 'misbehave':
      return round.updates.has(command.site) ? [] : dropOnCommand(round, command, now)
    case 'refuse-late-update':
      return refuseLateUpdate(round, command.site, now)
    default:
      return []
  }
}

export function evolve(
  round: CollectingUpdates,
  event: RoundEvent,
): CollectingUpdates | ConfirmingSurvivors | Committing | RoundOver {
  switch (event.type) {
    case 'update-announced':
      return withInput({ ...round, announced: withUpdate(round.announced, event) }, event)
    case 'update-received':
      return next({ ...round, updates: withUpdate(round.updates, event) })
    case 'site-dropped':
      return next(withDropout(round, event))
    case 'late-update-refused':
      return withLateUpdate(round, event)
    case 'survivors-fixed': {
      const { session } = round
      if (!session) return round
      const { u3Hash, sites: survivors, logHead } = event
      const confirming = { ...session, u3Hash: Buffer.from(u3Hash, 'hex'), survivors, logHead, confirmed: new Map() }
      const sinceMs = Date.parse(event.at)
      return { phase: 'confirm-survivors', ...collectedOf(round), sinceMs, session: confirming }
    }
    case 'round-failed':
      return failedRound(round, event, round.updates)
    default:
      return round
  }
}

export function deadline(round: CollectingUpdates, attendance: Attendance): number {
  return nextDropoutDue(awaited(round), attendance)
}

function announce(
  round: CollectingUpdates,
  command: Extract<RoundCommand, { type: 'announce-update' }>,
  now: Date,
): RoundEvent[] {
  const { planHash, site, sha256, bytes, masked } = command
  const event = { type: 'update-announced', at: now.toISOString(), planHash, site, sha256, bytes } as const
  const { session } = round
  return takeFromMember(round, now, {
    site,
    awaited: membersOf(round).filter((member) => !round.announced.has(member)),
    check: () => session && checkInput(session, command),
    taken: () => [{ ...event, ...(session && masked && { masked: loggedInput(masked) }) }],
  })
}

/** U3 once nobody is awaited, in a secure round. Too few survivors have failed the round before. */
function fixSurvivors(
  round: CollectingUpdates,
  { logHead }: Extract<RoundCommand, { type: 'look' }>,
  now: Date,
): RoundEvent[] {
  const { planHash, session } = round
  if (!session || pending(round).length > 0) return []
  const sites = membersOf(round)
  const u3Hash = toHex(u3HashOf(session, sites))
  return [{ type: 'survivors-fixed', at: now.toISOString(), planHash, u3Hash, sites, logHead }]
}

/** In sealed mode the phase ends when nobody is awaited; a secure round waits for its survivors to be fixed. */
function next(round: CollectingUpdates): CollectingUpdates | ConfirmingSurvivors | Committing | RoundOver {
  if (round.session || membersOf(round).length < sitesNeeded(round) || pending(round).length > 0) return round
  return { phase: 'commit', ...collectedOf(round) }
}

function pending(round: CollectingUpdates): SiteName[] {
  return membersOf(round).filter((site) => !round.updates.has(site))
}

function awaited(round: CollectingUpdates): Awaited {
  const { deadlines } = round.setting
  const sites = pending(round)
  return {
    sites,
    excludable: sites,
    remaining: membersOf(round).length,
    quorum: absentQuorum(round),
    required: requiredOf(round),
    sinceMs: round.sinceMs,
    silentMs: deadlines.uploadMs,
    absentMs: deadlines.absentMs,
    // In sealed mode the update is the first that is asked for after the work.
    ...(!round.session && { workedAwayMs: deadlines.workMs }),
  }
}

function withUpdate(
  updates: ReadonlyMap<SiteName, Update>,
  event: { readonly site: SiteName } & Update,
): ReadonlyMap<SiteName, Update> {
  return new Map([...updates, [event.site, { sha256: event.sha256, bytes: event.bytes }]])
}

function withInput(round: CollectingUpdates, { site, masked }: EventOf<'update-announced'>): CollectingUpdates {
  const { session } = round
  if (!session || !masked) return round
  return { ...round, session: { ...session, inputs: new Map([...session.inputs, [site, readInput(masked)]]) } }
}
