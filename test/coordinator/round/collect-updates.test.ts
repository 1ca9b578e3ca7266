/**
 * Collect updates: what should happen: one update of each site, in any order, once. What should not: a late, second or
 * foreign update that changes the round, or an upload that stands still and stops it.
 */
import { errorCode } from '@consilium/protos/errors.ts'
import { describe, expect, test } from 'vitest'
import { checkUpload } from '../../../coordinator/round/check-upload.ts'
import { nextDeadline, resumeRound } from '../../../coordinator/round/round.ts'
import {
  absentSince,
  announced,
  attendance,
  cohortSelected,
  dropped,
  everybodyDone,
  failed,
  given,
  look,
  open,
  received,
  recruiting,
  sites,
  startMs,
  thePlan,
  update,
} from './given.ts'

const collecting = [cohortSelected(), ...everybodyDone()]
const announce = (site: string) => ({ type: 'announce-update', planHash: thePlan, site, ...update(site) }) as const
const receive = (site: string) => ({ type: 'receive-update', planHash: thePlan, site, ...update(site) }) as const

describe('while updates are collected', () => {
  test('a site announces its update and delivers it', () => {
    given(collecting).when(announce('basel'), 3).thenEvents(announced('basel', 3))
    given([...collecting, announced('basel')])
      .when(receive('basel'), 4)
      .thenEvents(received('basel', 4))
  })

  test('announcing and delivering again changes nothing', () => {
    const delivered = [...collecting, announced('basel'), received('basel')]
    given(delivered).when(announce('basel')).thenEvents()
    given(delivered).when(receive('basel')).thenEvents()
  })

  test('an update that was not announced is not taken', () => {
    given(collecting).when(receive('basel')).thenEvents()
    given([...collecting, announced('basel')])
      .when({ ...receive('basel'), sha256: 'f'.repeat(64) })
      .thenEvents()
  })

  test('with the last update the survivors are known', () => {
    const others = sites.slice(1).flatMap((site) => [announced(site), received(site)])
    const round = given([...collecting, announced('basel'), ...others])
      .when(receive('basel'))
      .thenEvents(received('basel'))
    expect(round).toMatchObject({ phase: 'commit' })
  })

  test('an upload that stands still is dropped after its time; bytes that arrive move it', () => {
    const three = sites.slice(1).flatMap((site) => [announced(site), received(site)])
    const round = open([...collecting, ...three])
    expect(nextDeadline(round, attendance({ basel: { progressAtMs: startMs + 4_000 } }))).toBe(startMs + 24_000)
    given([...collecting, ...three])
      .when(look({ basel: { progressAtMs: startMs + 4_000 } }), 23_999)
      .thenEvents()
    const moved = given([...collecting, ...three])
      .when(look({ basel: { progressAtMs: startMs + 4_000 } }), 24_000)
      .thenEvents(dropped('basel', 'deadline', 'no progress for 20000 ms', 24_000))
    expect(moved.phase).toBe('commit')
  })

  test('a site that is away is dropped soon while the others suffice, unless its upload goes on', () => {
    given(collecting)
      .when(look({ basel: absentSince(0) }), 10_000)
      .thenEvents(dropped('basel', 'absent', 'not connected for 10000 ms', 10_000))
    given(collecting)
      .when(look({ basel: { ...absentSince(0), progressAtMs: startMs + 1 } }), 10_000)
      .thenEvents()
  })

  test('a site revoked after its update came in stays a survivor; one revoked before does not', () => {
    given([...collecting, announced('basel'), received('basel')])
      .when(look({ basel: { excluded: 'revoked' }, zurich: { excluded: 'revoked' } }), 1)
      .thenEvents(dropped('zurich', 'revoked', 'its certificate was revoked', 1))
  })

  test('the round fails when the quorum cannot upload', () => {
    const events = [...collecting, dropped('basel', 'absent', 'away'), dropped('zurich', 'absent', 'away')]
    const round = given([...events, announced('hungary'), received('hungary')])
      .when(look(), 20_000)
      .thenEvents(
        dropped('cleveland', 'deadline', 'no progress for 20000 ms', 20_000),
        failed('quorum-lost', '1 of 2 sites needed are left', 20_000),
      )
    expect(round).toMatchObject({ phase: 'over', outcome: { type: 'failed' } })
    // The update that came in is of no more use, and known so that it can be deleted.
    expect(round.phase === 'over' && [...round.updates.keys()]).toEqual(['hungary'])
  })

  test('an upload after its site was dropped is recorded once, and changes nothing', () => {
    const late = { type: 'refuse-late-update', planHash: thePlan, site: 'basel' } as const
    const events = [...collecting, dropped('basel', 'absent', 'away')]
    const round = given(events)
      .when(late, 5)
      .thenEvents({
        type: 'late-update-refused',
        at: new Date(startMs + 5).toISOString(),
        planHash: thePlan,
        site: 'basel',
        reason: 'the site was dropped from this round: away',
      })
    if (round.phase === 'over') throw new Error('over')
    given([], round).when(late, 6).thenEvents()
    given(collecting).when(late).thenEvents()
  })

  test('after a restart an upload has its whole time again', () => {
    const round = resumeRound(open(collecting), startMs + 19_000)
    expect(nextDeadline(round, attendance())).toBe(startMs + 39_000)
  })
})

describe('whether a site may upload', () => {
  const refusal = (work: () => unknown) => {
    try {
      return work()
    } catch (error) {
      return errorCode(error)
    }
  }

  test('starts while updates are collected, and is done once it is there', () => {
    expect(checkUpload(open(collecting), 'basel', update('basel'))).toBe('start')
    expect(checkUpload(open([...collecting, announced('basel')]), 'basel', update('basel'))).toBe('start')
    const delivered = open([...collecting, announced('basel'), received('basel')])
    expect(checkUpload(delivered, 'basel', update('basel'))).toBe('received')
  })

  test.for([
    ['before a cohort is there', recruiting(), 'basel', 'not-in-cohort'],
    ['outside the cohort', open(collecting), 'stranger', 'not-in-cohort'],
    ['before updates are collected', open([cohortSelected()]), 'basel', 'stale-round'],
    ['after it was dropped', open([...collecting, dropped('basel', 'absent', 'away')]), 'basel', 'stale-round'],
    ['after it announced another one', open([...collecting, announced('basel')]), 'basel', 'update-invalid'],
    [
      'after it delivered another one',
      open([...collecting, announced('basel'), received('basel')]),
      'basel',
      'update-invalid',
    ],
  ] as const)('no: %s', ([, round, site, code]) => {
    expect(refusal(() => checkUpload(round, site, { sha256: 'f'.repeat(64), bytes: 1 }))).toBe(code)
  })
})
