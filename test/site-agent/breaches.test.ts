import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { studyHash } from '@consilium/protos/plan/signed-study.ts'
import { type StudyInput, studySchema } from '@consilium/protos/plan/study.ts'
import { describe, expect, test } from 'vitest'
import { breaches, type Judged } from '../../site-agent/breaches.ts'
import { originOf } from '../../site-agent/origin.ts'
import { defaultPolicy, type Policy } from '../../site-agent/policy.ts'
import { openSiteStore } from '../../site-agent/store/site-store.ts'
import { aManifest, aStudy } from '../support/a-study.ts'
import { makeStudy } from '../support/coordinator-fixture.ts'

const weights = { mode: 'secure', weights: 'bucket' } as const
const zoo = { graph: 'zoo', parameters: 'rule' } as const
const plenty = { trainRows: 500, testRows: 100, droppedRows: 0, remarks: [] }

/** Names of the rules broken by a study that breaks none but for what is changed. */
function broken(changes: Partial<StudyInput>, more: Partial<Judged> = {}, approve: Partial<Policy['approve']> = {}) {
  const study = studySchema.parse({ ...aStudy, aggregation: weights, ...changes })
  const policy = { ...defaultPolicy, approve: { ...defaultPolicy.approve, ...approve } }
  return breaches({ manifest: aManifest({ study }), origin: zoo, policy, data: plenty, ...more }).map(
    ({ rule }) => rule,
  )
}

const sgd = (learningRate: number) => ({ name: 'sgd', learningRate }) as const

test('an ordinary study breaks no rule of the default policy', () => {
  expect(broken({})).toEqual([])
})

describe('each rule is broken by one step over its limit, and kept at the limit', () => {
  test.for<[string, Partial<StudyInput>, Partial<StudyInput>]>([
    ['sealed', { aggregation: { mode: 'sealed' } }, {}],
    ['bins', { evaluation: { bins: 65 } }, { evaluation: { bins: 64 } }],
    ['rounds', { rounds: 201 }, { rounds: 200 }],
    [
      'weights',
      { aggregation: { mode: 'secure', weights: 'exact' } },
      { aggregation: { mode: 'secure', weights: 'uniform' } },
    ],
    ['steps', { localTraining: { steps: 9, batchSize: 64 } }, { localTraining: { steps: 10, batchSize: 64 } }],
    ['steps', { localTraining: { steps: 24, batchSize: 4 } }, { localTraining: { steps: 25, batchSize: 4 } }],
    ['steps', { localTraining: { steps: 1, batchSize: 'full' } }, { localTraining: { steps: 10, batchSize: 'full' } }],
    ['steps', { localTraining: { epochs: 1, batchSize: 100 } }, { localTraining: { epochs: 1, batchSize: 50 } }],
    ['batch', { localTraining: { steps: 100, batchSize: 3 } }, { localTraining: { steps: 100, batchSize: 4 } }],
    ['learning-rate', { optimizer: sgd(10.1) }, { optimizer: sgd(10) }],
    ['learning-rate', { optimizer: sgd(9e-6) }, { optimizer: sgd(1e-5) }],
  ])('%s', ([rule, over, at]) => {
    expect(broken(over)).toEqual([rule])
    expect(broken(at)).toEqual([])
  })

  test('rows, patients and test rows', () => {
    expect(broken({}, { data: { ...plenty, trainRows: 49 } })).toEqual(['rows', 'patients'])
    expect(broken({}, { data: { ...plenty, trainRows: 50 } })).toEqual([])
    expect(broken({}, { data: { ...plenty, patients: 49 } })).toEqual(['patients'])
    expect(broken({}, { data: { ...plenty, testRows: 19 } })).toEqual(['test-rows'])
    const untested = { split: { by: 'hash', key: 'patient_id', testFraction: 0 } } as const
    expect(broken(untested, { data: { ...plenty, testRows: 0 } })).toEqual([])
  })

  test('another key of the split than the site’s patient column', () => {
    const split = { split: { by: 'hash', key: 'visit', testFraction: 0.2 } } as const
    expect(broken(split, { data: { ...plenty, patientColumn: 'patient_id' } })).toEqual(['split-key'])
    expect(broken(split, { data: { ...plenty, patientColumn: 'VISIT' } })).toEqual([])
  })

  test('columns that the policy does not list, features, label and split alike', () => {
    const all = ['age', 'exang', 'cp', 'Disease', 'patient_id']
    expect(broken({}, {}, { columns: all })).toEqual([])
    for (const left of all)
      expect(broken({}, {}, { columns: all.filter((name) => name !== left) })).toEqual(['columns'])
  })

  test('studies of few sites, of a lead in a hurry, and runs of one study', () => {
    const cohort = { planned: 4, min: 3 }
    expect(broken({ cohort }, { deciding: { sites: 9, approvedLately: 0 } })).toEqual(['planned'])
    expect(broken({ cohort }, { deciding: { sites: 8, approvedLately: 4 } })).toEqual([])
    expect(broken({ cohort }, { deciding: { sites: 8, approvedLately: 5 } })).toEqual(['studies'])
    expect([broken({}, { runs: 5 }), broken({}, { runs: 6 })]).toEqual([[], ['runs']])
  })
})

test('what hangs on the rows is not judged before they were looked at', () => {
  const { data: _, ...unseen } = { data: plenty }
  const study = studySchema.parse({ ...aStudy, localTraining: { epochs: 1, batchSize: 1000 } })
  expect(breaches({ manifest: aManifest({ study }), origin: zoo, policy: defaultPolicy, ...unseen })).toEqual([])
})

test('a rule that the policy does without holds for no study', () => {
  expect(broken({ rounds: 1000 }, {}, { accept: ['rounds'] })).toEqual([])
})

describe('where a model comes from', () => {
  const none = () => false
  const { manifest } = makeStudy({ initialParameters: { seed: 0 } })
  const named = (changed: typeof manifest) => ({ hash: studyHash(changed), manifest: changed })

  test.for<[string, Partial<StudyInput>]>([
    ['a logistic regression', {}],
    ['a perceptron', { model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [6, 3] } }],
  ])('%s of the zoo is built here again, with its parameters', ([, changes]) => {
    expect(originOf(named(makeStudy(changes).manifest), none)).toEqual({ graph: 'zoo', parameters: 'rule' })
  })

  test('a graph or parameters that only say to be the zoo’s are their author’s own', () => {
    const other = { sha256: 'ab'.repeat(32), bytes: 24 }
    expect(originOf(named({ ...manifest, graph: other }), none)).toEqual({ graph: 'own', parameters: 'own' })
    expect(originOf(named({ ...manifest, initialParameters: other }), none)).toEqual({
      graph: 'zoo',
      parameters: 'own',
    })
  })

  test('the model of an earlier run counts as drawn by rule where this site accepted it in that run, by its own sum or by signatures', () => {
    const from = { ...manifest, study: { ...manifest.study, initialParameters: { run: 'heart-1' } } }
    const study = named({ ...from, initialParameters: { sha256: 'ce'.repeat(32), bytes: 24 } })
    expect(originOf(study, none)).toEqual({ graph: 'zoo', parameters: 'own' })
    const state = mkdtempSync(join(tmpdir(), 'consilium-origin-'))
    const store = openSiteStore(state)
    for (const how of ['verified', 'signed'] as const) {
      const made = how === 'signed' ? 'ce'.repeat(32) : 'cf'.repeat(32)
      store.results.accept({ planHash: made, run: 'heart-1', purpose: 'train', sums: 'd'.repeat(64), made, how })
      expect(store.results.isFromRun(made)).toBe(true)
    }
    // A standardisation of that hash is no model.
    const other = 'd0'.repeat(32)
    store.results.accept({
      planHash: other,
      run: 'heart-1',
      purpose: 'statistics',
      sums: other,
      made: other,
      how: 'signed',
    })
    expect(store.results.isFromRun(other)).toBe(false)
    expect(originOf(study, store.results.isFromRun)).toEqual({ graph: 'zoo', parameters: 'rule' })
    store.close()
    rmSync(state, { recursive: true, force: true })
  })

  test('parameters that this site computed itself in an earlier run count as drawn by rule', () => {
    const other = { sha256: 'cd'.repeat(32), bytes: 24 }
    const study = named({ ...manifest, initialParameters: other })
    expect(originOf(study, (sha256) => sha256 === other.sha256).parameters).toBe('rule')
    expect(originOf(study, none).parameters).toBe('own')
  })

  test('a model too large to be built only for that is taken for its author’s own, without being built', () => {
    const model = { from: 'zoo' as const, name: 'multi-layer-perceptron' as const, hidden: [65_536, 65_536] }
    const study = { ...manifest.study, model: { ...model, activation: 'relu' as const } }
    expect(originOf(named({ ...manifest, study }), none).graph).toBe('own')
  })

  test('each is a rule of the policy', () => {
    const study = studySchema.parse(aStudy)
    const own = (origin: Judged['origin']) =>
      breaches({ manifest: aManifest({ study }), origin, policy: defaultPolicy }).map(({ rule }) => rule)
    expect(own({ graph: 'own', parameters: 'own' })).toEqual(['graph', 'parameters'])
    expect(own({ graph: 'zoo', parameters: 'own' })).toEqual(['parameters'])
  })
})
