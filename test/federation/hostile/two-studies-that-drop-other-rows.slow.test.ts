/**
 * Two studies, the second of which leaves out every row without a resting ECG: at two of the four hospitals that is one patient
 * each. Control: sites that remember nothing of columns, under a coordinator that forgets them too. The means of the second
 * study away from those of the first are the age and the sex of the patient left out. Here a column is summed once, so the
 * sites refuse the second sum, and an honest coordinator takes the first and asks for the new column alone. The lead is left
 * with how many rows the new column's sum lacks; and with the evaluations, which are among the same hospitals and so not
 * counted: what they differ by is rows and cases left out, here one patient's diagnosis. Only noise for each patient hides that.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { beforeEach, expect, test, vi } from 'vitest'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { refusalsOf } from '../../support/hostile/attacks.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'
import { openedEvaluation, testedMore } from '../../support/hostile/opened-evaluation.ts'

const forgetful = vi.hoisted(() => ({ sites: false, coordinator: false }))

vi.mock(import('../../../site-agent/store/columns.ts'), async (load) => {
  const real = await load()
  return {
    ...real,
    openColumns(...of) {
      const columns = real.openColumns(...of)
      return forgetful.sites ? { ...columns, summed: () => undefined, mean: () => undefined } : columns
    },
  }
})

vi.mock(import('../../../coordinator/round/columns.ts'), async (load) => {
  const real = await load()
  return {
    ...real,
    columnStates: (...of) => (forgetful.coordinator ? real.noColumns : real.columnStates(...of)),
  }
})

beforeEach(() => void Object.assign(forgetful, { sites: false, coordinator: false }))

/** Hospitals whose one patient without an ECG trains, and tests. */
const [training, testing] = ['hungarian', 'switzerland']

const features = [...heartStudy.features!]
const first: Partial<StudyInput> = {
  ...heartStudy,
  name: 'first',
  features,
  standardisation: 'federated',
  rounds: 1,
  split: { by: 'column', column: 'side' },
}
const second: Partial<StudyInput> = {
  ...first,
  name: 'second',
  features: [...features, { name: 'resting_ecg', type: 'number', range: [0, 2], missing: 'drop-row' }],
}

test.skipIf(skipWithoutRealData)(
  'control: sites that forget columns tell age and sex of the one left out',
  async () => {
    Object.assign(forgetful, { sites: true, coordinator: true })
    const { patientOf, ...lies } = await leavingOutOneEach()
    await using federation = await hostileFederation(lies)
    const [all, fewer] = [await finished(federation, first), await finished(federation, second)]
    const [more, less] = [await statisticsOf(federation, all), await statisticsOf(federation, fewer)]
    const { age, male } = patientOf(training)
    const read = ['age', 'male'].map((name) => Math.round(sumOf(more, name) - sumOf(less, name)))
    expect(more.examples - less.examples).toBe(1)
    expect(read[0] === age && read[1] === male).toBe(true)
  },
)

test.skipIf(skipWithoutRealData)('sites sum no column again for a coordinator that forgets', async () => {
  forgetful.coordinator = true
  const { patientOf: _, ...lies } = await leavingOutOneEach()
  await using federation = await hostileFederation(lies)
  await finished(federation, first)
  const uploads = federation.recorded.uploads.length
  const { state } = await federation.run(second)
  expect(state).toBe('failed')
  for (const site of lies.names!) expect(refusalsOf(federation, site)).toContain('column-summed')
  expect(federation.recorded.uploads).toHaveLength(uploads)
})

test.skipIf(skipWithoutRealData)(
  'the means are those of the first study; rows that lack the new column, and their cases, are left',
  async () => {
    const { patientOf, ...lies } = await leavingOutOneEach()
    await using federation = await hostileFederation(lies)
    const [all, fewer] = [await finished(federation, first), await finished(federation, second)]
    const [more, less] = [await statisticsOf(federation, all), await statisticsOf(federation, fewer)]
    expect(more.columns.map(({ name }) => name)).toEqual(['age', 'male'])
    expect(less.columns.map(({ name }) => name)).toEqual(['resting_ecg'])
    expect(more.examples - less.examples).toBe(1)
    const { rows, cases } = testedMore(openedEvaluation(federation, all), openedEvaluation(federation, fewer))
    expect({ rows, isRead: cases === patientOf(testing).disease }).toEqual({ rows: 1, isRead: true })
  },
)

/** The hospitals decide who tests: whoever is over sixty, and of the two without an ECG the one. */
async function leavingOutOneEach() {
  const { records, data, names } = await hearts(
    ({ resting_ecg }, site) => !Number.isNaN(resting_ecg) || site === training || site === testing,
  )
  const view = (site: string) =>
    `SELECT *, CASE WHEN ${site === training ? 'resting_ecg IS NOT NULL AND' : 'resting_ecg IS NULL OR'} age > 60 THEN 'test' ELSE 'train' END AS side FROM heart`
  return {
    names: names!,
    data(site: string) {
      const files = data!(site)
      return { ...files, 'site.yaml': JSON.stringify({ ...JSON.parse(files['site.yaml']!), view: view(site) }) }
    },
    patientOf: (site: string) => records.get(site)!.find(({ resting_ecg }) => Number.isNaN(resting_ecg))!,
  }
}

async function finished(federation: HostileFederation, study: Partial<StudyInput>): Promise<string> {
  const { run, state } = await federation.run(study)
  expect(state).toBe('finished')
  return run
}

type Statistics = {
  readonly purpose: string
  readonly examples: number
  readonly columns: readonly { readonly name: string; readonly means: readonly number[] }[]
}

async function statisticsOf({ entries }: HostileFederation, run: string): Promise<Statistics> {
  const results = (await entries(runStream(run))).flatMap(({ type, body }) =>
    type === 'round-committed' ? [body.result as unknown as Statistics] : [],
  )
  return results.find(({ purpose }) => purpose === 'statistics')!
}

/** Every record has an age and a sex. */
function sumOf({ examples, columns }: Statistics, column: string): number {
  return examples * columns.find(({ name }) => name === column)!.means[0]!
}
