/**
 * A coordinator that shows a change of partners which the lead did not sign, or the leaver did not. It is left with the partners
 * it had: without one of them the evaluation is withheld.
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
          { type: 'partner-change', signed, words, heard: true },
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
