/** Recruit: who is waited for, and for how long. */

import { identityFromSeed } from '@consilium/protos/identity.ts'
import { readRoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { describe, expect, test } from 'vitest'
import { planOf } from '../../../coordinator/round/recruit.ts'
import { nextDeadline, resumeRound } from '../../../coordinator/round/round.ts'
import {
  absentSince,
  attendance,
  cohortSelected,
  failed,
  given,
  look,
  open,
  recruiting,
  setting,
  sites,
  startMs,
  thePlan,
} from './given.ts'

describe('while a round recruits', () => {
  test('the cohort is fixed as soon as every expected site attends', () => {
    const round = given([]).when(look(), 5).thenEvents(cohortSelected(5))
    expect(round).toMatchObject({ phase: 'work', cohort: sites, planHash: thePlan, sinceMs: startMs + 5 })
  })

  test('it waits for an expected site that is away', () => {
    given([])
      .when(look({ zurich: absentSince(0) }), 29_999)
      .thenEvents()
  })

  test('at the deadline it starts with those that attend', () => {
    given([])
      .when(look({ zurich: absentSince(0) }), 30_000)
      .thenEvents(cohortSelected(30_000, ['basel', 'cleveland', 'hungary']))
    expect(nextDeadline(recruiting(), attendance())).toBe(startMs + 30_000)
  })

  test('at the deadline it fails where too few attend, and names who is missing', () => {
    given([])
      .when(look({ hungary: absentSince(0), zurich: absentSince(0) }), 30_000)
      .thenEvents(failed('cohort-too-small', '2 of at least 3 sites attend; missing: hungary, zurich', 30_000))
  })

  test('whoever attends joins, also when it was not expected', () => {
    given([], recruiting(['basel', 'cleveland', 'hungary']))
      .when(look(), 0)
      .thenEvents(cohortSelected(0))
  })

  test('a site that was revoked or withdrew is neither waited for nor taken', () => {
    given([])
      .when(look({ zurich: { excluded: 'revoked' } }), 0)
      .thenEvents(cohortSelected(0, ['basel', 'cleveland', 'hungary']))
  })

  test('messages about the work of another round change nothing', () => {
    given([]).when({ type: 'finish-work', planHash: thePlan, site: 'basel' }).thenEvents()
    given([]).when({ type: 'refuse-work', planHash: thePlan, site: 'basel', reason: 'no' }).thenEvents()
  })

  test('after a restart it has its whole time again', () => {
    const round = resumeRound(open([]), startMs + 25_000)
    expect(nextDeadline(round, attendance())).toBe(startMs + 55_000)
    given([], round)
      .when(look({ zurich: absentSince(0) }), 54_999)
      .thenEvents()
  })
})

test('the plan is a valid one, the same whenever it is built, and another for another cohort', () => {
  const coordinator = identityFromSeed(new Uint8Array(32).fill(3))
  const signed = signRoundPlan(planOf(setting, sites), coordinator)
  expect(readRoundPlan(signed, coordinator.publicKey)).toEqual(planOf({ ...setting }, [...sites]))
  expect(planOf(setting, sites.slice(1))).not.toEqual(planOf(setting, sites))
})
