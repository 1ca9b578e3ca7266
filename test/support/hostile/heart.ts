/**
 * The heart-disease hospitals as the sites of a federation in one process: real agents with real trainers on the hospitals'
 * own records, where this machine has them, with a study of them to be changed by the test.
 */
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { testHeartData } from '../heart-federation.ts'
import type { Lies } from './lying.ts'

/** In the order of the files. */
const columns = [
  'age',
  'male',
  'chest_pain',
  'resting_blood_pressure',
  'cholesterol',
  'fasting_sugar_high',
  'resting_ecg',
  'heart_rate_max',
  'exercise_angina',
  'st_depression',
  'slope',
  'vessels',
  'thal',
  'disease',
] as const

/** One patient; NaN where a value is missing. */
export type HeartRecord = Readonly<Record<(typeof columns)[number], number>> & { readonly record: string }

export type Hearts = Pick<Lies, 'names' | 'data'> & { readonly records: ReadonlyMap<string, readonly HeartRecord[]> }

/** `choose` leaves out rows of a hospital. */
export async function hearts(choose: (record: HeartRecord, site: string) => boolean = () => true): Promise<Hearts> {
  const { files } = await testHeartData('folder')
  const records = new Map(
    files.map(({ site, bytes }) => {
      const lines = Buffer.from(bytes).toString('latin1').split(/\r?\n/).filter(Boolean)
      const read = lines.map((line, row) => recordOf(line, `${site}-${row}`)).filter((one) => choose(one, site))
      return [site, read]
    }),
  )
  const cells = (one: HeartRecord) =>
    [one.record, ...columns.map((name) => (Number.isNaN(one[name]) ? '' : one[name]))].join()
  return {
    records,
    names: [...records.keys()],
    data: (site) => ({
      'site.yaml': siteYaml,
      'records.csv': `${['record', ...columns].join()}\n${records.get(site)!.map(cells).join('\n')}\n`,
    }),
  }
}

const siteYaml = JSON.stringify({
  files: {
    heart: {
      path: 'records.csv',
      format: 'csv',
      columns: { record: 'VARCHAR', ...Object.fromEntries(columns.map((name) => [name, 'DOUBLE'])) },
    },
  },
  view: 'SELECT * FROM heart',
  patientColumn: 'record',
})

/** Breaks no rule of the default policy; every record of the four hospitals has age and sex. */
export const heartStudy: Partial<StudyInput> = {
  model: { from: 'zoo', name: 'logistic-regression' },
  features: [
    { name: 'age', type: 'number', range: [0, 120] },
    { name: 'male', type: 'boolean' },
  ],
  label: { name: 'disease', type: 'binary' },
  split: { by: 'hash', key: 'record', testFraction: 0.3 },
  localTraining: { steps: 50, batchSize: 4 },
  updateNormMax: 10,
  aggregation: { mode: 'secure', weights: 'bucket', weightMax: 1024 },
  cohort: { planned: 4, min: 3 },
}

function recordOf(line: string, record: string): HeartRecord {
  const values = line.split(',').map((cell) => (cell === '?' ? Number.NaN : Number(cell)))
  const named = Object.fromEntries(columns.map((name, i) => [name, values[i]!])) as Record<
    (typeof columns)[number],
    number
  >
  return { ...named, disease: named.disease > 0 ? 1 : 0, record }
}
