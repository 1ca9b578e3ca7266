import { type StudyInput, studySchema } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { trialOf, trialZeroShare } from '../../site-agent/cli/trial.ts'
import { defaultPolicy } from '../../site-agent/policy.ts'
import { preview } from '../../site-agent/preview.ts'
import { type Risked, risk } from '../../site-agent/risk.ts'
import { openLocalTrainer } from '../../site-agent/train/local-trainer.ts'
import { aManifest, aStudy } from '../support/a-study.ts'
import { aCsvSite, aSmallStudy, keysOfTests } from './a-site.ts'
import { aStudyOfAModel } from './a-study-of-a-model.ts'

const zoo = { graph: 'zoo', parameters: 'rule' } as const
const data = { trainRows: 199, testRows: 104, droppedRows: 3, patients: 190, remarks: [] }

function told(changes: Partial<StudyInput> = {}, more: Partial<Risked> = {}): Record<string, string> {
  const manifest = aManifest({ study: studySchema.parse({ ...aStudy, ...changes }) })
  const { asked, learned } = risk({
    manifest,
    origin: zoo,
    leaves: preview(manifest),
    policy: defaultPolicy,
    data,
    ...more,
  })
  return Object.fromEntries([...asked, ...learned].map(({ about, text }) => [about, text]))
}

test('an ordinary study: which columns of how many patients, what how often, what leaves under which protection', () => {
  expect(told()).toMatchObject({
    reads: '3 features (age, exang, cp), the label disease, and patient_id to tell training rows from test rows',
    of: '199 training rows (190 patients) and 104 test rows; 3 rows are left out',
    computes: expect.stringMatching(
      /^15 rounds of 100 local steps that draw 400 rows, 15 evaluations, means and deviations of columns once, which later studies know; at most 5 runs/,
    ),
    leaves: expect.stringMatching(/^at most \d+ bytes in one run, in 1 x statistics, 15 x train, 15 x evaluate$/),
    under: expect.stringMatching(/^masks: only sums over at least 3 sites .*no noise is added/),
    stays: expect.stringMatching(/nothing is taken back$/),
    'from the result': expect.stringMatching(/^the final model goes to its lead/),
    'from the size': expect.stringMatching(
      /^an update of 6 numbers for 199 training rows, 0\.03 a row; its first layer is 1 wide: too few/,
    ),
    'from the model': expect.stringMatching(/^graph and initial parameters are what this site built itself/),
    'from the steps': expect.stringMatching(/^100 steps on 4 rows each/),
    'from rows left out': expect.stringMatching(
      /^rows without a value of age, .*how many of them are cases, be it a single one; no limit counts that$/,
    ),
    'from refusals': expect.stringMatching(/range of age stops this site: that it stopped is one bit/),
  })
})

test('what makes a study dangerous is said in so many words', () => {
  expect(told({ localTraining: { steps: 1, batchSize: 'full' } })['from the steps']).toMatch(/^ONE STEP on all rows/)
  expect(told({}, { origin: { graph: 'own', parameters: 'own' } })['from the model']).toMatch(
    /GRAPH IS ITS AUTHOR’S OWN/,
  )
  expect(told({}, { origin: { graph: 'zoo', parameters: 'own' } })['from the model']).toMatch(
    /INITIAL PARAMETERS ARE ITS AUTHOR’S OWN/,
  )
  expect(told({ aggregation: { mode: 'sealed' } }).under).toMatch(/^NONE against the coordinator/)
  expect(told({ aggregation: { mode: 'secure', weights: 'exact' } })['from the weights']).toMatch(
    /exact numbers of rows/,
  )
  expect(told({}, { data: { ...data, trainRows: 5 } })['from the size']).toMatch(
    /1\.20 a row.*room in it for single records/,
  )
  expect(told({}, { data: { ...data, zeroShare: 0.7 } })['from a trial']).toMatch(/^70 % .*MORE THAN HALF/)
  expect(told()).not.toHaveProperty('from the time')
  expect(told({ localTraining: { epochs: 2, batchSize: 4 } })['from the time']).toMatch(/longer the more rows/)
  expect(told({ features: [{ name: 'age', type: 'number', missing: 'mean' }] })).not.toHaveProperty(
    'from rows left out',
  )
  expect(told({}, { data: undefined }).of).toMatch(/not looked at yet/)
})

test('a trial update is made of this site’s own rows in a few steps, and tells what share of it is exactly zero', async () => {
  const study = aSmallStudy({ localTraining: { epochs: 1000, batchSize: 4 }, standardisation: 'federated' })
  const rows = Array.from({ length: 40 }, (_, i) => `${i},${i % 3 === 0 ? 1 : 0},train`)
  const path = aCsvSite(`x,y,side\n${rows.join('\n')}\n`, { x: 'DOUBLE', y: 'DOUBLE', side: 'VARCHAR' })
  const { parameters, graph, manifest } = aStudyOfAModel(study)
  const tried = trialOf(manifest)
  expect(tried.study.localTraining).toEqual({ steps: 10, batchSize: 4 })
  const trainer = await openLocalTrainer({
    manifest: tried,
    graph,
    keys: keysOfTests,
    siteConfigPath: path,
    now: () => 0,
  })
  const start = new Uint8Array(parameters.buffer)
  expect(await trialZeroShare(trainer, manifest, start, new AbortController().signal)).toBe(0)
  await trainer.stop()
})
