/**
 * A coordinator that shows a change of partners which the lead did not sign, or the leaver did not. It is left with the partners
 * it had: without one of them the evaluation is withheld.
 */
import { type Identity, identityFromSeed } from '@consilium/protos/identity.ts'
import { type PartnerChange, signPartnerChange, signPartnerWord } from '@consilium/protos/plan/partner-change.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test, vi } from 'vitest'
import { gatherRefusals, refusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { evaluatedAt, evaluationsIn, less } from '../../support/hostile/differences.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import type { Lies } from '../../support/hostile/lying.ts'
import { among, planning } from '../../support/hostile/own-plans.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { withoutCheck } from '../../support/hostile/without-check.ts'

vi.mock(import('@consilium/protos/plan/partner-change.ts'), async (original) => {
  const [{ switchable }, module] = [await import('../../support/hostile/without-check.ts'), await original()]
  const anyLead = switchable(module, 'checkPartnerChange', ({ bytes }) => module.parsePartnerChange(bytes))
  return switchable(anyLead, 'verifyPartnerWord', () => true)
})
vi.mock(import('@consilium/coordinator/round/select-cohort.ts'), async (original) =>
  (await import('../../support/hostile/own-plans.ts')).bendable(await original()),
)

const lead = identityFromSeed(new Uint8Array(32).fill(5))
const leftOut = 'zurich'
const others = siteNames.filter((site) => site !== leftOut)
const study = { rounds: 2, evaluation: { bins: 8, everyRounds: 1 } }

type Signers = {
  readonly what: string
  /** Who signs as the lead, and which site as the one that leaves. */
  readonly by: Identity
  readonly leaver: string
  /** The check that stops it, and what the sites say. */
  readonly check: string
  readonly said: object
}

const lies: readonly Signers[] = [
  {
    what: 'the lead did not sign',
    by: identityFromSeed(new Uint8Array(32).fill(6)),
    leaver: leftOut,
    check: 'checkPartnerChange',
    said: { type: 'trouble', code: 'signature-invalid' },
  },
  {
    what: 'the leaver did not sign',
    by: lead,
    leaver: 'basel',
    check: 'verifyPartnerWord',
    said: { type: 'partners-asked', reason: expect.stringMatching(/^zurich has not signed/) },
  },
]

test.for(lies)(
  'control: by a change that $what, at sites that do not check it, the test rows of the one left out are known',
  ({ check, ...signers }) =>
    withoutCheck(check, () =>
      planning(withoutOne, async () => {
        await using federation = await hostileFederation(showing(signers))
        const { run } = await federation.run(study)
        const [all, fewer] = await evaluationsIn(federation, run)
        expect(less(all, fewer)).toEqual(evaluatedAt(leftOut))
        expect(refusals(federation)).toEqual([])
      }),
    ),
)

test.for(lies)('a change of partners that $what brings no evaluation without it', ({ said, ...signers }) =>
  planning(withoutOne, async () => {
    const fromSite = gatherRefusals(others.length)
    await using federation = await hostileFederation({ ...showing(signers), fromSite })
    const { rounds } = await federation.run(study)
    expect(rounds[1]!.withheld).toMatch(/^evaluation withheld: /)
    for (const site of others) {
      expect(refusalsOf(federation, site)).toContain('other-partners')
      const { events } = federation.agents.get(site)!
      expect(events.filter(({ type }) => type === 'trouble' || type === 'partners-asked')).toMatchObject([said])
    }
    expect(await leaks(federation)).toEqual([])
  }),
)

function withoutOne(plan: RoundPlan): RoundPlan {
  return plan.purpose === 'evaluate' && plan.round === 2 ? among(others, plan) : plan
}

/** The change stands before the plan that is by it. */
function showing({ by, leaver }: Pick<Signers, 'by' | 'leaver'>): Lies {
  return {
    toSite({ message }, at) {
      const plan = at.planOf(message)
      if (plan?.purpose !== 'evaluate' || plan.round !== 2 || message.type !== 'assignment') return [message]
      const sets: PartnerChange['sets'] = [{ purpose: 'evaluate', before: [...siteNames], after: others }]
      const signed = signPartnerChange({ format: 1, study: plan.study, number: 1, sets }, by)
      const word = { word: 'leave', study: plan.study, since: 0, purposes: ['evaluate'] } as const
      const words = [{ ...signPartnerWord(word, at.joined.get(leaver)!.identity), site: leftOut }]
      return [{ type: 'partner-change', signed, words, heard: true }, message]
    },
  }
}
