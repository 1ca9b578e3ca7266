/**
 * Collect updates: every site that finished its work uploads its sealed update, in chunks that go on where a cut left
 * them. A site announces the hash first, and there is one update per site and round (fedsum, check S7).
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import {
  type Attendance,
  type Awaited,
  type Dropout,
  dropEvents,
  findDropouts,
  membersOf,
  nextDropoutDue,
} from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { failedRound } from './over.ts'
import type { OpenRound, Round, RoundCommand, RoundSetting, Update } from './round.ts'

export type CollectingUpdates = {
  readonly phase: 'collect-updates'
  readonly setting: RoundSetting
  readonly planHash: Sha256
  readonly cohort: readonly SiteName[]
  readonly sinceMs: number
  readonly announced: ReadonlyMap<SiteName, Update>
  readonly updates: ReadonlyMap<SiteName, Update>
  readonly dropouts: readonly Dropout[]
  /** Sites whose late update was refused and recorded. */
  readonly lateSites: ReadonlySet<SiteName>
}

export function decide(round: CollectingUpdates, command: RoundCommand, now: Date): RoundEvent[] {
  const at = now.toISOString()
  const { planHash } = round
  const members = membersOf(round)
  switch (command.type) {
    case 'look':
      return dropEvents(round, members.length, findDropouts(awaited(round), command.attendance, now), now)
    case 'announce-update': {
      const { site, sha256, bytes } = command
      if (!members.includes(site) || round.announced.has(site)) return []
      return [{ type: 'update-announced', at, planHash, site, sha256, bytes }]
    }
    case 'receive-update': {
      const { site, sha256, bytes } = command
      if (!members.includes(site) || round.updates.has(site) || round.announced.get(site)?.sha256 !== sha256) return []
      return [{ type: 'update-received', at, planHash, site, sha256, bytes }]
    }
    case 'refuse-work': {
      const { site, reason } = command
      if (!members.includes(site) || round.updates.has(site)) return []
      return dropEvents(round, members.length, [{ site, cause: 'refused', reason }], now)
    }
    case 'refuse-late-update':
      return refuseLateUpdate(round, command.site, now)
    default:
      return []
  }
}

export function evolve(round: CollectingUpdates, event: RoundEvent): Round {
  switch (event.type) {
    case 'update-announced':
      return { ...round, announced: withUpdate(round.announced, event) }
    case 'update-received':
      return next({ ...round, updates: withUpdate(round.updates, event) })
    case 'site-dropped': {
      const { site, cause, reason } = event
      return next({ ...round, dropouts: [...round.dropouts, { site, cause, reason }] })
    }
    case 'late-update-refused':
      return { ...round, lateSites: new Set([...round.lateSites, event.site]) }
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
  round: {
    readonly planHash: Sha256
    readonly dropouts: readonly Dropout[]
    readonly lateSites: ReadonlySet<SiteName>
  },
  site: SiteName,
  now: Date,
): RoundEvent[] {
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (!dropout || round.lateSites.has(site)) return []
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
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (dropout) throw new FederationError('stale-round', `this round goes on without ${site}: ${dropout.reason}`)
  if (round.phase === 'work')
    throw new FederationError('stale-round', 'updates are not collected yet: wait for the message that asks for them')
  const received = round.updates.get(site)
  const known = received ?? (round.phase === 'collect-updates' ? round.announced.get(site) : undefined)
  if (known && (known.sha256 !== update.sha256 || known.bytes !== update.bytes))
    throw new FederationError('update-invalid', `${site} announced another update for this round: one a round is taken`)
  return received ? 'received' : 'start'
}

function next(round: CollectingUpdates): Round {
  const members = membersOf(round)
  if (members.length < round.setting.cohort.quorum || members.some((site) => !round.updates.has(site))) return round
  const { setting, planHash, cohort, updates, dropouts, lateSites } = round
  return { phase: 'commit', setting, planHash, cohort, updates, dropouts, lateSites }
}

function awaited(round: CollectingUpdates): Awaited {
  const members = membersOf(round)
  const { cohort, deadlines } = round.setting
  const pending = members.filter((site) => !round.updates.has(site))
  return {
    sites: pending,
    excludable: pending,
    remaining: members.length,
    quorum: cohort.quorum,
    sinceMs: round.sinceMs,
    silentMs: deadlines.uploadMs,
    absentMs: deadlines.absentMs,
  }
}

function withUpdate(
  updates: ReadonlyMap<SiteName, Update>,
  event: { readonly site: SiteName } & Update,
): ReadonlyMap<SiteName, Update> {
  return new Map([...updates, [event.site, { sha256: event.sha256, bytes: event.bytes }]])
}
