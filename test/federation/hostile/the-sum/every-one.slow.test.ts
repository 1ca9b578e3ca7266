/**
 * A coordinator that changes one bit of a committed sum, or of the model that it makes: every site refuses it, and none goes
 * on from it (E.3). Sites that take the coordinator at its word do.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { refusalsOf } from '../../../support/hostile/attacks.ts'
import { flippedSum, type SumLie, type VerifySum } from '../../../support/hostile/bent-sum.ts'
import { hostileFederation, siteNames } from '../../../support/hostile/federation.ts'
import { liesIn } from '../../../support/hostile/lies-in.ts'

test('one bit of a sum, or of what it makes, is refused by every site, and no round goes on from it', async () => {
  const lies = await liesIn<SumLie>(import.meta.dirname)
  // Odd rounds are honest: two failed ones in a row end a run.
  const lieIn = (round: number) => (round % 2 === 0 ? lies[round / 2 - 1] : undefined)
  await using federation = await hostileFederation({
    toSite({ message }, at) {
      const plan = at.planOf(message)
      const lie = plan?.purpose === 'train' && message.type === 'verify-sum' ? lieIn(plan.round) : undefined
      return [lie && message.type === 'verify-sum' ? lie.lie(message) : message]
    },
  })
  const { run, state } = await federation.run({ rounds: 2 * lies.length + 1 })
  expect(state).toBe('finished')
  for (const [i, { what }] of lies.entries())
    for (const site of siteNames)
      expect([what, site, refusalsOf(federation, site, 2 * i + 2)]).toEqual([what, site, ['sum-not-verified']])
  const failed = (await federation.entries(runStream(run))).filter(({ type }) => type === 'round-failed')
  expect(failed.map(({ body }) => body.code)).toEqual(lies.map(() => 'round-unverified'))
  // Every plan starts from the model of the honest round before it.
  const trained = [...federation.plans.values()].filter(({ purpose }) => purpose === 'train')
  for (let i = 1; i + 1 < trained.length; i += 2) expect(trained[i + 1]!.model).toBe(trained[i]!.model)
})

test('control: sites that take the coordinator at its word go on from a forged sum', async () => {
  await using federation = await hostileFederation({
    sites: Object.fromEntries(siteNames.map((site) => [site, {}])),
    toSite: ({ message }) => [message.type === 'verify-sum' ? forgedButNamed(message) : message],
  })
  expect((await federation.run({ rounds: 2 })).state).toBe('finished')
})

/** The words are others than those named; who does not look at them signs what is named. */
function forgedButNamed(sum: VerifySum): VerifySum {
  return { ...flippedSum((words) => (words[20]! ^= 1))(sum), sums: sum.sums }
}
