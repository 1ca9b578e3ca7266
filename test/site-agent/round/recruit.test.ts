import { generateIdentity } from '@consilium/protos/identity.ts'
import { signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { recruit } from '../../../site-agent/round/recruit.ts'
import {
  cohort,
  coordinator,
  lead,
  openSite,
  type PlanFields,
  type SiteFixture,
  studyOf,
} from '../../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (...options: Parameters<typeof openSite>) => {
  opened = openSite(...options)
  return opened
}
afterEach(() => opened?.close())

test('a plan that passes every check names its study and hash', () => {
  const site = open()
  const { signed, hash } = site.plan()
  expect(recruit(signed, site.site)).toMatchObject({ planHash: hash, study: { hash: studyHash(site.study.manifest) } })
})

const seventeen = Array.from({ length: 17 }, () => 1)

test.for<{ what: string; fields: PlanFields; code: string }>([
  { what: 'of a study never offered here', fields: { study: '0'.repeat(64) }, code: 'study-unapproved' },
  { what: 'whose cohort leaves this site out', fields: { cohort: ['hope', 'saint-anne', 'x'] }, code: 'not-in-cohort' },
  { what: 'with too small a cohort', fields: { cohort: cohort.slice(0, 2) }, code: 'cohort-too-small' },
  { what: 'that counts a site twice', fields: { cohort: ['mercy', 'hope', 'hope'] }, code: 'cohort-too-small' },
  { what: 'of a round beyond the study', fields: { round: 4 }, code: 'message-invalid' },
  { what: 'of training before the first round', fields: { round: 0 }, code: 'message-invalid' },
  { what: 'of statistics in a later round', fields: { purpose: 'statistics' }, code: 'message-invalid' },
  {
    what: 'with a standardisation of other columns',
    fields: { standardisation: { means: seventeen, standardDeviations: seventeen } },
    code: 'shape-mismatch',
  },
  {
    what: 'of statistics that carries their result already',
    fields: { purpose: 'statistics', round: 0, standardisation: { means: [0, 0], standardDeviations: [1, 1] } },
    code: 'message-invalid',
  },
  { what: 'whose first round starts elsewhere', fields: { model: 'a'.repeat(64) }, code: 'hash-mismatch' },
])('a plan $what is refused as $code', ({ fields, code }) => {
  const site = open()
  expect(() => recruit(site.plan(fields).signed, site.site)).toThrow(expect.objectContaining({ code }))
})

test('a federated study is not trained without its standardisation', () => {
  const site = open()
  const { standardisation: _, ...plan } = site.plan().plan
  expect(() => recruit(signRoundPlan(plan, coordinator), site.site)).toThrow(/lacks means/)
})

test('an evaluation is refused where the approved study has none', () => {
  const site = open({ study: { evaluation: { everyRounds: 3 } } })
  expect(() => recruit(site.plan({ purpose: 'evaluate', round: 2 }).signed, site.site)).toThrow(
    expect.objectContaining({ code: 'message-invalid' }),
  )
  expect(recruit(site.plan({ purpose: 'evaluate', round: 3 }).signed, site.site).plan.purpose).toBe('evaluate')
})

test('an evaluation of the parameters that the study’s author chose is refused: no round made them', () => {
  const site = open()
  const { modelEntry: _, ...plan } = site.plan({ purpose: 'evaluate' }).plan
  expect(() => recruit(signRoundPlan(plan, coordinator), site.site)).toThrow(
    expect.objectContaining({ code: 'model-not-in-log' }),
  )
})

test('statistics are no part of a study that standardises per site', () => {
  const site = open({ study: { standardisation: 'per-site' } })
  const { standardisation: _, ...plan } = site.plan({ purpose: 'statistics', round: 0 }).plan
  expect(() => recruit(signRoundPlan(plan, coordinator), site.site)).toThrow(
    expect.objectContaining({ code: 'message-invalid' }),
  )
})

test('a plan signed by another coordinator than the pinned one is refused', () => {
  const site = open()
  const forged = signRoundPlan(site.plan().plan, generateIdentity())
  expect(() => recruit(forged, site.site)).toThrow(expect.objectContaining({ code: 'signature-invalid' }))
})

describe('consent', () => {
  test('a study that awaits a decision does not run', () => {
    const site = open({ approved: false })
    expect(() => recruit(site.plan().signed, site.site)).toThrow(/awaits approval/)
  })

  test('a rejected study does not run, nor one whose approval was withdrawn', () => {
    const site = open()
    site.decide('rejected')
    expect(() => recruit(site.plan().signed, site.site)).toThrow(/was rejected/)
  })

  test('a study edited after its approval needs approval again', () => {
    const site = open()
    const edited = signStudy(studyOf({ rounds: 3000 }, site.coordinator), lead)
    site.store.studies.keep(Buffer.from(JSON.stringify(edited)))
    const plan = site.plan({ study: studyHash(edited.manifest) })
    expect(() => recruit(plan.signed, site.site)).toThrow(expect.objectContaining({ code: 'study-altered' }))
    site.decide('approved', edited)
    expect(recruit(plan.signed, site.site).study.manifest.study.rounds).toBe(3000)
  })

  test('a study approved as one lead signed it does not run as another lead signs it', () => {
    const site = open()
    const other = signStudy(site.study.manifest, generateIdentity())
    site.store.studies.keep(Buffer.from(JSON.stringify(other)))
    expect(() => recruit(site.plan().signed, site.site)).toThrow(expect.objectContaining({ code: 'lead-unknown' }))
  })
})

describe('freshness', () => {
  const later = { round: 2, model: 'b'.repeat(64) }

  test('another plan for a round already worked on is stale', () => {
    const site = open()
    begin(site, site.plan(later))
    const replay = site.plan({ ...later, model: 'c'.repeat(64) })
    expect(() => recruit(replay.signed, site.site)).toThrow(expect.objectContaining({ code: 'stale-round' }))
    expect(recruit(site.plan(later).signed, site.site).planHash).toBe(site.plan(later).hash)
  })

  test('a round that is over is stale', () => {
    const site = open()
    begin(site, site.plan(later))
    site.store.journal.over(site.plan(later).hash, 'committed', '')
    expect(() => recruit(site.plan(later).signed, site.site)).toThrow(expect.objectContaining({ code: 'stale-round' }))
  })

  test('a run never goes backwards', () => {
    const site = open()
    begin(site, site.plan({ ...later, purpose: 'evaluate' }))
    expect(() => recruit(site.plan(later).signed, site.site)).toThrow(expect.objectContaining({ code: 'stale-round' }))
    expect(recruit(site.plan({ ...later, round: 3 }).signed, site.site).plan.round).toBe(3)
  })

  test('a run that is over asks for nothing more', () => {
    const site = open()
    site.store.journal.runOver('heart-1', 'cancelled', 'the operator cancelled it')
    expect(() => recruit(site.plan().signed, site.site)).toThrow(expect.objectContaining({ code: 'stale-round' }))
  })
})

function begin(site: SiteFixture, { plan, hash }: ReturnType<SiteFixture['plan']>): void {
  site.store.journal.begin(hash, plan)
}

test('a plan without a site that the study requires is refused', () => {
  const site = open({ study: { cohort: { require: ['hope', 'zurich'] } } })
  expect(() => recruit(site.plan().signed, site.site)).toThrow(
    expect.objectContaining({ code: 'cohort-too-small', message: expect.stringContaining('requires zurich in every') }),
  )
  recruit(site.plan({ cohort: ['hope', 'mercy', 'zurich'] }).signed, site.site)
})
