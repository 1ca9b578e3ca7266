/**
 * A hospital with one patient of a study: its update is that patient's gradient. By default it takes no part, and says one
 * code; nobody learns how many rows it has. Who asks is left with a hospital of `rowsMin` rows.
 */
import { defaultPolicy } from '@consilium/site-agent/policy.ts'
import { expect, test } from 'vitest'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'

const small = 'va'
/** Of the small hospital one patient; all of its rows train. */
const onePatient = () => hearts(({ record }, site) => site !== small || record === `${small}-7`)
const study = { ...heartStudy, rounds: 1, split: { by: 'hash', key: 'record', testFraction: 0 } } as const

test.skipIf(skipWithoutRealData)('a hospital with one row takes no part, and does not say why', async () => {
  const { names = [], ...lies } = await onePatient()
  await using federation = await hostileFederation({
    names,
    ...lies,
    policy: () => ({ approve: defaultPolicy.approve, rows: defaultPolicy.rows }),
  })
  const offered = await federation.offer({ ...study, name: 'few' })
  expect(await federation.heard(small, 'refusal')).toEqual({
    type: 'refusal',
    studyHash: offered,
    code: 'data-not-ready',
  })
  const others = names.filter((name) => name !== small)
  expect(await federation.approved(offered, 3)).toEqual(others)
  const view = await federation.ended(await federation.startRun(offered))
  expect(view).toMatchObject({ state: 'finished', rounds: [{ cohort: others, survivors: others }] })
  expect(federation.recorded.uploads.filter(({ site }) => site === small)).toEqual([])
})

test.skipIf(skipWithoutRealData)('control: where one row is enough, the patient is in the sum', async () => {
  const { names = [], ...lies } = await onePatient()
  await using federation = await hostileFederation({ names, ...lies })
  const view = await federation.run(study)
  expect(view).toMatchObject({ state: 'finished', rounds: [{ survivors: names }] })
  const checked = federation.agents.get(small)!.events.find(({ type }) => type === 'data-checked')
  expect(checked).toMatchObject({ trainRows: 1, testRows: 0 })
})
