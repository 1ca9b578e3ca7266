/** From raw columns to standardised ones, and the sums that travel for it. */
import { expect, test } from 'vitest'
import { readSiteConfig } from '../../../site-agent/data/site-config.ts'
import { loadStudyData } from '../../../site-agent/data/study-data.ts'
import { type Features, openFeatures } from '../../../site-agent/train/features.ts'
import { aCsvSite, aSmallStudy, keysOfTests } from '../a-site.ts'

const csv = 'a,kind,same,y,side\n1,low,0.1,0,train\n?,high,0.1,1,train\n5,low,0.1,0,train\n9,mid,0.1,1,test\n'

async function featuresOf(
  standardisation: 'federated' | 'per-site' | 'none',
  missing: 'mean' | { value: number },
): Promise<Features> {
  const columns = { a: 'DOUBLE', kind: 'VARCHAR', same: 'DOUBLE', y: 'BIGINT', side: 'VARCHAR' }
  const study = aSmallStudy({
    features: [
      { name: 'a', type: 'number', missing },
      { name: 'kind', type: 'category', levels: ['low', 'mid', 'high'] },
      { name: 'same', type: 'number' },
    ],
    standardisation,
  })
  return openFeatures(study, await loadStudyData(readSiteConfig(aCsvSite(csv, columns)), study, keysOfTests.split))
}

/** The rows, each as text, sorted: a row's place in the matrix is no promise. */
async function rowsOf(features: Features, ...given: Parameters<Features['under']>): Promise<string[]> {
  const { rows, columns, values } = await features.under(...given)
  return Array.from({ length: rows }, (_, i) =>
    Array.from(values.subarray(i * columns, (i + 1) * columns), (value) => String(Number(value.toFixed(3)))).join(' '),
  ).sort()
}

test('levels become columns, and a fixed value stands in for a missing one', async () => {
  const rows = await rowsOf(await featuresOf('none', { value: 3 }), undefined)
  expect(rows).toEqual(['1 0 0 0.1', '3 0 1 0.1', '5 0 0 0.1', '9 1 0 0.1'])
})

test('sums run over the training rows, of every level, and skip what is missing, whatever stands in for it', async () => {
  const sums = await (await featuresOf('federated', 'mean')).sums()
  expect(Array.from(sums.subarray(0, 5))).toEqual([2, 3, 3, 3, 3])
  // a, then high, low and mid.
  expect(Array.from(sums.subarray(5, 9))).toEqual([6, 1, 2, 0])
  expect(Array.from(sums.subarray(10, 14))).toEqual([26, 1, 2, 0])
  expect(sums[9]).toBeCloseTo(0.3, 7)
  expect(await (await featuresOf('federated', { value: 3 })).sums()).toEqual(sums)
})

test('per site the training rows have mean 0 and deviation 1, and a constant column stays 0', async () => {
  const rows = await rowsOf(await featuresOf('per-site', 'mean'), undefined)
  expect(rows).toEqual(['-1 0 -0.707 0', '0 0 1.414 0', '1 0 -0.707 0', '3 1 -0.707 0'])
})

test("federated, the plan's means and deviations count", async () => {
  const features = await featuresOf('federated', 'mean')
  const first = { means: [2, 0, 0, 0], standardDeviations: [2, 1, 1, 0] }
  expect(await rowsOf(features, first)).toEqual(['-0.5 0 0 0.1', '0 0 1 0.1', '1.5 0 0 0.1', '3.5 1 0 0.1'])
  expect(await features.under(structuredClone(first))).toBe(await features.under(first))
  const second = { ...first, means: [1, 0, 0, 0] }
  expect(await rowsOf(features, second)).toEqual(['0 0 0 0.1', '0 0 1 0.1', '2 0 0 0.1', '4 1 0 0.1'])
})

test('a plan without the means a federated study needs is refused', async () => {
  const features = await featuresOf('federated', 'mean')
  await expect(features.under(undefined)).rejects.toMatchObject({ code: 'message-invalid' })
})

test('a plan with means that the study does not use is refused', async () => {
  const features = await featuresOf('none', { value: 0 })
  await expect(features.under({ means: [0, 0, 0, 0], standardDeviations: [1, 1, 1, 1] })).rejects.toThrow(
    "the study's standardisation is none",
  )
})
