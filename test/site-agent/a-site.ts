/** Sites for tests: a folder with a `site.yaml` and its files, small or the four real hospitals'. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Study, type StudyInput, studySchema } from '@consilium/protos/plan/study.ts'
import { afterAll } from 'vitest'
import type { StudyKeys } from '../../site-agent/data/study-keys.ts'

/** What a study's rows are split and ordered by, in tests. */
export const keysOfTests: StudyKeys = {
  split: new Uint8Array(32).fill(1),
  order: new Uint8Array(32).fill(2),
  marks: new Uint8Array(32).fill(3),
}

export type SiteFiles = Readonly<Record<string, string | Uint8Array>>

const folders: string[] = []
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Writes the files beside `site.yaml` into a fresh folder; returns the path of `site.yaml`. */
export function aSite(siteYaml: string, files: SiteFiles = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-site-'))
  folders.push(folder)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const path = join(folder, 'site.yaml')
  writeFileSync(path, siteYaml)
  return path
}

/** One CSV with a header, selected as it stands unless a view is given. */
export function aCsvSite(
  csv: string,
  columns: Readonly<Record<string, string>>,
  view = 'SELECT * FROM patients',
): string {
  const site = { files: { patients: { path: 'patients.csv', format: 'csv', nullValues: ['?'], columns } }, view }
  return aSite(JSON.stringify(site), { 'patients.csv': csv })
}

/** A study of one number feature x and a binary label y, all rows by the column `side`. */
export function aSmallStudy(changes: Partial<StudyInput> = {}): Study {
  return studySchema.parse({
    name: 'small',
    title: 'A small study',
    model: { from: 'zoo', name: 'logistic-regression' },
    features: [{ name: 'x', type: 'number' }],
    label: { name: 'y', type: 'binary' },
    loss: 'binary-cross-entropy',
    optimizer: { name: 'sgd', learningRate: 0.1 },
    localTraining: { steps: 10, batchSize: 4 },
    rounds: 1,
    split: { by: 'column', column: 'side' },
    ...changes,
  })
}

export const heartSites = ['cleveland', 'hungarian', 'switzerland', 'va'] as const
export type HeartSite = (typeof heartSites)[number]

/** The folder of the real data, where this machine has it. */
export const heartFolder = [process.env.CONSILIUM_DATA, resolve(import.meta.dirname, '../../../shared/data')]
  .flatMap((folder) => (folder ? [join(folder, 'heart-disease')] : []))
  .find((folder) => existsSync(join(folder, 'split.csv')))

if (!heartFolder) console.log('No heart-disease data (CONSILIUM_DATA): the tests on the real data are skipped.')

/** The benchmark's preparation and split. */
export function heartStudy(changes: Partial<StudyInput> = {}): Study {
  return studySchema.parse({
    name: 'heart-disease',
    title: 'Heart disease in four hospitals',
    model: { from: 'zoo', name: 'logistic-regression' },
    features: [
      { name: 'age', type: 'number', range: [0, 120] },
      { name: 'male', type: 'boolean' },
      { name: 'trestbps', type: 'number' },
      { name: 'chol', type: 'number' },
      { name: 'fbs', type: 'boolean' },
      { name: 'thalach', type: 'number' },
      { name: 'exang', type: 'boolean' },
      { name: 'oldpeak', type: 'number' },
      { name: 'cp', type: 'category', levels: [1, 2, 3, 4] },
      { name: 'restecg', type: 'category', levels: [0, 1, 2] },
    ],
    label: { name: 'disease', type: 'binary' },
    loss: 'binary-cross-entropy',
    optimizer: { name: 'sgd', learningRate: 0.01 },
    localTraining: { steps: 100, batchSize: 4 },
    rounds: 15,
    split: { by: 'column', column: 'side' },
    ...changes,
  })
}

/** The mapping of one of the four hospitals onto {@link heartStudy}. */
export function aHeartSite(site: HeartSite): string {
  const names = 'age sex cp trestbps chol fbs restecg thalach exang oldpeak slope ca thal num'.split(' ')
  const columns = names.map((name) => `      ${name}: DOUBLE`).join('\n')
  return aSite(`files:
  patients:
    path: ${heartFolder}/processed.${site}.data
    format: csv
    header: false
    nullValues: ['?']
    columns:
${columns}
  split:
    path: ${heartFolder}/split.csv
    format: csv
    columns: { site: VARCHAR, row: BIGINT, split: VARCHAR }
view: |
  SELECT p.row_number, age, sex = 1 AS male, trestbps, chol, fbs = 1 AS fbs, thalach, exang = 1 AS exang, oldpeak,
         cp, restecg, num > 0 AS disease, s.split AS side
  FROM patients p LEFT JOIN split s ON s."row" = p.row_number AND s.site = '${site}'
`)
}
