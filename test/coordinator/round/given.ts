/** Given the events of a round, when a command comes, then these events follow: the form in which phases are tested. */

import { planHash } from '@consilium/protos/plan/round-plan.ts'
import { studySchema } from '@consilium/protos/plan/study.ts'
import { expect } from 'vitest'
import type { Attendance, Presence } from '../../../coordinator/round/dropouts.ts'
import type { RoundEvent } from '../../../coordinator/round/events.ts'
import { planOf } from '../../../coordinator/round/recruit.ts'
import {
  decideRound,
  evolveRound,
  type OpenRound,
  type Round,
  type RoundCommand,
  type RoundSetting,
} from '../../../coordinator/round/round.ts'
import { aStudy } from '../../support/a-study.ts'

export const startMs = Date.parse('2026-11-22T10:00:00.000Z')
/** The time `ms` after the round started. */
export const after = (ms: number): Date => new Date(startMs + ms)
const at = (ms: number) => after(ms).toISOString()

const { deadlines } = studySchema.parse({
  ...aStudy,
  deadlines: { recruitMs: 30_000, workMs: 60_000, uploadMs: 20_000, absentMs: 10_000 },
})

export const setting: RoundSetting = {
  run: 'heart-1',
  study: 'a'.repeat(64),
  round: 1,
  purpose: 'train',
  model: 'b'.repeat(64),
  runPublicKey: Buffer.alloc(32, 7).toString('base64'),
  cohort: { min: 3, quorum: 2 },
  deadlines,
  startedAtMs: startMs,
}

export const sites = ['basel', 'cleveland', 'hungary', 'zurich']
export const thePlan = planHash(planOf(setting, sites))

export function recruiting(expected: readonly string[] = sites): OpenRound {
  return { phase: 'recruit', setting, expected, sinceMs: startMs }
}

/** Everybody attends, but for what is said otherwise. */
export function attendance(others: Record<string, Presence> = {}): Attendance {
  return new Map([...sites.map((site) => [site, {}] as const), ...Object.entries(others)])
}

export const look = (others: Record<string, Presence> = {}): RoundCommand => ({
  type: 'look',
  attendance: attendance(others),
})
export const absentSince = (ms: number): Presence => ({ absentSinceMs: startMs + ms })

export const cohortSelected = (ms = 0, cohort = sites): RoundEvent => ({
  type: 'cohort-selected',
  at: at(ms),
  round: 1,
  purpose: 'train',
  cohort,
  planHash: planHash(planOf(setting, cohort)),
})
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
        expect(decideRound(round, command, after(ms))).toEqual(expected)
        return fold(round, expected)
      },
    }),
  }
}
