/**
 * Collect updates: every site uploads its update, sealed or masked, in chunks that go on where a cut left them. A site
 * announces the hash first, and there is one update per site and round (fedsum, check S7). In a secure round whoever
 * delivered when nobody is awaited any more is U3, fixed once: no second set of survivors is ever asked for.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { complain } from './complaints.ts'
import {
  type Attendance,
  type Awaited,
  dropEvents,
  dropOnCommand,
  findDropouts,
  nextDropoutDue,
  withDropout,
} from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { checked, unlessFault } from './faults.ts'
import { checkInput, loggedInput, readInput } from './masked-input.ts'
import { failedRound } from './over.ts'
import { membersOf, type Planned, plannedOf, sitesNeeded } from './planned.ts'
import { requiredOf } from './required.ts'
import type { OpenRound, Round, RoundCommand, Update } from './round.ts'
import { type MaskingSession, toHex, u3HashOf } from './session.ts'

export type CollectingUpdates = Planned & {
  readonly phase: 'collect-updates'
  readonly sinceMs: number
  readonly announced: ReadonlyMap<SiteName, Update>
  readonly updates: ReadonlyMap<SiteName, Update>
  /** Sites whose late update was refused and recorded. */
  readonly lateSites: ReadonlySet<SiteName>
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

export function evolve(round: CollectingUpdates, event: RoundEvent): Round {
  switch (event.type) {
    case 'update-announced':
      return withInput({ ...round, announced: withUpdate(round.announced, event) }, event)
    case 'update-received':
      return next({ ...round, updates: withUpdate(round.updates, event) })
    case 'site-dropped':
      return next(withDropout(round, event))
    case 'late-update-refused':
      return { ...round, lateSites: new Set([...round.lateSites, event.site]) }
    case 'survivors-fixed': {
      const { updates, lateSites, session } = round
      if (!session) return round
      const { u3Hash, sites: survivors, logHead } = event
      const confirming = { ...session, u3Hash: Buffer.from(u3Hash, 'hex'), survivors, logHead, confirmed: new Map() }
      const sinceMs = Date.parse(event.at)
      return { phase: 'confirm-survivors', ...plannedOf(round), sinceMs, updates, lateSites, session: confirming }
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

/** An upload that comes after its site was dropped: an event, the first time. */
export function refuseLateUpdate(
  round: Planned & { readonly lateSites: ReadonlySet<SiteName>; readonly updates: ReadonlyMap<SiteName, Update> },
  site: SiteName,
  now: Date,
): RoundEvent[] {
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (!dropout || round.lateSites.has(site) || round.updates.has(site)) return []
  const reason = `the site was dropped from this round: ${dropout.reason}`
  return [{ type: 'late-update-refused', at: now.toISOString(), planHash: round.planHash, site, reason }]
}

/**
 * Whether a site may upload this just now: `start` or go on, or `received` where it is here already. Throws
 * `stale-round`, `not-in-cohort` or `update-invalid`, which tell the site what to do.
 */
export function checkUpload(round: OpenRound, site: SiteName, update: Update): 'start' | 'received' {
  if (round.phase === 'recruit' || !round.cohort.includes(site))
    throw new FederationError('not-in-cohort', `${site} is not in the cohort of this round`)
  const received = 'updates' in round ? round.updates.get(site) : undefined
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  // A survivor that is out of the round afterwards stays one: its update is in the sum.
  if (dropout && !received)
    throw new FederationError('stale-round', `this round goes on without ${site}: ${dropout.reason}`)
  if (!('updates' in round))
    throw new FederationError('stale-round', 'updates are not collected yet: wait for the message that asks for them')
  const known = received ?? (round.phase === 'collect-updates' ? round.announced.get(site) : undefined)
  if (known && (known.sha256 !== update.sha256 || known.bytes !== update.bytes))
    throw new FederationError('update-invalid', `${site} announced another update for this round: one a round is taken`)
  return received ? 'received' : 'start'
}

function announce(
  round: CollectingUpdates,
  command: Extract<RoundCommand, { type: 'announce-update' }>,
  now: Date,
): RoundEvent[] {
  const { planHash, site, sha256, bytes, masked } = command
  if (!membersOf(round).includes(site) || round.announced.has(site)) return []
  const event = { type: 'update-announced', at: now.toISOString(), planHash, site, sha256, bytes } as const
  const { session } = round
  if (!session) return [event]
  const result = checked(() => checkInput(session, command))
  return unlessFault(round, site, result, now, () => [{ ...event, ...(masked && { masked: loggedInput(masked) }) }])
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
function next(round: CollectingUpdates): Round {
  if (round.session || membersOf(round).length < sitesNeeded(round) || pending(round).length > 0) return round
  const { updates, lateSites } = round
  return { phase: 'commit', ...plannedOf(round), updates, lateSites }
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
    quorum: sitesNeeded(round),
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
