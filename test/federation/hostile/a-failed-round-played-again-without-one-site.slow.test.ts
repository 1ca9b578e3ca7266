/**
 * A coordinator that opens a sum, lets its books say that nobody confirmed, and takes the round again without one site.
 */
import { expect, test } from 'vitest'
import { gatherRefusals } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { expectDifferencingRefused, withoutZurich } from '../../support/hostile/without-one.ts'

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
