/**
 * Writes the demo's federation folder: `study.yaml`, `data.yaml` and `sites/<name>/site.yaml` beside each hospital's
 * records. The preparation is that of the FLamby benchmark (du Terrail et al. 2022): without slope, ca and thal, complete
 * rows only, and 13 design columns.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { HeartData, HospitalFile } from './heart-data.ts'

export type HeartFederationOptions = {
  readonly seed: number
  readonly rounds: number
  /** Local steps a round. */
  readonly steps: number
}

/** Replaces what an earlier demo left in `folder`. */
export async function writeHeartFederation(
  folder: string,
  data: HeartData,
  options: HeartFederationOptions,
): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const synthetic = data.origin === 'synthetic'
  const rows = Object.fromEntries(
    Object.entries(small).filter(([name]) => data.files.some(({ site }) => site === name)),
  )
  const label = { description: data.description, synthetic, ...(Object.keys(rows).length > 0 && { rows }) }
  await writeFile(join(folder, 'data.yaml'), stringify(label, { lineWidth: 0 }))
  await writeFile(join(folder, 'study.yaml'), studyYaml(data, options))
  for (const file of data.files) {
    const siteFolder = join(folder, 'sites', file.site)
    await mkdir(siteFolder, { recursive: true })
    await writeFile(join(siteFolder, recordsName(file)), file.bytes)
    if (data.split) await writeFile(join(siteFolder, 'split.csv'), data.split)
    await writeFile(join(siteFolder, 'site.yaml'), siteYaml(file, data.split !== undefined))
  }
}

/** The small hospitals' policies let the study have their few rows: Switzerland's are 46, 30 and 16 by the benchmark's split. */
const fewRows = { rowsMin: 20, testRowsMin: 10 }
const small = { switzerland: fewRows, 'synthetic-c': fewRows }

const recordsName = ({ site }: HospitalFile) => `${site}.data`

function studyYaml({ origin, split }: HeartData, { seed, rounds, steps }: HeartFederationOptions): string {
  const synthetic = origin === 'synthetic'
  const title = 'Coronary heart disease at four hospitals'
  return `# What the research lead writes. README.md explains every key.
name: heart-disease${synthetic ? '-synthetic' : ''}
title: ${JSON.stringify(synthetic ? `SYNTHETIC DATA: ${title}` : title)}
description: >-
  Does a patient have a narrowed coronary artery? Logistic regression on what is known without an angiogram.
  ${synthetic ? 'The hospitals and their records are generated; no figure says anything about medicine.' : 'Features and hyperparameters are those of the FLamby benchmark (Fed-Heart-Disease).'}

model: { from: zoo, name: logistic-regression }
features:
  - { name: age, type: number, unit: years, range: [0, 120] }
  - { name: male, type: boolean }
  - { name: resting_blood_pressure, type: number, unit: mmHg, range: [0, 300] }
  - { name: cholesterol, type: number, unit: mg/dl, range: [0, 1000] }
  - { name: fasting_sugar_high, type: boolean }
  - { name: heart_rate_max, type: number, unit: 1/min, range: [0, 300] }
  - { name: exercise_angina, type: boolean }
  - { name: st_depression, type: number, unit: mm, range: [-10, 10] }
  - { name: chest_pain, type: category, levels: [1, 2, 3, 4] }
  - { name: resting_ecg, type: category, levels: [0, 1, 2] }
label: { name: disease, type: binary }
loss: binary-cross-entropy

optimizer: { name: sgd, learningRate: 0.01 }
localTraining: { steps: ${steps}, batchSize: 4 }
standardisation: federated
initialParameters: { seed: ${seed} }
seed: ${seed}

# Bounds of the fixed-point numbers under the masks: no update here is that long, no hospital has that many rows.
updateNormMax: 10
aggregation: { mode: secure, weights: bucket, weightMax: 1024 }
rounds: ${rounds}
cohort: { min: 3, quorum: 3 }
# On one machine a site that is away for a second has failed; between hospitals the default of 30 s is better.
deadlines: { absentMs: 1000 }
split: ${split ? '{ by: column, column: split }' : '{ by: hash, key: record, testFraction: 0.34 }'}
`
}

function siteYaml(file: HospitalFile, withSplit: boolean): string {
  const splitFile = `
  split:
    path: split.csv
    format: csv
    columns: { site: VARCHAR, row: BIGINT, split: VARCHAR }`
  return `# What the hospital's IT writes: which files the agent may read, and one read-only query over them.
# ${file.hospital}
files:
  heart:
    path: ${recordsName(file)}
    format: csv
    header: false
    nullValues: ['?']
    columns:
      age: DOUBLE
      sex: DOUBLE
      cp: DOUBLE
      trestbps: DOUBLE
      chol: DOUBLE
      fbs: DOUBLE
      restecg: DOUBLE
      thalach: DOUBLE
      exang: DOUBLE
      oldpeak: DOUBLE
      slope: DOUBLE
      ca: DOUBLE
      thal: DOUBLE
      num: DOUBLE${withSplit ? splitFile : ''}
view: |
  SELECT
    heart.age,
    heart.sex = 1 AS male,
    heart.trestbps AS resting_blood_pressure,
    heart.chol AS cholesterol,
    heart.fbs = 1 AS fasting_sugar_high,
    heart.thalach AS heart_rate_max,
    heart.exang = 1 AS exercise_angina,
    heart.oldpeak AS st_depression,
    heart.cp AS chest_pain,
    heart.restecg AS resting_ecg,
    heart.num > 0 AS disease,
    ${
      withSplit
        ? `split.split AS split
  FROM heart
  JOIN split ON split.site = '${file.site}' AND split."row" = heart.row_number`
        : `concat('${file.site}-', CAST(heart.row_number AS VARCHAR)) AS record
  FROM heart`
    }
`
}
