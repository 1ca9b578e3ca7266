/** Sites that a study requires: waited for, whoever else is there; and no round counts without them. */
import { describe, expect, test } from 'vitest'
import { nextDeadline } from '../../../coordinator/round/round.ts'
import type { RoundSetting } from '../../../coordinator/round/setting.ts'
import {
  absentSince,
  attendance,
  cohortSelected,
  dropped,
  failed,
  given,
  look,
  open,
  recruiting,
  setting,
  sites,
  startMs,
} from './given.ts'

const requiring = (require: 'all' | string[]): RoundSetting => ({ ...setting, cohort: { ...setting.cohort, require } })
const zurich = requiring(['zurich'])
const away = { zurich: absentSince(0) }
const dayMs = 24 * 60 * 60 * 1000

describe('as a round recruits', () => {
  test('a required site is waited for without a deadline, and the round begins when it is there', () => {
    const round = recruiting(sites, zurich)
    given([], round).when(look(away), dayMs).thenEvents()
    expect(nextDeadline(round, attendance(away))).toBe(Number.POSITIVE_INFINITY)
    expect(nextDeadline(round, attendance())).toBe(startMs + 30_000)
    given([], round)
      .when(look(), dayMs)
      .thenEvents(cohortSelected(dayMs, sites, zurich))
  })

  test('the others are waited for until the deadline, as ever', () => {
    given([], recruiting(sites, zurich))
      .when(look({ basel: absentSince(0) }), 30_000)
      .thenEvents(cohortSelected(30_000, sites.slice(1), zurich))
  })

  test('all: every site that approved and has not left, and no other', () => {
    const all = requiring('all')
    given([], recruiting(sites, all)).when(look(away), dayMs).thenEvents()
    given([], recruiting(sites.slice(0, 3), all))
      .when(look({ ...away, basel: { excluded: 'withdrawn' } }), dayMs)
      .thenEvents()
    given([], recruiting(sites, all))
      .when(look({ basel: { excluded: 'withdrawn' } }), 0)
      .thenEvents(cohortSelected(0, sites.slice(1), all))
  })

  test('a required site that may not come any more fails the round at once', () => {
    given([], recruiting(sites, zurich))
      .when(look({ zurich: { excluded: 'revoked' } }), 1)
      .thenEvents(failed('cohort-too-small', 'the study requires zurich: its certificate was revoked', 1))
    given([], recruiting(sites, requiring(['geneva'])))
      .when(look(), 1)
      .thenEvents(failed('cohort-too-small', 'the study requires geneva: it has not approved the study', 1))
  })
})

describe('in a round', () => {
  const { planHash } = cohortSelected(0, sites, zurich)
  const at = (event: ReturnType<typeof dropped>) => ({ ...event, planHash })
  const start = recruiting(sites, zurich)
  const begun = [cohortSelected(0, sites, zurich)]

  test('the first required site that drops out fails it, though the others suffice', () => {
    given(begun, start)
      .when({ type: 'refuse-work', planHash, site: 'zurich', reason: 'data-empty: no rows' })
      .thenEvents(
        at(dropped('zurich', 'refused', 'data-empty: no rows')),
        failed('quorum-lost', 'the study requires zurich, which dropped out: refused, data-empty: no rows'),
      )
    given(begun, start)
      .when({ type: 'refuse-work', planHash, site: 'basel', reason: 'no' })
      .thenEvents(at(dropped('basel', 'refused', 'no')))
  })

  test('its being away is borne as long as its silence, and that of the others as before', () => {
    const done = sites.map(
      (site) => ({ type: 'work-done', at: new Date(startMs).toISOString(), planHash, site }) as const,
    )
    const collecting = open([...begun, ...done], start)
    expect(collecting.phase).toBe('collect-updates')
    given([], collecting)
      .when(look({ ...away, basel: absentSince(0) }), 10_000)
      .thenEvents(at(dropped('basel', 'absent', 'not connected for 10000 ms', 10_000)))
    expect(nextDeadline(collecting, attendance(away))).toBe(startMs + 20_000)
  })
})
