/**
 * A column is summed once (fedsum, section E.4), as a site holds it against a coordinator that asks again: among others, under
 * another study, half-way through; and what it takes for the mean of a column that it did not sum.
 */
import { type SummedColumn, summedValues } from '@consilium/protos/plan/columns.ts'
import type { RoundPlan, Summed } from '@consilium/protos/plan/round-plan.ts'
import { signMessage, verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { readStatistics } from '@consilium/protos/secagg/statistics.ts'
import { statisticsVectors } from '@consilium/protos/secagg/vectors.ts'
import { columnsHash } from '@consilium/protos/strategy/made.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { fiveSites, secureRound } from '../../support/secure-round.ts'
import { openSite, type PlanFields, peers, type SiteFixture } from '../../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (...options: Parameters<typeof openSite>) => {
  opened = openSite(...options)
  return opened
}
afterEach(() => opened?.close())

const statistics = { purpose: 'statistics', round: 0 } as const
const fourSites = fiveSites.filter((site) => site !== 'zurich')

/** The code with which the site refuses this plan. */
async function refusalOf(site: SiteFixture, fields: PlanFields): Promise<string> {
  const { signed, hash } = site.plan({ cohort: fiveSites, ...fields })
  site.coordinator.say({ type: 'assignment', plan: signed })
  const isThis = (m: { type: string; planHash?: string }) => m.type === 'refusal' && m.planHash === hash
  const refusal = await site.coordinator.until(() => site.coordinator.sent.find(isThis))
  return (refusal as unknown as { code: string }).code
}

/** A round of statistics that this site verified. */
async function sumOnce(site: SiteFixture, fields: PlanFields = {}) {
  const round = secureRound(site, { ...statistics, ...fields })
  await round.unmasked()
  site.coordinator.say(await round.verifySum())
  await round.sent('verified')
  return round
}

const ofColumns = (columns: NonNullable<RoundPlan['columns']>): PlanFields => ({
  ...statistics,
  columns,
  secure: { vectors: statisticsVectors(columns) },
})

describe('a column that was summed', () => {
  test('is summed for nobody again: not in another run, not for the very same sites, not among others', async () => {
    const site = open()
    await sumOnce(site)
    for (const cohort of [fiveSites, fourSites])
      expect(await refusalOf(site, { ...statistics, run: `heart-${cohort.length}`, cohort })).toBe('column-summed')
    expect(await refusalOf(site, { ...ofColumns([{ name: 'chol' }]), run: 'heart-9' })).toBe('column-summed')
    expect(site.trainer.calls.filter((call) => call === 'statistics')).toHaveLength(1)
  })

  test('has one mean here: a plan that gives another one is refused, whoever signed it', async () => {
    const site = open()
    const { hash } = await sumOnce(site)
    const mean = site.store.columns.mean('chol')!
    expect(mean).toMatchObject({ planHash: hash, run: 'heart-1' })
    const other = [column('age', 50, 9), column('chol', mean.column.means[0]! + 1, 50)]
    expect(await refusalOf(site, training(other, [signed({ columns: other })]))).toBe('sum-not-verified')
  })

  test('is forgotten with a round that made nothing, and the very same is summed again among the same sites', async () => {
    const site = open()
    const first = await sumOnce(site)
    const words = await ownStatistics(first)
    site.coordinator.say({ type: 'round-over', planHash: first.hash, outcome: 'failed', reason: 'too few verified it' })
    await site.coordinator.until(() => site.events.find(({ type }) => type === 'round-over'))
    expect(site.store.columns.mean('age')).toBeUndefined()
    site.trainer.statistics = { examples: 11, sums: Float64Array.of(11, 600, 30_000, 11, 2_500, 700_000) }
    expect(await refusalOf(site, { ...statistics, run: 'heart-4', cohort: fourSites })).toBe('column-summed')
    const again = await sumOnce(site, { run: 'heart-2' })
    expect(await ownStatistics(again)).toEqual(words)
  })
})

describe('a column for which this site masked', () => {
  test('is summed among these sites only, also where nobody confirmed anything', async () => {
    const site = open()
    await secureRound(site, statistics).uploaded()
    site.restart()
    expect(await refusalOf(site, { ...statistics, run: 'heart-2', cohort: fourSites })).toBe('column-summed')
    expect(site.store.columns.summed('age')?.sites).toEqual(fiveSites)
  })

  test('is not masked by a plan that worked before another one masked it: the records may differ', async () => {
    const site = open()
    const [one, other] = [secureRound(site, statistics), secureRound(site, { ...statistics, run: 'heart-2' })]
    const [first, second] = [await one.sharesDue(), await other.sharesDue()]
    site.coordinator.say(first)
    await site.coordinator.until(() => site.events.find((e) => e.type === 'uploaded' && e.planHash === one.hash))
    site.coordinator.say(second)
    const refused = await site.coordinator.until(() => site.coordinator.sent.find(({ type }) => type === 'refusal'))
    expect(refused).toMatchObject({ planHash: other.hash, code: 'column-summed' })
    expect(site.coordinator.uploads.has(other.hash)).toBe(false)
  })
})

describe('a statistics plan', () => {
  test('may ask for a part of the columns, in their order', async () => {
    const site = open()
    const round = await sumOnce(site, ofColumns([{ name: 'chol' }]))
    expect(round.plan.secure!.vectors[1]!.words).toBe(12 * summedValues([{ name: 'chol' }]))
    expect(site.store.columns.mean('chol')).toBeDefined()
    expect(site.store.columns.mean('age')).toBeUndefined()
  })

  test.for([
    ['columns the study does not have', [{ name: 'weight' }]],
    ['a number as a category', [{ name: 'age', levels: [1, 2] }]],
    ['one column twice', [{ name: 'age' }, { name: 'age' }]],
    ['them out of order', [{ name: 'chol' }, { name: 'age' }]],
  ] as const)('that asks for %s is refused', async ([, columns]) => {
    expect(await refusalOf(open(), ofColumns(columns as never))).toBe('message-invalid')
  })
})

describe('the mean of a column that this site did not sum', () => {
  const [age, chol] = [column('age', 50, 9), column('chol', 240, 50)]

  test('is taken from several runs, each by its own signatures, and then known without any', async () => {
    const site = open()
    const from = [signed({ run: 'earlier-1', columns: [age] }), signed({ run: 'earlier-2', columns: [chol] })]
    await secureRound(site, training([age, chol], from)).work()
    expect(site.store.columns.mean('age')).toMatchObject({ run: 'earlier-1', vouchers: 4 })
    await secureRound(site, { ...training([age, chol], []), run: 'heart-2' }).work()
    // Nobody here sums it again, either.
    expect(await refusalOf(site, { ...statistics, run: 'heart-3' })).toBe('column-summed')
  })

  test.for([
    ['another mean than was signed', [signed({ columns: [column('age', 51, 9), chol], signs: [age, chol] })]],
    ['the signatures of another column', [signed({ columns: [age] }), signed({ columns: [chol], signs: [age] })]],
    ['a reference to the other column only', [signed({ columns: [age] })]],
    ['the word of too few sites', [signed({ columns: [age, chol], by: ['hope'] })]],
    ['the word of one site, twice', [signed({ columns: [age, chol], by: ['hope', 'hope'] })]],
    ['signatures over another run', [{ ...signed({ columns: [age, chol] }), run: 'earlier-7' }]],
  ] as const)('is not taken from %s', async ([, from]) => {
    const site = open()
    expect(await refusalOf(site, training([age, chol], from))).toBe('sum-not-verified')
  })

  test('is not taken on the word of sites that nobody pinned here', async () => {
    const site = open({ pinned: false })
    for (const name of ['hope', 'saint-anne'])
      site.store.roster.pin(
        { site: name, publicKey: peers.get(name)!.identity.publicKey },
        { by: 'person', account: 'it' },
      )
    const among = { cohort: ['hope', 'mercy', 'saint-anne'] }
    const by = (names: string[]) => ({
      ...training([age, chol], [signed({ columns: [age, chol], by: names })]),
      ...among,
    })
    expect(await refusalOf(site, by(['basel', 'zurich', 'hope']))).toBe('sum-not-verified')
    await secureRound(site, { ...by(['saint-anne', 'hope']), run: 'heart-2' }).work()
  })

  test('is not put together otherwise than the columns say', async () => {
    const site = open()
    const fields = { ...training([age, chol], [signed({ columns: [age, chol] })]) }
    const standardisation = { means: [240, 50], standardDeviations: [50, 9] }
    expect(await refusalOf(site, { ...fields, standardisation })).toBe('sum-not-verified')
  })
})

function column(name: string, mean: number, deviation: number): SummedColumn {
  return { name, means: [mean], standardDeviations: [deviation] }
}

/** A first training that starts from these means. */
function training(columns: readonly SummedColumn[], from: readonly Summed[]): PlanFields {
  const standardisation = {
    means: columns.map(({ means }) => means[0]!),
    standardDeviations: columns.map(({ standardDeviations }) => standardDeviations[0]!),
  }
  return { standardisation, proven: { columns: [...from] } }
}

/** What peers signed of a sum; `signs`: of which columns, where not of those that are named. */
function signed({
  run = 'earlier-1',
  columns,
  signs = columns,
  by = [...peers.keys()],
}: {
  readonly run?: string
  readonly columns: readonly SummedColumn[]
  readonly signs?: readonly SummedColumn[]
  readonly by?: readonly string[]
}): Summed {
  const sum = { run, planHash: 'ee'.repeat(32), sums: 'ff'.repeat(32) }
  const message = verdictMessage('verified', { ...sum, purpose: 'statistics', made: columnsHash(signs) })
  const verified = by.map((site) => {
    const signature = signMessage(peers.get(site)!.identity, message)
    return { site, signature: Buffer.from(signature).toString('base64') }
  })
  return { ...sum, verified, columns: [...columns] }
}

/** What this site gave to the sum: the sum less what its peers gave. */
async function ownStatistics(round: Awaited<ReturnType<typeof sumOnce>>): Promise<number[]> {
  const sum = readStatistics(await round.sum(1))
  const others = round.others.map((name) => readStatistics(round.wordsOf(name)[1]!))
  return Array.from(sum, (value, i) => value - others.reduce((total, words) => total + words[i]!, 0))
}
