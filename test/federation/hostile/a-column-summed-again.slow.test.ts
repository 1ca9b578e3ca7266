/**
 * A coordinator that asks for a column once more, without one of the hospitals: by subtraction, that hospital's rows, sum and
 * squares. Sites refuse the plan before they work for it, whatever study and run it is under (E.4). What is left to it: how
 * many training rows a hospital has, from sums of different columns.
 */
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { statisticsVectors } from '@consilium/protos/secagg/vectors.ts'
import { expect, test } from 'vitest'
import { refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const leftOut = 'zurich'
const others = siteNames.filter((site) => site !== leftOut)
const study: Partial<StudyInput> = { standardisation: 'federated', features: [{ name: 'chol', type: 'number' }] }

test('a column that was summed is summed for nobody again, under another study and without one site', async () => {
  let first = ''
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (message.type !== 'assignment' || !plan || plan.run === first || plan.purpose !== 'train') return [message]
      if (site === leftOut) return []
      return [
        at.forge(site, message.plan, ({ secure, cohort, standardisation: _, proven: __, ...rest }) => {
          const columns = [{ name: 'chol' }]
          const roster = secure!.roster.filter((___, i) => cohort[i] !== leftOut)
          return {
            ...rest,
            purpose: 'statistics',
            round: 0,
            columns,
            cohort: cohort.filter((name) => name !== leftOut),
            secure: { ...secure!, roster, vectors: statisticsVectors(columns) },
          }
        }),
      ]
    },
  })
  const summing = await federation.create({ ...study, name: 'first' })
  const { run } = await federation.admin.startRun(summing)
  first = run
  expect((await federation.ended(run)).state).toBe('finished')
  const uploads = federation.recorded.uploads.length
  const second = await federation.run({
    ...study,
    name: 'second',
    features: [{ name: 'CHOL', type: 'number' }],
    seed: 3,
  })
  expect(second.state).toBe('failed')
  for (const site of others) expect(refusalsOf(federation, site)).toEqual(['column-summed'])
  expect(federation.recorded.uploads).toHaveLength(uploads)
  expect(await leaks(federation)).toEqual([])
})
