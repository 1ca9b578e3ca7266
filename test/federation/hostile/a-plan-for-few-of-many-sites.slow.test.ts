/**
 * A coordinator that plans a round of four for a study of seven, with the thresholds of four: check S1 ends it. By them a sum
 * of three would do, of which two work with the coordinator; the study's own leave two that do not in any sum.
 */
import { expect, test, vi } from 'vitest'
import { attackEachRound, refusalsOf, refused } from '../../support/hostile/attacks.ts'
import { forged, secure } from '../../support/hostile/bent-plan.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import type { Lies } from '../../support/hostile/lying.ts'
import { planning } from '../../support/hostile/own-plans.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { withoutCheck } from '../../support/hostile/without-check.ts'

vi.mock(import('@consilium/site-agent/round/plan-thresholds.ts'), async (original) =>
  (await import('../../support/hostile/without-check.ts')).switchable(await original(), 'checkThresholds'),
)
vi.mock(import('@consilium/coordinator/round/select-cohort.ts'), async (original) =>
  (await import('../../support/hostile/own-plans.ts')).bendable(await original()),
)

// Four sites of seven: of their own they would be four of which one may collude.
const cohort = { planned: 7, min: 4, quorum: 3 } as const
const ofFour = { colluders: 1, survivorsMin: 3 } as const

/** Two sites work with the coordinator, which takes one of the others for one that gave up. */
const two: Lies = {
  sites: { basel: {}, cleveland: {} },
  fromSite({ site, message }) {
    if (site !== 'hungary' || message.type !== 'work-done') return [message]
    return [{ type: 'refusal', planHash: message.planHash, code: 'data-not-ready' }]
  },
}

test('control: at sites that take the thresholds of the plan, two that collude leave the update of the third', () =>
  withoutCheck('checkThresholds', () =>
    planning(secure(ofFour), async () => {
      await using federation = await hostileFederation(two)
      const { rounds } = await federation.run({ cohort })
      expect(rounds[0]!.survivors).toEqual(['basel', 'cleveland', 'zurich'])
      expect(await leaks(federation)).toContain('the update of zurich in round 1 is zurich')
    }),
  ))

test('the same is refused by the sites that do not collude, and nothing of theirs is uploaded', () =>
  planning(secure(ofFour), async () => {
    await using federation = await hostileFederation(two)
    expect((await federation.run({ cohort })).state).toBe('failed')
    for (const site of ['hungary', 'zurich']) expect(refusalsOf(federation, site)).toEqual(['thresholds-refused'])
    expect(federation.recorded.uploads).toEqual([])
    expect(await leaks(federation)).toEqual([])
  }))

test('a plan for few of the many sites a study is planned for has the thresholds of the study, or is refused', async () => {
  const fewer = [
    { what: 'the colluders of four sites', ...forged('thresholds-refused', secure({ colluders: 1 })) },
    { what: 'the survivors of four sites', ...forged('thresholds-refused', secure({ survivorsMin: 3 })) },
  ]
  const { results, leaks: found } = await attackEachRound('assignment', fewer, { cohort: { planned: 7, min: 4 } })
  expect({ results, leaks: found }).toMatchObject({ results: refused(fewer).results, leaks: [] })
})
