/**
 * A study that leaves out every row without the number of coloured vessels, which one of the four hospitals recorded: the
 * others have ten such rows together, so every sum is that hospital's. A policy's `rowsMin` keeps them out before there is
 * a sum, and so the study has none. The lead is left with this: which hospitals have 50 such rows, one code each.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { defaultPolicy } from '@consilium/site-agent/policy.ts'
import { expect, test } from 'vitest'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'

const study: Partial<StudyInput> = {
  ...heartStudy,
  features: [
    { name: 'vessels', type: 'number', range: [0, 3], missing: 'drop-row' },
    { name: 'male', type: 'boolean' },
  ],
  standardisation: 'federated',
  rounds: 1,
}
const recorder = 'cleveland'

test.skipIf(skipWithoutRealData)('hospitals with few rows that pass take no part, and no sum is made', async () => {
  await using federation = await hostileFederation({
    ...(await hearts()),
    policy: () => ({ approve: defaultPolicy.approve, rows: defaultPolicy.rows }),
  })
  const offered = await federation.offer(study)
  const others = [...federation.agents.keys()].filter((site) => site !== recorder)
  for (const site of others)
    expect(await federation.heard(site, 'refusal')).toEqual({
      type: 'refusal',
      studyHash: offered,
      code: 'data-not-ready',
    })
  expect(await federation.approved(offered, 1)).toEqual([recorder])
  await expect(federation.startRun(offered)).rejects.toMatchObject({ code: 'cohort-too-small' })
  expect(federation.recorded.uploads).toEqual([])
})

test.skipIf(skipWithoutRealData)(
  'control: where few rows are enough, the sum is the mean of one hospital',
  async () => {
    const { records, ...lies } = await hearts()
    await using federation = await hostileFederation(lies)
    const { run, state } = await federation.run(study)
    expect(state).toBe('finished')
    const entries = await federation.entries(runStream(run))
    const { result } = entries.find(({ type }) => type === 'round-committed')!.body as unknown as Committed
    const passing = records.get(recorder)!.map(({ vessels }) => vessels)
    const own = passing.filter((value) => !Number.isNaN(value))
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length
    // The statistics are of all its rows but those that test.
    expect(Math.abs(result.columns[0]!.means[0]! - mean)).toBeLessThan(0.1)
  },
)

type Committed = { readonly result: { readonly columns: readonly { readonly means: readonly number[] }[] } }
