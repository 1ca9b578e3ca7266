/** Given the events of a round, when a command comes, then these events follow: the form in which phases are tested. */
import { createHash } from 'node:crypto'
import { type Identity, identityFromSeed } from '@consilium/protos/identity.ts'
import { studySchema } from '@consilium/protos/plan/study.ts'
import { expect } from 'vitest'
import type { RoundCommand } from '../../../coordinator/round/commands.ts'
import type { EventOf, RoundEvent } from '../../../coordinator/round/events.ts'
import type { Attendance, Presence } from '../../../coordinator/round/presence.ts'
import { decideRound, evolveRound, type OpenRound, type Round } from '../../../coordinator/round/round.ts'
import type { RoundSetting } from '../../../coordinator/round/setting.ts'
import { aStudy } from '../../support/a-study.ts'

export const startMs = Date.parse('2026-11-22T10:00:00.000Z')
/** The time `ms` after the round started. */
export const timeAt = (ms: number): Date => new Date(startMs + ms)
const at = (ms: number) => timeAt(ms).toISOString()

const { deadlines } = studySchema.parse({
  ...aStudy,
  deadlines: { recruitMs: 30_000, workMs: 60_000, uploadMs: 20_000, keysMs: 15_000, absentMs: 10_000 },
})

/** Sealed: the four phases without masks. */
export const setting: RoundSetting = {
  run: 'heart-1',
  study: 'a'.repeat(64),
  round: 1,
  purpose: 'train',
  model: 'b'.repeat(64),
  runPublicKey: Buffer.alloc(32, 7).toString('base64'),
  aggregation: { mode: 'sealed' },
  vectors: [],
  cohort: { min: 3, quorum: 2 },
  deadlines,
  startedAtMs: startMs,
}

export const sites = ['basel', 'cleveland', 'hungary', 'zurich']
/** The identity of a site, the same in every test. */
export function identityOf(site: string): Identity {
  const known = identities.get(site) ?? identityFromSeed(createHash('sha256').update(site).digest())
  identities.set(site, known)
  return known
}
const identities = new Map<string, Identity>()

export const logHead = { size: 9, root: 'e'.repeat(64) }

export function recruiting(expected: readonly string[] = sites, of: RoundSetting = setting): OpenRound {
  return { phase: 'recruit', setting: of, expected, sinceMs: startMs }
}

export type Shown = Omit<Presence, 'identityPublicKey'>

const keyOf = (site: string) => Buffer.from(identityOf(site).publicKey).toString('base64')

/** Everybody attends and has pinned everybody, but for what is said otherwise. */
export function attendance(others: Record<string, Shown> = {}, names: readonly string[] = sites): Attendance {
  const shown = Object.entries({ ...Object.fromEntries(names.map((site) => [site, {}])), ...others })
  const pins = new Map(shown.map(([site]) => [site, keyOf(site)]))
  return new Map(shown.map(([site, presence]) => [site, { identityPublicKey: keyOf(site), pins, ...presence }]))
}

export const look = (others: Record<string, Shown> = {}, names: readonly string[] = sites): RoundCommand => ({
  type: 'look',
  attendance: attendance(others, names),
  logHead,
})
export const absentSince = (ms: number): Shown => ({ absentSinceMs: startMs + ms })

/** Recruits this cohort: what the event says of it follows from the setting. */
export function cohortSelected(ms = 0, cohort: readonly string[] = sites, of = setting): EventOf<'cohort-selected'> {
  const [event] = decideRound(recruiting(cohort, of), look({}, cohort), timeAt(ms))
  if (event?.type !== 'cohort-selected') throw new Error(`no cohort: ${event?.type}`)
  return event
}
export const thePlan = cohortSelected().planHash
export const workDone = (site: string, ms = 0): RoundEvent => ({
  type: 'work-done',
  at: at(ms),
  planHash: thePlan,
  site,
})
export const everybodyDone = (ms = 0): RoundEvent[] => sites.map((site) => workDone(site, ms))
export const update = (site: string) => ({
  sha256: Buffer.from(site.padEnd(32)).toString('hex'),
  bytes: 100 + site.length,
})
const ofSite = (site: string, ms: number) => ({ at: at(ms), planHash: thePlan, site })
export const announced = (site: string, ms = 0): RoundEvent => ({
  type: 'update-announced',
  ...ofSite(site, ms),
  ...update(site),
})
export const received = (site: string, ms = 0): RoundEvent => ({
  type: 'update-received',
  ...ofSite(site, ms),
  ...update(site),
})
export const dropped = (
  site: string,
  cause: Extract<RoundEvent, { type: 'site-dropped' }>['cause'],
  reason: string,
  ms = 0,
): RoundEvent => ({ type: 'site-dropped', ...ofSite(site, ms), cause, reason })
export const failed = (
  code: Extract<RoundEvent, { type: 'round-failed' }>['code'],
  reason: string,
  ms = 0,
): RoundEvent => ({ type: 'round-failed', at: at(ms), round: 1, purpose: 'train', code, reason })

export function fold(round: OpenRound, events: readonly RoundEvent[]): Round {
  return events.reduce<Round>((state, event) => {
    if (state.phase === 'over') throw new Error(`an event after the end: ${event.type}`)
    return evolveRound(state, event)
  }, round)
}

/** The state after `events`, which must be an open round. */
export function open(events: readonly RoundEvent[], start: OpenRound = recruiting()): OpenRound {
  const round = fold(start, events)
  if (round.phase === 'over') throw new Error('the round is over')
  return round
}

export function given(events: readonly RoundEvent[], start: OpenRound = recruiting()) {
  const round = open(events, start)
  return {
    when: (command: RoundCommand, ms = 0) => ({
      thenEvents: (...expected: readonly RoundEvent[]) => {
        expect(decideRound(round, command, timeAt(ms))).toEqual(expected)
        return fold(round, expected)
      },
    }),
  }
}
