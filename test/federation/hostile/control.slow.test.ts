/** The solver is not blind: it opens the sum that a round gives, and one site's update as soon as anything gives it away. */
import { headerName } from '@consilium/protos/secagg/header.ts'
import { signMessage, unmaskMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { updateName } from '@consilium/protos/secagg/vectors.ts'
import { expect, test } from 'vitest'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import type { SiteLies } from '../../support/hostile/site.ts'
import { solve } from '../../support/hostile/solver.ts'
import { exactWords, honestWords } from '../../support/hostile/words.ts'
import { madeUpTraining } from '../../support/made-up-trainer.ts'

test('an honest round opens to the sum of all updates and to nothing else', async () => {
  await using federation = await hostileFederation()
  expect((await federation.run()).state).toBe('finished')
  const open = solve(federation.recorded).candidates.filter(
    ({ plan, vectors }) =>
      plan.purpose === 'train' &&
      vectors
        .get(headerName)!
        .subarray(0, 4)
        .every((one) => one === 4),
  )
  expect(open.map(({ sites }) => sites)).toEqual([siteNames])
  const { plan, vectors } = open[0]!
  const manifest = federation.manifests.get(plan.study)!
  const all = siteNames.map((_, number) => exactWords(number, plan, manifest))
  vectors.get(updateName)!.forEach((word, i) => {
    expect(Math.abs(word - all.reduce((sum, words) => sum + words[i]!, 0))).toBeLessThanOrEqual(4)
  })
  expect(await leaks(federation)).toEqual([])
})

test('statistics, training and evaluations of an honest run open to sums alone', async () => {
  await using federation = await hostileFederation()
  const evaluation = { bins: 8, everyRounds: 1 }
  const view = await federation.run({ standardisation: 'federated', rounds: 2, evaluation })
  expect(view.state).toBe('finished')
  const open = solve(federation.recorded).candidates.filter(({ sites, vectors }) =>
    vectors
      .get(headerName)!
      .subarray(0, 4)
      .every((one) => one === sites.length),
  )
  expect(open.map(({ plan, sites }) => [plan.purpose, plan.round, sites.length])).toEqual([
    ['statistics', 0, 4],
    ['train', 1, 4],
    ['evaluate', 1, 4],
    ['train', 2, 4],
    ['evaluate', 2, 4],
  ])
  expect(await leaks(federation)).toEqual([])
})

test('sites that reveal shares of both secrets of one give its update away', async () => {
  const both: SiteLies = {
    say(message, { me, hash }) {
      if (message.type !== 'unmask') return [message]
      const { sid, index, u3Hash, held } = me.session(hash)!
      const revealed = message.revealed.map((one) =>
        one.index === 1 ? ({ index: 1, kind: 's', share: held.get(1)!.s } as const) : one,
      )
      return [
        message,
        { ...message, revealed, signature: signMessage(me.identity, unmaskMessage(sid!, u3Hash!, index, revealed)) },
      ]
    },
  }
  await using federation = await hostileFederation({
    sites: Object.fromEntries(siteNames.map((site) => [site, both])),
  })
  expect((await federation.run()).state).toBe('finished')
  expect(await leaks(federation, [])).toEqual(
    expect.arrayContaining([
      'both secrets of basel',
      'a threshold of shares of both secrets of basel',
      'the open header of basel',
      'the update of basel in round 1 is basel',
    ]),
  )
})

test.for([
  { what: 'floats', bytes: 'float' },
  { what: 'quantised words', bytes: 'words' },
] as const)('an update that stands as $what anywhere in the store is found', async ({ bytes }) => {
  await using federation = await hostileFederation()
  await federation.run()
  const plan = [...federation.plans.values()].find(({ purpose }) => purpose === 'train')!
  const manifest = federation.manifests.get(plan.study)!
  const { update } = madeUpTraining(2, plan.model, manifest)
  const found = bytes === 'float' ? update : honestWords(2, plan, manifest)[1]!
  const before = Buffer.from('any three')
  await federation.objects.put(Buffer.concat([before, new Uint8Array(found.buffer.slice(0))]))
  expect(await leaks(federation)).toEqual(['the update of hungary in round 1 stands in what the coordinator keeps'])
})
