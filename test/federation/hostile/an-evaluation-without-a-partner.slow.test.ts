/**
 * A coordinator that evaluates the second model without one of the partners of the first: the difference of the two sums would
 * be that site's test rows. The others refuse the plan before they work for it (E.4), and that evaluation is withheld. The
 * coordinator is left with the one before it, among all.
 */
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test, vi } from 'vitest'
import { gatherRefusals, refusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { evaluatedAt, evaluationsIn, less } from '../../support/hostile/differences.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { among, planning } from '../../support/hostile/own-plans.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { withoutCheck } from '../../support/hostile/without-check.ts'

vi.mock(import('@consilium/site-agent/round/other-partners.ts'), async (original) =>
  (await import('../../support/hostile/without-check.ts')).switchable(await original(), 'checkAmongPartners'),
)
vi.mock(import('@consilium/coordinator/round/select-cohort.ts'), async (original) =>
  (await import('../../support/hostile/own-plans.ts')).bendable(await original()),
)

const leftOut = 'zurich'
const others = siteNames.filter((site) => site !== leftOut)
const study = { rounds: 2, evaluation: { bins: 8, everyRounds: 1 } }
const isSecond = ({ purpose, round }: RoundPlan) => purpose === 'evaluate' && round === 2
const withoutOne = (plan: RoundPlan) => (isSecond(plan) ? among(others, plan) : plan)

test('control: at sites that do not look whom they were among, the difference is the test rows of the one left out', () =>
  withoutCheck('checkAmongPartners', () =>
    planning(withoutOne, async () => {
      await using federation = await hostileFederation()
      const { run, state } = await federation.run(study)
      expect(state).toBe('finished')
      const [all, fewer] = await evaluationsIn(federation, run)
      expect(less(all, fewer)).toEqual(evaluatedAt(leftOut))
      expect(refusals(federation)).toEqual([])
    }),
  ))

test('an evaluation that leaves one of the partners out is refused by all others, and nothing is uploaded for it', () =>
  planning(withoutOne, async () => {
    await using federation = await hostileFederation({ fromSite: gatherRefusals(others.length) })
    const { run, state, rounds } = await federation.run(study)
    expect(state).toBe('finished')
    expect(rounds[0]).toMatchObject({ accuracy: expect.any(Number) })
    expect(rounds[1]!.withheld).toMatch(/^evaluation withheld: /)
    expect(await evaluationsIn(federation, run)).toHaveLength(1)
    for (const site of others) expect(refusalsOf(federation, site)).toContain('other-partners')
    const second = [...federation.plans].filter(([, plan]) => isSecond(plan))
    expect(second.map(([, { cohort }]) => cohort)).toEqual([others])
    const planned = new Set(second.map(([hash]) => hash))
    expect(
      federation.recorded.heard.some(({ message }) => message.type === 'advertise' && planned.has(message.planHash)),
    ).toBe(false)
    expect(await leaks(federation)).toEqual([])
  }))
