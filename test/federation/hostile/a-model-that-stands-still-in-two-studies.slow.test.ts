/**
 * A lead whose studies learn nothing, so that all of them evaluate the same model, and who leaves another hospital out of
 * each evaluation: the difference of two is the test rows and cases of the hospital left out. Every site counts such sets by
 * the label, and takes part in no fourth (`evaluateExposuresMax`). The lead is left with the two differences before it.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { defaultPolicy } from '@consilium/site-agent/policy.ts'
import { expect, test } from 'vitest'
import { makeStudy } from '../../support/coordinator-fixture.ts'
import { refusals } from '../../support/hostile/attacks.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { madeUpEvaluation } from '../../support/made-up-trainer.ts'

const leftOut = ['zurich', 'hungary', 'cleveland']

test('the site that is in all of them refuses the fourth', async () => {
  await using federation = await hostileFederation()
  const [all, ...fewer] = await evaluations(federation)
  expect(fewer).toHaveLength(3)
  expect(fewer.slice(0, 2).map((sum) => less(all, sum))).toEqual(leftOut.slice(0, 2).map(ownRows))
  expect(fewer[2]).toBeUndefined()
  expect(refusals(federation)).toMatchObject([
    { code: 'exposures-exceeded', reason: expect.stringMatching(/evaluations of 3 studies with this label/) },
  ])
})

test('control: where nobody counts, each difference is the test rows of the hospital left out', async () => {
  const secure = { ...defaultPolicy.secure, evaluateExposuresMax: 1000 }
  await using federation = await hostileFederation({ policy: () => ({ secure }) })
  const [all, ...fewer] = await evaluations(federation)
  expect(fewer.map((sum) => less(all, sum))).toEqual(leftOut.map(ownRows))
})

type Sum = { readonly examples: number; readonly correct: number }

/** Of a study with all hospitals, and of one without each of these; undefined where it was not made. */
async function evaluations(federation: HostileFederation): Promise<(Sum | undefined)[]> {
  const sums: (Sum | undefined)[] = []
  for (const without of [undefined, ...leftOut]) {
    const name = `without-${without ?? 'nobody'}`
    const study = await federation.create({ name, evaluation: { bins: 8, everyRounds: 1 } })
    const { run } = await federation.admin.startRun(study, without ? [without] : [])
    expect((await federation.ended(run)).state).toBe('finished')
    const entries = await federation.entries(runStream(run))
    const results = entries.flatMap(({ type, body }) =>
      type === 'round-committed' ? [(body as unknown as Committed).result] : [],
    )
    const found = results.find(({ purpose }) => purpose === 'evaluate')
    sums.push(found && { examples: found.examples, correct: Math.round(found.accuracy * found.examples) })
  }
  return sums
}

type Committed = { readonly result: { readonly purpose: string; readonly examples: number; readonly accuracy: number } }

function less(all: Sum | undefined, sum: Sum | undefined): Sum {
  return { examples: all!.examples - sum!.examples, correct: all!.correct - sum!.correct }
}

function ownRows(site: string): Sum {
  const { examples, correct } = madeUpEvaluation(siteNames.indexOf(site), makeStudy().manifest)
  return { examples, correct }
}
