/**
 * The attack of one gate a row: a crafted graph whose one full-batch step writes each record of the hospital into columns of
 * its own of the update. The control reads them all; with the check the update does not leave, and no policy lets the study
 * pass without a person.
 */
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { parameterLayout } from '@consilium/models/parameters.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { type StudyManifest, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { afterEach, expect, test } from 'vitest'
import { breaches } from '../../site-agent/breaches.ts'
import { originOf } from '../../site-agent/origin.ts'
import { defaultPolicy } from '../../site-agent/policy.ts'
import { openLocalTrainer } from '../../site-agent/train/local-trainer.ts'
import { gateFrozen, gateGraph } from '../support/gate-graph.ts'
import { openSite, type SiteFixture } from '../support/site-fixture.ts'
import { aCsvSite, aSmallStudy, keysOfTests } from './a-site.ts'
import { aStudyOfAModel } from './a-study-of-a-model.ts'

const gates = 200
const patients = Array.from({ length: 60 }, (_, i) => ({
  record: 3 * i + 1,
  age: 30 + ((7 * i) % 50),
  y: i % 3 === 0 ? 1 : 0,
}))
const columns = { record: 'DOUBLE', age: 'DOUBLE', y: 'DOUBLE', side: 'VARCHAR' }
const site = () =>
  aCsvSite(
    `record,age,y,side\n${patients.map(({ record, age, y }) => `${record},${age},${y},train`).join('\n')}\n`,
    columns,
  )
const study = aSmallStudy({
  model: { from: 'onnx', path: 'gates.onnx', frozen: gateFrozen },
  features: [
    { name: 'record', type: 'number' },
    { name: 'age', type: 'number' },
  ],
  standardisation: 'none',
  optimizer: { name: 'sgd', learningRate: 1 },
  localTraining: { steps: 1, batchSize: 'full' },
})
const watch = { onProgress: () => undefined, signal: new AbortController().signal }

function gateStudy(): { manifest: StudyManifest; graph: Uint8Array } {
  const model = gateGraph(gates)
  const graph = encodeModel(model)
  const layout = parameterLayout(model, gateFrozen).map(({ name, dims }) => ({ name, dims: [...dims] }))
  const start = new Uint8Array(4 * 2 * gates)
  return {
    graph,
    manifest: {
      format: 1,
      study,
      graph: { sha256: sha256Hex(graph), bytes: graph.length },
      layout,
      initialParameters: { sha256: sha256Hex(start), bytes: start.length },
    },
  }
}

let opened: SiteFixture | undefined
afterEach(async () => {
  await opened?.close()
  opened = undefined
})

test('without the check one update holds every record of the hospital; most of it is exactly zero', async () => {
  const trainer = await openLocalTrainer({ ...gateStudy(), keys: keysOfTests, siteConfigPath: site(), now: () => 0 })
  const { update, zeroShare } = await trainer.train({ ...watch, round: 1, parameters: new Float32Array(2 * gates) })
  await trainer.stop()
  const read = Array.from({ length: gates }, (_, record) => record).flatMap((record) => {
    const [a, b] = [update[record]!, update[gates + record]!]
    return b === 0 ? [] : [{ record, age: Math.round((record * b) / a), y: b > 0 ? 1 : 0 }]
  })
  expect(read).toEqual(patients)
  expect(zeroShare).toBeGreaterThan(0.5)
})

test('no policy lets it pass: a person has to accept graph, parameters, a single step and what a trial update shows', () => {
  const { manifest } = gateStudy()
  const origin = originOf({ hash: studyHash(manifest), manifest }, () => false)
  const data = { trainRows: 60, testRows: 30, droppedRows: 0, remarks: [], zeroShare: 0.7 }
  expect(breaches({ manifest, origin, policy: defaultPolicy, data }).map(({ rule }) => rule)).toEqual([
    'graph',
    'parameters',
    'steps',
    'zeros',
  ])
})

test.for([
  ['is not sent: the site says nothing, notes why, and gives zeros', false],
  ['is sent where a person accepted it', true],
] as const)('an update of which more than half is exactly zero %s', async ([, accepts]) => {
  opened = openSite()
  const by = { by: 'person', account: 'it', reason: '' } as const
  const accepted = ['graph', 'parameters', 'steps', ...(accepts ? ['zeros'] : [])]
  const { lead, study: hash, decision } = opened.store.studies.decisionOn(studyHash(opened.study.manifest))!
  opened.store.studies.decide({ study: hash, lead, decision, ...by, accepted })
  opened.policy.approve = { ...defaultPolicy.approve }
  opened.trainer.train = { ...opened.trainer.train, zeroShare: 0.51 }
  const { signed } = opened.plan()
  opened.coordinator.say({ type: 'assignment', plan: signed })
  const { coordinator, events } = opened
  await coordinator.until(() => coordinator.sent.find(({ type }) => type === 'work-done'))
  const nothing = events.filter(({ type }) => type === 'nothing-to-give')
  if (accepts) expect(nothing).toEqual([])
  else
    expect(nothing).toMatchObject([
      { code: 'update-invalid', reason: expect.stringMatching(/^51\.0 % .*--accept zeros/) },
    ])
  expect(coordinator.sent.filter(({ type }) => type === 'refusal')).toEqual([])
})

test('honest training is far from it, also where no row here has most of the levels', async () => {
  const levelled = aSmallStudy({
    features: [{ name: 'x', type: 'category', levels: [1, 2, 3, 4, 5, 6, 7, 8], encoding: 'one-hot' }],
    standardisation: 'none',
  })
  const rows = Array.from({ length: 40 }, (_, i) => `${1 + (i % 2)},${i % 3 === 0 ? 1 : 0},train`)
  const path = aCsvSite(`x,y,side\n${rows.join('\n')}\n`, { x: 'DOUBLE', y: 'DOUBLE', side: 'VARCHAR' })
  const { parameters, ...named } = aStudyOfAModel(levelled)
  const trainer = await openLocalTrainer({ ...named, keys: keysOfTests, siteConfigPath: path, now: () => 0 })
  const { update, zeroShare } = await trainer.train({ ...watch, round: 1, parameters })
  await trainer.stop()
  expect(update.filter((value) => value === 0)).toHaveLength(6)
  expect(zeroShare).toBe(0)
})
