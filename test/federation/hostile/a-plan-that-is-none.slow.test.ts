/**
 * A coordinator that sends what is no plan: the site does not answer, and is dropped at the deadline.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test } from 'vitest'
import { droppedIn, refusalsOf, target } from '../../support/hostile/attacks.ts'
import { secure } from '../../support/hostile/bent-plan.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { planIn } from '../../support/hostile/recorded.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('a plan that is none at all is refused without an answer, and its site is dropped at the deadline', async () => {
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      if (site !== target || message.type !== 'assignment' || planIn(message.plan).purpose !== 'train') return [message]
      const plan = secure({ survivorsMin: 2 })(planIn(message.plan))
      return [{ type: 'assignment', plan: signRoundPlan(plan, at.identity) }]
    },
  })
  const run = await federation.start({ deadlines: { workMs: 1000 } })
  await federation.until(() => refusalsOf(federation, target).includes('message-invalid'))
  for (const site of ['basel', 'cleveland', 'hungary']) await federation.heard(site, 'work-done')
  federation.pass(1000)
  expect((await federation.ended(run)).state).toBe('finished')
  expect(droppedIn(federation, await federation.entries(runStream(run)), target)).toEqual(['no progress for 1000 ms'])
  expect(await leaks(federation)).toEqual([])
})
