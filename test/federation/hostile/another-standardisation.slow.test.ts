/**
 * A coordinator that tells one site another standardisation than the sites computed.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, refusalsOf, target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'

test('another standardisation than the sites computed is refused by the site that is told it', async () => {
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (site !== target || message.type !== 'assignment' || plan?.purpose !== 'train' || plan.round !== 1)
        return [message]
      return [
        at.forge(site, message.plan, ({ standardisation, ...rest }) => {
          const { means, standardDeviations } = standardisation!
          return { ...rest, standardisation: { means: means.map((mean) => mean + 2 ** -40), standardDeviations } }
        }),
      ]
    },
  })
  const { run, state } = await federation.run({ rounds: 2, standardisation: 'federated' })
  expect(state).toBe('finished')
  expect(refusalsOf(federation, target)).toEqual(['sum-not-verified'])
  expect(droppedIn(federation, await federation.entries(runStream(run)), target)).toEqual(['sum-not-verified'])
})
