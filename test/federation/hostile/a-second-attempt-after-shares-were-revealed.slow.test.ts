/**
 * A coordinator that has the sum of an evaluation and plans it once more, as an attempt: a site that revealed its shares for
 * one attempt refuses every other one (E.4).
 */
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test } from 'vitest'
import { refusalsOf, target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import type { Heard } from '../../support/hostile/recorded.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('an evaluation is attempted again in vain once its shares were revealed', async () => {
  let evaluation: RoundPlan | undefined
  const held: Heard[] = []
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (message.type !== 'assignment') return [message]
      if (plan?.purpose === 'evaluate') evaluation = plan
      const before = evaluation
      if (site !== target || plan?.purpose !== 'train' || plan.round !== 2 || !before) return [message]
      const { logHead } = plan
      const attempt = { number: 2, after: planHash(before) }
      return [message, at.forgeBeside(site, message.plan, () => ({ ...before, logHead, attempt }))]
    },
    // Enough others could reveal theirs before it.
    fromSite(heard, at) {
      if (
        heard.message.type !== 'unmask' ||
        at.planOf(heard.message)?.purpose !== 'evaluate' ||
        evaluation?.round !== 1
      )
        return [heard.message]
      if (heard.site !== target) {
        if (at.recorded.heard.some(({ site, message }) => site === target && isFor(message, heard.message)))
          return [heard.message]
        held.push(heard)
        return []
      }
      queueMicrotask(() => {
        for (const { site, message } of held.splice(0)) at.hear(site, message)
      })
      return [heard.message]
    },
  })
  const view = await federation.run({ rounds: 2, evaluation: { bins: 8, everyRounds: 1 } })
  expect(view.rounds[0]).toMatchObject({ accuracy: expect.any(Number) })
  expect(refusalsOf(federation, target)).toEqual(['attempt-refused'])
  const revealed = federation.recorded.heard.filter(
    ({ site, message }) => site === target && message.type === 'unmask' && federation.planOf(message)?.attempt,
  )
  expect(revealed).toEqual([])
  expect(await leaks(federation)).toEqual([])
})

function isFor(message: Heard['message'], other: Heard['message']): boolean {
  return (
    message.type === other.type && 'planHash' in message && 'planHash' in other && message.planHash === other.planHash
  )
}
