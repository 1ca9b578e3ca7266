/**
 * A coordinator that evaluates the second model without one of the partners of the first: the difference of the two sums would
 * be that site's test rows. The others refuse the plan before they work for it (E.4), and that evaluation is withheld. The
 * coordinator is left with the one before it, among all.
 */
import { expect, test } from 'vitest'
import { refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const leftOut = 'zurich'
const others = siteNames.filter((site) => site !== leftOut)

test('an evaluation that leaves one of the partners out is refused by all others, and nothing is uploaded for it', async () => {
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (plan?.purpose !== 'evaluate' || plan.round !== 2 || message.type !== 'assignment') return [message]
      if (site === leftOut) return []
      return [
        at.forge(site, message.plan, ({ secure, cohort, ...rest }) => ({
          ...rest,
          cohort: cohort.filter((name) => name !== leftOut),
          secure: { ...secure!, roster: secure!.roster.filter((_, i) => cohort[i] !== leftOut) },
        })),
      ]
    },
  })
  const { state, rounds } = await federation.run({ rounds: 2, evaluation: { bins: 8, everyRounds: 1 } })
  expect(state).toBe('finished')
  expect(rounds[0]).toMatchObject({ accuracy: expect.any(Number) })
  expect(rounds[1]!.withheld).toMatch(/^evaluation withheld: /)
  for (const site of others) expect(refusalsOf(federation, site)).toContain('other-partners')
  const second = [...federation.plans].filter(([, { purpose, round }]) => purpose === 'evaluate' && round === 2)
  const planned = new Set(second.map(([hash]) => hash))
  expect(
    federation.recorded.heard.some(({ message }) => message.type === 'advertise' && planned.has(message.planHash)),
  ).toBe(false)
  expect(await leaks(federation)).toEqual([])
})
