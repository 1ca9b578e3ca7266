/**
 * A coordinator that changes one bit of a sum, a weight, a tag, a model or a standardisation: every site refuses it, and
 * none goes on from it (E.3). Sites that take the coordinator at its word do.
 */
import type { ToSite } from '@consilium/coordinator/services.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, refusalsOf, target } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'

type VerifySum = Extract<ToSite, { type: 'verify-sum' }>
type Lie = { readonly what: string; readonly lie: (sum: VerifySum) => VerifySum }

const lies: readonly Lie[] = [
  { what: 'the weight', lie: flipped((words) => (words[4]! ^= 1)) },
  { what: 'the loss', lie: flipped((words) => (words[8]! ^= 4)) },
  { what: 'the contributors', lie: flipped((words) => (words[11]! ^= 1)) },
  { what: 'a tag', lie: flipped((words) => (words[13]! ^= 1)) },
  { what: 'the sum', lie: flipped((words) => (words[20]! ^= 1)) },
  {
    what: 'the model',
    lie: (sum) => ({ ...sum, made: sum.made.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }),
  },
]

test('one bit of a sum, or of what it makes, is refused by every site, and no round goes on from it', async () => {
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

test('sites that take the coordinator at its word go on from a forged sum', async () => {
  await using federation = await hostileFederation({
    sites: Object.fromEntries(siteNames.map((site) => [site, {}])),
    toSite: ({ message }) => [message.type === 'verify-sum' ? forgedButNamed(message) : message],
  })
  expect((await federation.run({ rounds: 2 })).state).toBe('finished')
})

/** The words are others than those named; who does not look at them signs what is named. */
function forgedButNamed(sum: VerifySum): VerifySum {
  return { ...flipped((words) => (words[20]! ^= 1))(sum), sums: sum.sums }
}

function flipped(flip: (words: Int32Array) => void): Lie['lie'] {
  return (sum) => {
    const words = new Int32Array(Uint8Array.from(sum.words!).buffer)
    flip(words)
    const bytes = new Uint8Array(words.buffer)
    return { ...sum, words: bytes, sums: sha256Hex(bytes) }
  }
}
