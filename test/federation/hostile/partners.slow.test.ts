/**
 * A coordinator that evaluates once with all sites and then leaves one of them out: the difference would be that site's test
 * rows. Every site has settled on its partners, and refuses the plan before it works for it (E.4).
 */
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { type PartnerChange, signPartnerChange, signPartnerWord } from '@consilium/protos/plan/partner-change.ts'
import { expect, test } from 'vitest'
import { refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const lead = identityFromSeed(new Uint8Array(32).fill(5))
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

test('a change of partners that the lead did not sign, or the leaver did not, brings no evaluation without it', async () => {
  for (const by of [identityFromSeed(new Uint8Array(32).fill(6)), lead]) {
    await using federation = await hostileFederation({
      toSite({ site, message }, at) {
        const plan = at.planOf(message)
        if (plan?.purpose !== 'evaluate' || plan.round !== 2 || message.type !== 'assignment') return [message]
        if (site === leftOut) return []
        const sets: PartnerChange['sets'] = [{ purpose: 'evaluate', before: [...siteNames], after: others }]
        const signed = signPartnerChange({ format: 1, study: plan.study, number: 1, sets }, by)
        // The leave that it says is of the leaver is signed by a site that works with it.
        const word = { word: 'leave', study: plan.study, since: 0, purposes: ['evaluate'] } as const
        const words = [{ ...signPartnerWord(word, at.joined.get('basel')!.identity), site: leftOut }]
        return [
          { type: 'partner-change', signed, words },
          at.forge(site, message.plan, ({ secure, cohort, ...rest }) => ({
            ...rest,
            cohort: cohort.filter((name) => name !== leftOut),
            secure: { ...secure!, roster: secure!.roster.filter((_, i) => cohort[i] !== leftOut) },
          })),
        ]
      },
    })
    const { rounds } = await federation.run({ rounds: 2, evaluation: { bins: 8, everyRounds: 1 } })
    expect(rounds[1]!.withheld).toMatch(/^evaluation withheld: /)
    for (const site of others) {
      expect(refusalsOf(federation, site)).toContain('other-partners')
      const said = federation.agents
        .get(site)!
        .events.filter(({ type }) => type === 'trouble' || type === 'partners-asked')
      expect(said).toMatchObject([
        by === lead ? { reason: expect.stringMatching(/^zurich has not signed/) } : { code: 'signature-invalid' },
      ])
    }
    expect(await leaks(federation)).toEqual([])
  }
})
