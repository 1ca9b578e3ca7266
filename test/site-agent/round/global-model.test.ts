/** The global parameters as a site takes them: whole, and within bounds where a study's author chose them. */
import { initialParameterMax } from '@consilium/protos/limits.ts'
import { afterEach, expect, test } from 'vitest'
import type { Assignment } from '../../../site-agent/round/assignment.ts'
import { fetchParameters } from '../../../site-agent/round/global-model.ts'
import { openSite, type SiteFixture } from '../../support/site-fixture.ts'

let site: SiteFixture
afterEach(() => site.close())

const { signal } = new AbortController()

function fetch(values: readonly number[], { isInitial = true } = {}): Promise<Float32Array> {
  site = openSite()
  const { plan, hash: planHash } = site.plan()
  const { manifest } = site.study
  const initialParameters = { sha256: isInitial ? plan.model : 'ab'.repeat(32), bytes: 12 }
  const study: Assignment['study'] = { hash: plan.study, manifest: { ...manifest, initialParameters } }
  const bytes = new Uint8Array(Float32Array.from(values).buffer)
  return fetchParameters({ planHash, plan, study }, { fetchObject: async () => bytes }, signal)
}

test('parameters come as they are', async () => {
  expect(await fetch([1, -initialParameterMax, initialParameterMax])).toEqual(Float32Array.of(1, -1e4, 1e4))
})

test.for([Number.NaN, Number.POSITIVE_INFINITY, 10_001, -1e30])(
  'initial parameters with %d are refused by position, before a step',
  async (value) => {
    await expect(fetch([0, value, 0])).rejects.toMatchObject({
      code: 'invalid-study',
      message: expect.stringContaining('initial parameter 1'),
    })
  },
)

test('a model that a round made has no such bound', async () => {
  expect(await fetch([0, 2e4, 0], { isInitial: false })).toHaveLength(3)
})

test('fewer bytes than the layout needs are refused', async () => {
  await expect(fetch([1, 2])).rejects.toMatchObject({ code: 'shape-mismatch' })
})
