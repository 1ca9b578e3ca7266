/** Work: what should happen: everybody who makes progress is waited for. What should not: one silent site stops the rest. */
import { describe, expect, test } from 'vitest'
import { nextDeadline } from '../../../coordinator/round/round.ts'
import {
  absentSince,
  attendance,
  cohortSelected,
  dropped,
  everybodyDone,
  failed,
  given,
  look,
  open,
  startMs,
  thePlan,
  timeAt,
  workDone,
} from './given.ts'

const finish = (site: string) => ({ type: 'finish-work', planHash: thePlan, site }) as const
const refuse = (site: string, reason: string) => ({ type: 'refuse-work', planHash: thePlan, site, reason }) as const

describe('while the cohort works', () => {
  test('a site that is done is recorded, once', () => {
    given([cohortSelected()]).when(finish('basel'), 7).thenEvents(workDone('basel', 7))
    given([cohortSelected(), workDone('basel')])
      .when(finish('basel'))
      .thenEvents()
  })

  test('when the last one is done, updates are collected', () => {
    const round = given([cohortSelected(), ...everybodyDone().slice(1)])
      .when(finish('basel'), 9)
      .thenEvents(workDone('basel', 9))
    expect(round).toMatchObject({ phase: 'collect-updates', sinceMs: startMs + 9 })
  })

  test('a site outside the cohort, or with another plan, changes nothing', () => {
    given([cohortSelected()]).when(finish('stranger')).thenEvents()
    given([cohortSelected()])
      .when({ type: 'finish-work', planHash: 'f'.repeat(64), site: 'basel' })
      .thenEvents()
  })

  test('a refusal drops the site with its reason', () => {
    given([cohortSelected()])
      .when(refuse('basel', 'data-empty: no rows'))
      .thenEvents(dropped('basel', 'refused', 'data-empty: no rows'))
  })

  test('a dropped site that reports itself done comes too late', () => {
    given([cohortSelected(), dropped('basel', 'absent', 'not connected')])
      .when(finish('basel'))
      .thenEvents()
  })

  test('the round fails at once when refusals put the quorum out of reach', () => {
    given([cohortSelected(), dropped('basel', 'refused', 'no'), dropped('zurich', 'refused', 'no')])
      .when(refuse('hungary', 'no'))
      .thenEvents(dropped('hungary', 'refused', 'no'), failed('quorum-lost', '1 of 2 sites needed are left'))
  })

  test('a site without progress is dropped when its time is over, and not before', () => {
    const progress = { basel: { progressAtMs: startMs + 59_000 }, hungary: { progressAtMs: startMs + 59_000 } }
    const round = [cohortSelected(), workDone('zurich')]
    given(round).when(look(progress), 59_999).thenEvents()
    given(round)
      .when(look(progress), 60_000)
      .thenEvents(dropped('cleveland', 'deadline', 'no progress for 60000 ms', 60_000))
  })

  test('progress moves the deadline of its site', () => {
    const round = open([cohortSelected(), workDone('zurich'), workDone('hungary'), workDone('cleveland')])
    expect(nextDeadline(round, attendance())).toBe(startMs + 60_000)
    expect(nextDeadline(round, attendance({ basel: { progressAtMs: startMs + 5_000 } }))).toBe(startMs + 65_000)
  })

  test('a site that is away has the time of one that is silent, whoever else suffices: it works without a line', () => {
    const away = { basel: absentSince(1_000) }
    const others = everybodyDone().slice(1)
    const round = open([cohortSelected(), ...others])
    expect(nextDeadline(round, attendance(away))).toBe(startMs + 60_000)
    given([], round).when(look(away), 59_999).thenEvents()
    const reason = 'no progress for 60000 ms, not connected since 2026-11-22T10:00:01.000Z'
    given([], round)
      .when(look(away), 60_000)
      .thenEvents(dropped('basel', 'deadline', reason, 60_000))
  })

  test('what a site did before its line broke, and tells once it is back, gives it time anew', () => {
    const round = open([cohortSelected(), ...everybodyDone().slice(1)])
    given([], round)
      .when(look({ basel: { ...absentSince(50_000), progressAtMs: startMs + 50_000 } }), 109_999)
      .thenEvents()
    given([], round)
      .when(look({ basel: { progressAtMs: startMs + 105_000 } }), 164_999)
      .thenEvents()
  })

  test('nobody works longer than a day for one round, however much progress it tells of', () => {
    const round = open([cohortSelected(), ...everybodyDone().slice(1)])
    const dayMs = 24 * 60 * 60 * 1000
    const moving = { basel: { progressAtMs: startMs + dayMs - 1 } }
    expect(nextDeadline(round, attendance(moving))).toBe(startMs + dayMs)
    given([], round)
      .when(look(moving), dayMs - 1)
      .thenEvents()
    given([], round)
      .when(look(moving), dayMs)
      .thenEvents(dropped('basel', 'deadline', `not done after ${dayMs} ms`, dayMs))
  })

  test.for([
    ['revoked', 'its certificate was revoked'],
    ['withdrawn', 'it withdrew its approval'],
    ['refused', 'it refused the study'],
  ] as const)('a site that is %s is dropped at once, also when it was done', ([cause, reason]) => {
    given([cohortSelected(), workDone('basel')])
      .when(look({ basel: { excluded: cause } }), 1)
      .thenEvents(dropped('basel', cause, reason, 1))
  })

  test('dropping the last one that works leads to the next phase', () => {
    const round = given([cohortSelected(), ...everybodyDone().slice(1)])
      .when(look(), 60_000)
      .thenEvents(dropped('basel', 'deadline', 'no progress for 60000 ms', 60_000))
    expect(round.phase).toBe('collect-updates')
  })

  test('when nobody is left the round is over', () => {
    const reason = 'no progress for 60000 ms'
    const round = given([cohortSelected()])
      .when(look(), 60_000)
      .thenEvents(
        ...['basel', 'cleveland', 'hungary', 'zurich'].map((site) => dropped(site, 'deadline', reason, 60_000)),
        failed('quorum-lost', '0 of 2 sites needed are left', 60_000),
      )
    expect(round).toMatchObject({ phase: 'over', outcome: { type: 'failed', code: 'quorum-lost' }, survivors: [] })
    expect(timeAt(60_000).getTime()).toBe(round.phase === 'over' ? round.endedAtMs : 0)
  })
})
