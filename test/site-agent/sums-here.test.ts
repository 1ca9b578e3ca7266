/** What a site tells its people of the sums it was in: with whom, and what is left of each limit. */
import { statisticsVectors } from '@consilium/protos/secagg/vectors.ts'
import { afterEach, expect, test } from 'vitest'
import { describeSums } from '../../site-agent/cli/sums-text.ts'
import { labelOf } from '../../site-agent/round/partners.ts'
import { type LimitHere, sumsHere } from '../../site-agent/sums-here.ts'
import { fiveSites, secureRound } from '../support/secure-round.ts'
import { openSite, type SiteFixture, siteName } from '../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (options: Parameters<typeof openSite>[0] = {}) => {
  opened = openSite(options)
  return opened
}
afterEach(() => opened?.close())

const lenient = { colluders: 0, survivorsMin: 3 }
const lenientStudy = { study: { aggregation: { mode: 'secure', weightMax: 8, ...lenient } } } as const

function here({ store, policy, plan }: SiteFixture) {
  const known = store.studies.find(plan().plan.study)!
  return sumsHere(known, { site: siteName, store, policy, now: new Date() })
}

const used = (site: SiteFixture, limit: LimitHere['limit']) =>
  here(site)
    .limits.filter((each) => each.limit === limit)
    .map(({ of, used, left }) => [of, used, left])

test('each sum that it confirmed is told with those who were in it, same sites together', async () => {
  const site = open(lenientStudy)
  expect(here(site)).toMatchObject({ sums: [], partners: [] })
  await secureRound(site, { secure: lenient }).unmasked()
  await secureRound(site, { purpose: 'evaluate', secure: lenient }).unmasked()
  await secureRound(site, { purpose: 'evaluate', round: 2, secure: lenient }).unmasked()
  const one = { count: 1, firstRound: 1, lastRound: 1 }
  expect(here(site).sums).toEqual([
    { run: 'heart-1', purpose: 'train', sites: fiveSites, ...one },
    { run: 'heart-1', purpose: 'evaluate', sites: fiveSites, count: 2, firstRound: 1, lastRound: 2 },
  ])
  expect(here(site).partners).toEqual([{ purpose: 'evaluate', sites: fiveSites, past: false }])
})

test('runs of the study, roll-backs among them, count towards its limit, and where nothing is left it says so', async () => {
  const site = open(lenientStudy)
  expect(used(site, 'approve.runsMax')).toEqual([['study heart', 0, 5]])
  for (const run of ['heart-1', 'heart-2']) await secureRound(site, { run, secure: lenient }).unmasked()
  expect(used(site, 'approve.runsMax')).toEqual([['study heart', 2, 3]])
  site.store.heads.accept(
    'heart-2',
    { size: 900, root: 'b'.repeat(64) },
    {
      ...{ entry: 899, parameters: 'c'.repeat(64), isRollback: true },
    },
  )
  expect(used(site, 'approve.runsMax')).toEqual([['study heart', 3, 2]])
  site.policy.approve = { ...site.policy.approve, runsMax: 3, accept: ['runs'] }
  expect(here(site).limits[0]).toMatchObject({ used: 3, max: 3, left: 0, waived: true })
})

test('evaluations of other studies by one label count where they differ by a few sites, comings and goings in each run', async () => {
  const site = open(lenientStudy)
  const { manifest } = site.store.studies.read(site.store.studies.find(site.plan().plan.study)!)
  const four = fiveSites.filter((name) => name !== 'basel')
  const settled = (n: number, sites: readonly string[]) =>
    site.store.partners.keep({
      ...{ study: `${n}`.padStart(64, '0'), purpose: 'evaluate', label: labelOf(manifest), sites, change: 0 },
    })
  settled(1, four)
  settled(2, fiveSites)
  // While its own sites are not settled, any of these may come to differ from them by a few.
  expect(used(site, 'secure.evaluateExposuresMax')).toEqual([[`label ${manifest.study.label.name}`, 2, 1]])
  await secureRound(site, { purpose: 'evaluate', secure: lenient }).unmasked()
  expect(used(site, 'secure.evaluateExposuresMax')).toEqual([[`label ${manifest.study.label.name}`, 1, 2]])

  const came = (round: number, how: 'verified' | 'signed') =>
    site.store.results.accept({
      ...{ planHash: `${round}`.repeat(64), run: 'heart-1', purpose: 'train', how },
      ...{ sums: 'd'.repeat(64), made: `${round}`.padStart(64, 'e') },
    })
  // The model of the evaluation was taken over by signatures: this site was not in the training before.
  for (const [round, how] of [
    [1, 'signed'],
    [2, 'verified'],
    [3, 'verified'],
    [4, 'signed'],
  ] as const)
    came(round, how)
  expect(used(site, 'secure.trainExposuresMax')).toEqual([['run heart-1', 2, 23]])
})

test('studies of a lead that were approved without asking count for 31 days, a person’s do not', () => {
  const site = open({ approved: false })
  const known = site.store.studies.find(site.plan().plan.study)!
  const now = new Date()
  const left = (at: Date) =>
    sumsHere(known, { site: siteName, store: site.store, policy: site.policy, now: at }).limits.find(
      ({ limit }) => limit === 'approve.studiesMax',
    )
  expect(left(now)).toMatchObject({ used: 0, max: 5 })
  const decision = { study: known.hash, decision: 'approved', lead: known.lead, account: '', reason: '' } as const
  site.store.studies.decide({ ...decision, by: 'policy' })
  expect(left(now)).toMatchObject({ of: `lead ${known.lead} in 31 days`, used: 1, left: 4 })
  expect(left(new Date(now.getTime() + 32 * 86_400_000))).toMatchObject({ used: 0 })
})

test('of each column it is told whether it was summed, in which run and among whom, or who vouches for its mean', async () => {
  const site = open()
  expect(here(site).columns).toEqual([
    { column: 'age', state: 'new' },
    { column: 'chol', state: 'new' },
  ])
  const columns = [{ name: 'chol' }]
  const summing = { purpose: 'statistics', round: 0, columns, secure: { vectors: statisticsVectors(columns) } } as const
  const round = secureRound(site, summing)
  await round.unmasked()
  expect(here(site).columns[1]).toEqual({ column: 'chol', state: 'masked', sites: fiveSites })
  site.coordinator.say(await round.verifySum())
  await round.sent('verified')
  expect(here(site).columns[1]).toEqual({ column: 'chol', state: 'known', run: 'heart-1', sites: fiveSites })
  const age = { name: 'age', means: [50], standardDeviations: [9] }
  site.store.columns.keepMean({ column: age, run: 'stroke-3', planHash: 'ee'.repeat(32), vouchers: 3 })
  expect(here(site).columns[0]).toEqual({ column: 'age', state: 'known', run: 'stroke-3', vouchers: 3 })
  const text = describeSums([here(site)], { isWhole: true })
  expect(text).toMatch(/summed once, in all studies; mean and deviation are known to later ones/)
  expect(text).toMatch(/age +run stroke-3, without this site: mean and deviation on the word of 3 sites/)
  expect(text).toMatch(new RegExp(`chol +run heart-1 among ${fiveSites.join(', ')}`))
})
