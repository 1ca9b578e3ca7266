/** Commit: a bad contribution costs its site the round, not the others; the quorum decides. */
import { describe, expect, test } from 'vitest'
import { survivorsOf } from '../../../coordinator/round/commit.ts'
import type { RoundResult } from '../../../coordinator/round/events.ts'
import { nextDeadline, resumeRound } from '../../../coordinator/round/round.ts'
import {
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
  sites,
  startMs,
  thePlan,
} from './given.ts'

const committing = [
  cohortSelected(),
  ...everybodyDone(),
  // The updates come in another order than the names have.
  ...[...sites].reverse().flatMap((site) => [announced(site), received(site)]),
]
const refuse = (site: string) =>
  ({ type: 'refuse-contribution', planHash: thePlan, site, reason: 'not finite' }) as const
const result: RoundResult = { purpose: 'train', examples: 9, parameters: 'c'.repeat(64), loss: 0.5, clippedSites: 1 }

describe('while a round is committed', () => {
  test('the survivors are sorted, whatever the order in which their updates came', () => {
    const round = open(committing)
    expect(round.phase === 'commit' && survivorsOf(round)).toEqual(sites)
  })

  test('a refused contribution makes its site a dropout, and the rest go on', () => {
    const round = given(committing)
      .when(refuse('basel'))
      .thenEvents(dropped('basel', 'update-invalid', 'not finite'))
    expect(round.phase === 'commit' && survivorsOf(round)).toEqual(sites.slice(1))
    given([...committing, dropped('basel', 'update-invalid', 'not finite')])
      .when(refuse('basel'))
      .thenEvents()
  })

  test('too many refused contributions lose the quorum', () => {
    const two = ['basel', 'zurich'].map((site) => dropped(site, 'update-invalid', 'not finite'))
    given([...committing, ...two])
      .when(refuse('hungary'))
      .thenEvents(
        dropped('hungary', 'update-invalid', 'not finite'),
        failed('quorum-lost', '1 of 2 sites needed are left'),
      )
  })

  test('the result ends the round', () => {
    const round = given([...committing, dropped('basel', 'update-invalid', 'not finite')])
      .when({ type: 'commit', planHash: thePlan, result }, 8)
      .thenEvents({ type: 'round-committed', at: new Date(startMs + 8).toISOString(), planHash: thePlan, result })
    expect(round).toMatchObject({
      phase: 'over',
      survivors: sites.slice(1),
      endedAtMs: startMs + 8,
      outcome: { type: 'committed', result },
    })
  })

  test('it fails where nothing came of the contributions', () => {
    given(committing)
      .when({ type: 'give-up', planHash: thePlan, code: 'update-invalid', reason: 'no site has an example' })
      .thenEvents(failed('update-invalid', 'no site has an example'))
  })

  test('a result for another plan, and looking around, change nothing', () => {
    given(committing)
      .when({ type: 'commit', planHash: 'f'.repeat(64), result })
      .thenEvents()
    given(committing)
      .when(look({ basel: { excluded: 'revoked' } }), 90_000)
      .thenEvents()
  })

  test('nobody is waited for, so there is no deadline, also after a restart', () => {
    const round = resumeRound(open(committing), startMs + 5)
    expect(nextDeadline(round, attendance())).toBeUndefined()
  })
})
