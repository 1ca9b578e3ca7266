/**
 * A coordinator that has two sums made over the same parameters whose survivors differ by one site: their difference would
 * be that site's update (A.9). The sites refuse the second one, in a second run and after a round that was said to fail.
 */
import type { FromSite } from '@consilium/coordinator/services.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import type { Heard } from '../../support/hostile/recorded.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const others = ['basel', 'cleveland', 'hungary']

test('a second run of a study with one site less is refused before its sum is opened', async () => {
  let runs = 0
  const gather = gatherRefusals(3)
  await using federation = await hostileFederation({
    fromSite: (heard, at) => (runs === 2 ? (withoutZurich(heard) ?? gather(heard, at)) : [heard.message]),
  })
  const study = await federation.create()
  runs = 1
  expect((await federation.ended(await federation.startRun(study))).state).toBe('finished')
  runs = 2
  const second = await federation.ended(await federation.startRun(study))
  expect(second.state).toBe('failed')
  await expectDifferencingRefused(federation, second.run)
})

test('a round said to fail once its sum is open, and played again with one site less, is refused', async () => {
  const gather = gatherRefusals(3)
  await using federation = await hostileFederation({
    fromSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (plan?.round === 2) return withoutZurich({ site, message }) ?? gather({ site, message }, at)
      if (plan?.purpose !== 'train' || message.type !== 'confirm') return [message]
      // The coordinator opens the sum by itself and lets its books say that nobody confirmed.
      const confirmations = at.recorded.heard.flatMap((heard) =>
        heard.message.type === 'confirm'
          ? [{ index: siteNames.indexOf(heard.site) + 1, signature: heard.message.signature }]
          : [],
      )
      if (confirmations.length === 4) {
        const sorted = confirmations.toSorted((a, b) => a.index - b.index)
        for (const one of siteNames) at.say(one, { type: 'quorum', planHash: message.planHash, confirmations: sorted })
      }
      return []
    },
  })
  const run = await federation.start({ rounds: 2, deadlines: { keysMs: 1000 } })
  for (const site of siteNames) await federation.heard(site, 'unmask')
  federation.pass(1000)
  expect((await federation.ended(run)).state).toBe('failed')
  await expectDifferencingRefused(federation, run)
})

test('without that check the difference of the two sums is the site that was left out', async () => {
  let runs = 0
  // Sites in plain functions confirm whatever they are asked to.
  await using federation = await hostileFederation({
    sites: Object.fromEntries(siteNames.map((site) => [site, {}])),
    fromSite: (heard) => (runs === 2 ? withoutZurich(heard) : undefined) ?? [heard.message],
  })
  const study = await federation.create()
  for (runs = 1; runs <= 2; runs++)
    expect((await federation.ended(await federation.startRun(study))).state).toBe('finished')
  expect(await leaks(federation, [])).toContain(
    'the update of zurich in round 1 is basel+cleveland+hungary less basel+cleveland+hungary+zurich',
  )
})

/** The coordinator takes the site for one that gave up. */
function withoutZurich({ site, message }: Heard): readonly FromSite[] | undefined {
  if (site !== 'zurich' || message.type !== 'work-done') return undefined
  return [{ type: 'refusal', planHash: message.planHash, code: 'data-not-ready' }]
}

async function expectDifferencingRefused(federation: HostileFederation, run: string): Promise<void> {
  for (const site of others) expect(refusalsOf(federation, site)).toEqual(['cohort-differencing'])
  const entries = await federation.entries(runStream(run))
  expect(others.flatMap((site) => droppedIn(federation, entries, site))).toContain('cohort-differencing')
  expect(await leaks(federation)).toEqual([])
}
