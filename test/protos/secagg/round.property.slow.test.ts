/**
 * Whole rounds of random cohorts, lengths and dropouts in every phase (Bonawitz et al. 2017): the sum without masks is
 * exactly the integer sum of the survivors, or the round gives nothing at all.
 */
import { readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { defaultColluders, defaultSurvivorsMin } from '@consilium/protos/secagg/thresholds.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  headerPlan,
  maskedBy,
  reveal,
  shareKeys,
  sumOfWords,
  unmask,
  vectors,
  type Words,
  wordsOf,
} from './a-session.ts'

/** The phase up to which a site takes part. */
const phases = ['nothing', 'advertise-keys', 'share-keys', 'collect-updates', 'unmask'] as const
type Phase = (typeof phases)[number]

type Round = { readonly last: readonly Phase[]; readonly length: number; readonly salt: number }

/** Most sites stay to the end, so that rounds which succeed and rounds which fail are both many. */
const rounds = (cohortMax: number, lengthMax: number) =>
  fc.record({
    last: fc.array(
      fc.oneof(
        { weight: 8, arbitrary: fc.constant<Phase>('unmask') },
        { weight: 1, arbitrary: fc.constantFrom(...phases) },
      ),
      { minLength: 3, maxLength: cohortMax },
    ),
    length: fc.integer({ min: 1, max: lengthMax }),
    salt: fc.nat(255),
  })

/** What became of a round: the sum, or the phase that it failed in. */
type Outcome = { readonly sum: Words; readonly survivors: number[] } | { readonly failed: string }

function play({ last, length, salt }: Round): Outcome {
  const upTo = (phase: Phase) => last.flatMap((own, i) => (phases.indexOf(own) >= phases.indexOf(phase) ? [i + 1] : []))
  const plan = { colluders: defaultColluders(last.length), survivorsMin: defaultSurvivorsMin(last.length) }
  const u1 = upTo('advertise-keys')
  const [u2, u3, revealers] = [upTo('share-keys'), upTo('collect-updates'), upTo('unmask')]
  const needed = Math.max(Math.floor((u1.length + plan.colluders) / 2) + 1, plan.survivorsMin, plan.colluders + 2)
  if (u1.length < needed) {
    expect(() => shareKeys(u1, u2, plan, salt)).toThrow(expect.objectContaining({ code: 'cohort-too-small' }))
    return { failed: 'advertise-keys' }
  }
  if (u2.length < needed) return { failed: 'share-keys' }
  const sharing = shareKeys(u1, u2, plan, salt)
  expect(sharing.thresholds.survivorsMin).toBeGreaterThanOrEqual(plan.survivorsMin)
  if (u3.length < sharing.thresholds.survivorsMin) return { failed: 'collect-updates' }
  const uploads = new Map(u3.map((index) => [index, maskedBy(index, wordsOf(index, length, salt), sharing)]))
  const { sum, culprits } = unmask(sharing, uploads, reveal(sharing, u3, revealers))
  expect(culprits).toEqual([])
  if (revealers.length < sharing.thresholds.threshold) {
    expect(sum).toBeUndefined()
    return { failed: 'unmask' }
  }
  return { sum: sum!, survivors: u3 }
}

function expectExactOrNothing(round: Round, seen: Map<string, number>): void {
  const outcome = play(round)
  const name = 'failed' in outcome ? outcome.failed : 'sum'
  seen.set(name, (seen.get(name) ?? 0) + 1)
  if ('failed' in outcome) return
  const { sum, survivors } = outcome
  const expected = sumOfWords(survivors.map((index) => wordsOf(index, round.length, round.salt)))
  for (const vector of vectors)
    expect(Buffer.compare(Buffer.from(sum[vector].buffer), Buffer.from(expected[vector].buffer))).toBe(0)
  expect(readHeaderSum(sum.hdr, survivors.length, headerPlan).weight).toBe(
    survivors.reduce((total, index) => total + 1 + ((index * 37) % 1000), 0),
  )
}

describe('a round yields the exact sum of its survivors or nothing', () => {
  test.for([
    { runs: 850, cohortMax: 8, lengthMax: 300 },
    { runs: 100, cohortMax: 16, lengthMax: 100 },
    { runs: 50, cohortMax: 30, lengthMax: 40 },
    { runs: 30, cohortMax: 6, lengthMax: 70_000 },
  ])('in $runs rounds of up to $cohortMax sites and $lengthMax words', ({ runs, cohortMax, lengthMax }) => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(rounds(cohortMax, lengthMax), (round) => expectExactOrNothing(round, seen)),
      { numRuns: runs },
    )
    expect(seen.get('sum') ?? 0).toBeGreaterThan(runs / 20)
    if (runs === 850)
      expect([...seen.keys()].sort()).toEqual(['advertise-keys', 'collect-updates', 'share-keys', 'sum', 'unmask'])
  })

  test('at the very edge of every threshold', () => {
    for (const sites of [4, 5, 6, 7, 10, 13]) {
      const colluders = defaultColluders(sites)
      const threshold = Math.floor((sites + colluders) / 2) + 1
      const survivorsMin = Math.max(threshold, defaultSurvivorsMin(sites))
      const lastOf = (survivors: number, revealers: number) =>
        Array.from(
          { length: sites },
          (_, i): Phase => (i < revealers ? 'unmask' : i < survivors ? 'collect-updates' : 'share-keys'),
        )
      const round = (survivors: number, revealers: number) => ({
        last: lastOf(survivors, revealers),
        length: 5,
        salt: 1,
      })
      expect(play(round(survivorsMin, threshold))).toHaveProperty('sum')
      expect(play(round(survivorsMin, threshold - 1))).toEqual({ failed: 'unmask' })
      expect(play(round(survivorsMin - 1, survivorsMin - 1))).toEqual({ failed: 'collect-updates' })
    }
  })
})
