/**
 * A coordinator that tells a hospital, which was not in the statistics, other means than came of them: with the signatures of
 * the right ones, with those of another column, with too few, with none. What is left to it: to withhold the right ones.
 */
import type { Summed } from '@consilium/protos/plan/round-plan.ts'
import { expect, test } from 'vitest'
import { refusalsOf, target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'

const names = ['aarau', 'basel', 'cleveland', 'hungary', target]
const features = ['age', 'chol'].map((name) => ({ name, type: 'number' as const }))

/** What is said of the statistics in each round; the last one is honest. */
const lies: readonly { readonly what: string; readonly lie: (summed: Summed) => Summed[] }[] = [
  { what: 'another mean', lie: (summed) => [shifted(summed)] },
  {
    what: 'the mean of another column',
    lie: ({ columns: [age, chol], ...rest }) => [
      {
        ...rest,
        columns: [
          { ...age!, name: 'chol' },
          { ...chol!, name: 'age' },
        ],
      },
    ],
  },
  { what: 'one site’s word', lie: (summed) => [{ ...summed, verified: summed.verified.slice(0, 1) }] },
  { what: 'nobody’s word', lie: () => [] },
]

test('means are taken as enough pinned sites signed them, and otherwise not at all', async () => {
  let study = ''
  await using federation = await hostileFederation({
    names,
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (site !== target || message.type !== 'assignment' || plan?.study !== study) return [message]
      const told = plan.purpose === 'train' ? lies[plan.round - 1] : undefined
      if (!told) return [message]
      return [
        at.forge(site, message.plan, ({ proven, standardisation, ...rest }) => {
          const columns = told.lie(proven!.columns![0]!)
          const [age, chol] = ['age', 'chol'].map((name) =>
            (columns[0] ?? proven!.columns![0]!).columns.find((column) => column.name === name),
          )
          return {
            ...rest,
            standardisation: {
              means: [age!.means[0]!, chol!.means[0]!],
              standardDeviations: [age!.standardDeviations[0]!, chol!.standardDeviations[0]!],
            },
            proven: { ...proven, columns },
          }
        }),
      ]
    },
  })
  await federation.leave(target)
  const summing = await federation.offer({ name: 'first', features, standardisation: 'federated' })
  await federation.approved(summing, 4)
  expect((await federation.ended(await federation.startRun(summing))).state).toBe('finished')
  await federation.comeBack(target)

  study = await federation.create({ name: 'second', features, standardisation: 'federated', rounds: 5, seed: 9 })
  const view = await federation.ended(await federation.startRun(study))
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  for (const [i, { what }] of lies.entries())
    expect([what, refusalsOf(federation, target, i + 1)]).toEqual([what, ['sum-not-verified']])
  expect(view.rounds.map(({ survivors }) => survivors.includes(target))).toEqual([false, false, false, false, true])
})

function shifted({ columns, ...rest }: Summed): Summed {
  return { ...rest, columns: columns.map((column) => ({ ...column, means: column.means.map((mean) => mean + 1) })) }
}
