/**
 * A coordinator that tells the sites, or one of them, another standardisation than they computed: another function of their
 * records than the study is. It is left with a round that fails, or that goes without that site.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan, Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { StartTrainer } from '@consilium/site-agent/train/trainer.ts'
import { expect, test, vi } from 'vitest'
import { droppedIn, gatherRefusals, refusals, refusalsOf, target } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { planning } from '../../support/hostile/own-plans.ts'
import { withoutCheck } from '../../support/hostile/without-check.ts'
import { madeUpTrainer } from '../../support/made-up-trainer.ts'

vi.mock(import('@consilium/site-agent/round/standardisation.ts'), async (original) =>
  (await import('../../support/hostile/without-check.ts')).switchable(await original(), 'checkStandardisation'),
)
vi.mock(import('@consilium/coordinator/round/select-cohort.ts'), async (original) =>
  (await import('../../support/hostile/own-plans.ts')).bendable(await original()),
)

const study = { rounds: 2, standardisation: 'federated' } as const

test('control: sites that do not compare it train by another standardisation than they computed', () =>
  withoutCheck('checkStandardisation', () =>
    planning(another, async () => {
      const { trainer, trained } = watching()
      await using federation = await hostileFederation({ trainer })
      const { rounds } = await federation.run(study)
      expect(rounds.map(({ survivors }) => survivors)).toEqual([siteNames, siteNames, siteNames])
      const [first, second] = ['train 1', 'train 2'].map((round) => siteNames.map((site) => trained.get(site, round)))
      for (const [i, told] of first!.entries()) expect(told).toEqual(shifted(second![i]!))
      expect(refusals(federation)).toEqual([])
    }),
  ))

test('another standardisation than the sites computed is refused by all that are told it, and none trains by it', () =>
  planning(another, async () => {
    const { trainer, trained } = watching()
    await using federation = await hostileFederation({ trainer, fromSite: gatherRefusals(siteNames.length) })
    const { rounds, state } = await federation.run(study)
    expect(state).toBe('finished')
    // The first are the statistics.
    expect(rounds.map(({ survivors }) => survivors)).toEqual([siteNames, [], siteNames])
    for (const site of siteNames) {
      expect(refusalsOf(federation, site)).toEqual(['sum-not-verified'])
      expect(trained.get(site, 'train 1')).toBeUndefined()
    }
  }))

test('and by the one site that is told it, which the others go without', async () => {
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (site !== target || message.type !== 'assignment' || !plan || !isFirst(plan)) return [message]
      return [at.forge(site, message.plan, another)]
    },
  })
  const { run, state } = await federation.run(study)
  expect(state).toBe('finished')
  expect(refusalsOf(federation, target)).toEqual(['sum-not-verified'])
  expect(droppedIn(federation, await federation.entries(runStream(run)), target)).toEqual(['sum-not-verified'])
})

function isFirst({ purpose, round }: RoundPlan): boolean {
  return purpose === 'train' && round === 1
}

function another(plan: RoundPlan): RoundPlan {
  return isFirst(plan) ? { ...plan, standardisation: shifted(plan.standardisation!) } : plan
}

function shifted({ means, standardDeviations }: Standardisation): Standardisation {
  return { means: means.map((mean) => mean + 2 ** -40), standardDeviations }
}

/** Made-up trainers, and by what each was told to standardise. */
function watching() {
  const told = new Map<string, Standardisation | undefined>()
  const trainer =
    (site: SiteName, number: number): StartTrainer =>
    async (options) => {
      const honest = await madeUpTrainer(number).start(options)
      return {
        ...honest,
        train(request) {
          told.set(`${site} train ${request.round}`, request.standardisation)
          return honest.train(request)
        },
      }
    }
  return { trainer, trained: { get: (site: SiteName, round: string) => told.get(`${site} ${round}`) } }
}
