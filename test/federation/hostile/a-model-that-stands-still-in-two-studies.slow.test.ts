/**
 * A lead whose studies learn nothing, so that all of them evaluate the same model, and who leaves another hospital out of
 * each evaluation: the difference of two is the test rows and cases of the hospital left out. Every site counts such sets by
 * the label, and takes part in no fourth (`evaluateExposuresMax`). The lead is left with the two differences before it.
 */
import { defaultPolicy } from '@consilium/site-agent/policy.ts'
import { expect, test } from 'vitest'
import { refusals } from '../../support/hostile/attacks.ts'
import { type Evaluated, evaluatedAt, evaluationsIn, less } from '../../support/hostile/differences.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'

const leftOut = ['zurich', 'hungary', 'cleveland']

test('the site that is in all of them refuses the fourth', async () => {
  await using federation = await hostileFederation()
  const [all, ...fewer] = await evaluations(federation)
  expect(fewer).toHaveLength(3)
  expect(fewer.slice(0, 2).map((sum) => less(all, sum))).toEqual(leftOut.slice(0, 2).map((site) => evaluatedAt(site)))
  expect(fewer[2]).toBeUndefined()
  expect(refusals(federation)).toMatchObject([
    { code: 'exposures-exceeded', reason: expect.stringMatching(/evaluations of 3 studies with this label/) },
  ])
})

test('control: where nobody counts, each difference is the test rows of the hospital left out', async () => {
  const secure = { ...defaultPolicy.secure, evaluateExposuresMax: 1000 }
  await using federation = await hostileFederation({ policy: () => ({ secure }) })
  const [all, ...fewer] = await evaluations(federation)
  expect(fewer.map((sum) => less(all, sum))).toEqual(leftOut.map((site) => evaluatedAt(site)))
})

/** Of a study with all hospitals, and of one without each of these; undefined where it was not made. */
async function evaluations(federation: HostileFederation): Promise<(Evaluated | undefined)[]> {
  const sums: (Evaluated | undefined)[] = []
  for (const without of [undefined, ...leftOut]) {
    const name = `without-${without ?? 'nobody'}`
    const study = await federation.create({ name, evaluation: { bins: 8, everyRounds: 1 } })
    const { run } = await federation.admin.startRun(study, without ? [without] : [])
    expect((await federation.ended(run)).state).toBe('finished')
    sums.push((await evaluationsIn(federation, run))[0])
  }
  return sums
}
