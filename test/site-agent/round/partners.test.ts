/** Which sums a site helps to: the same partners in every evaluation, no two training sums that differ by a few sites. */

import { functionHash, isClose } from '@consilium/protos/plan/same-function.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { labelOf } from '../../../site-agent/round/partners.ts'
import { aManifest } from '../../support/a-study.ts'
import { refusalAt } from '../../support/refusal.ts'
import { fiveSites, secureRound } from '../../support/secure-round.ts'
import { openSite, type SiteFixture } from '../../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (options: Parameters<typeof openSite>[0] = {}) => {
  opened = openSite(options)
  return opened
}
afterEach(async () => {
  await opened?.close()
  opened = undefined
})

const four = fiveSites.filter((site) => site !== 'basel')
const lenient = { colluders: 0, survivorsMin: 3 }
const lenientStudy = { study: { aggregation: { mode: 'secure', weightMax: 8, ...lenient } } } as const

describe('evaluations and statistics', () => {
  test.for([
    ['evaluate', 1, 'other-partners'],
    ['statistics', 0, 'column-summed'],
  ] as const)(
    '%s: the first set that it masked for is the one for good, in every run',
    async ([purpose, round, code]) => {
      const site = open()
      await secureRound(site, { purpose, round }).unmasked()
      expect(site.store.partners.find(site.plan().plan.study, purpose)?.sites).toEqual(fiveSites)
      const other = secureRound(site, { purpose, round, run: 'heart-2', cohort: four })
      site.coordinator.say({ type: 'assignment', plan: other.signed })
      expect(await refusalAt(site)).toMatchObject({ code })
      await secureRound(site, { purpose, round, run: 'heart-3' }).unmasked()
    },
  )

  test('a part of the set is not confirmed; the set is settled, as an upload is in whatever sum others open', async () => {
    const site = open(lenientStudy)
    const round = secureRound(site, { purpose: 'evaluate', secure: lenient })
    const others = round.others.filter((name) => name !== 'zurich')
    await round.uploaded(others)
    site.coordinator.say(await round.survivors(others, others))
    expect(await refusalAt(site)).toMatchObject({ code: 'survivors-invalid' })
    expect(site.store.records.refusals(1)[0]!.reason).toMatch(/zurich is not among the survivors/)
    expect(site.store.partners.find(round.plan.study, 'evaluate')?.sites).toEqual(fiveSites)
  })

  test('two sessions side by side, among sets that overlap: this site masks for one of them', async () => {
    const site = open(lenientStudy)
    const [one, other] = [
      secureRound(site, { purpose: 'evaluate', secure: lenient }),
      secureRound(site, { purpose: 'evaluate', run: 'heart-2', cohort: four, secure: lenient }),
    ]
    await one.shared()
    const due = await other.sharesDue()
    await site.coordinator.until(() => site.store.sessions.find(one.hash)?.state === 'shared' || undefined)
    const own = await one.sent('share-keys')
    site.coordinator.say(one.shares(own, one.directory(await one.sent('advertise'))))
    await site.coordinator.until(() => site.events.find((e) => e.type === 'uploaded' && e.planHash === one.hash))
    site.coordinator.say(due)
    expect(await refusalAt(site)).toMatchObject({ planHash: other.hash, code: 'other-partners' })
    expect(site.coordinator.uploads.has(other.hash)).toBe(false)
  })

  test('a study whose own set is settled goes on, whatever sets other studies with this label have', async () => {
    const site = open()
    const { study } = site.plan().plan
    const settled = (sites: readonly string[], n: number) =>
      site.store.partners.keep({ study: `${n}`.padStart(64, '0'), purpose: 'evaluate', label, sites, change: 0 })
    await secureRound(site, { purpose: 'evaluate' }).unmasked()
    const label = labelAt(site)
    for (const n of [1, 2, 3]) settled(four, n)
    // The study's own set is settled: it counts no more.
    await secureRound(site, { purpose: 'evaluate', round: 2 }).unmasked()
    expect(site.store.partners.find(study, 'evaluate')?.sites).toEqual(fiveSites)
  })

  test('and beyond the policy’s number a person decides', async () => {
    const site = open()
    for (const n of [1, 2, 3])
      site.store.partners.keep({
        study: `${n}`.padStart(64, '0'),
        purpose: 'evaluate',
        label: labelAt(site),
        sites: four,
        change: 0,
      })
    const round = secureRound(site, { purpose: 'evaluate' })
    site.coordinator.say({ type: 'assignment', plan: round.signed })
    expect(await refusalAt(site)).toMatchObject({ code: 'exposures-exceeded' })
    site.policy.secure = { ...site.policy.secure, evaluateExposuresMax: 4 }
    await secureRound(site, { purpose: 'evaluate', run: 'heart-2' }).unmasked()
  })
})

describe('training', () => {
  test('from the same model, in another run, with one site less is refused; with the same sites it is not', async () => {
    const site = open(lenientStudy)
    await secureRound(site, { secure: lenient }).unmasked()
    const again = secureRound(site, { run: 'heart-2', cohort: four, secure: lenient })
    await again.uploaded()
    site.coordinator.say(await again.survivors())
    expect(await refusalAt(site)).toMatchObject({ code: 'cohort-differencing' })
    await secureRound(site, { run: 'heart-3', secure: lenient }).unmasked()
  })

  test('is compared by what is computed: another study of its own is not the same function', () => {
    const manifest = aManifest()
    const own = functionHash(manifest)
    const changed = (study: object) => functionHash({ ...manifest, study: { ...manifest.study, ...study } })
    expect(
      changed({ name: 'other', title: 'Other', rounds: 3, deadlines: { ...manifest.study.deadlines, workMs: 1 } }),
    ).toBe(own)
    // Where the parameters are said to come from is no part of it: two studies could name two runs for the same ones.
    expect(changed({ initialParameters: { run: 'heart-1' } })).toBe(own)
    expect(changed({ initialParameters: { seed: 9 } })).toBe(own)
    expect(changed({ seed: 9 })).not.toBe(own)
    expect(changed({ loss: 'mean-squared-error' })).not.toBe(own)
    expect(changed({ localTraining: { steps: 7, batchSize: 4 } })).not.toBe(own)
    expect(functionHash({ ...manifest, graph: { sha256: 'ab'.repeat(32), bytes: 1 } })).not.toBe(own)
  })

  test('a site that came and went too often in a run stays away from its training, not from its evaluations', async () => {
    const site = open()
    for (let i = 0; i < 28; i++) {
      const planHash = `${i}`.padStart(64, '0')
      const how = i % 2 === 0 ? 'verified' : 'signed'
      site.store.results.accept({ planHash, run: 'heart-1', purpose: 'train', sums: planHash, made: planHash, how })
    }
    expect(site.store.results.comingsAndGoings('heart-1')).toBe(27)
    site.coordinator.say({ type: 'assignment', plan: secureRound(site).signed })
    expect(await refusalAt(site)).toMatchObject({ code: 'exposures-exceeded' })
    await secureRound(site, { purpose: 'evaluate' }).unmasked()
  })

  test('where the policy says strict it is among all the partners of the evaluations or without this site', async () => {
    const site = open()
    site.policy.secure = { ...site.policy.secure, partners: 'strict' }
    const { study } = site.plan().plan
    const settled = { study, label: labelAt(site), sites: fiveSites, change: 0 } as const
    site.store.partners.keep({ ...settled, purpose: 'evaluate' })
    site.coordinator.say({ type: 'assignment', plan: secureRound(site, { cohort: four }).signed })
    expect(await refusalAt(site)).toMatchObject({ code: 'other-partners', reason: expect.stringMatching(/strict/) })
    const whole = secureRound(site, { run: 'heart-2' })
    const names = whole.others.slice(0, -1)
    await whole.uploaded()
    site.coordinator.say(await whole.survivors(names, whole.others))
    expect(await refusalAt(site, 2)).toMatchObject({ code: 'survivors-invalid' })
    await secureRound(site, { run: 'heart-3' }).unmasked()
  })
})

test.for([
  ['the same sites', ['a', 'b', 'c'], ['c', 'b', 'a'], false],
  ['one site less', ['a', 'b', 'c'], ['a', 'b'], true],
  ['one for another', ['a', 'b', 'c'], ['a', 'b', 'd'], true],
  ['nobody in common', ['a', 'b', 'c'], ['d', 'e', 'f'], false],
] as const)('sets with %s', ([, one, other, close]) => {
  expect(isClose(one, other, 3)).toBe(close)
})

/** As the store keeps the label of the fixture's study. */
function labelAt(site: SiteFixture): string {
  return labelOf(site.study.manifest)
}
