/**
 * Whatever a coordinator asks for, in however many runs, side by side or one after the other: no combination of the sums of
 * evaluations of a study, and of statistics of a column in all studies, that sites let it have holds fewer honest sites than
 * one of them (fedsum, section E.4). What can be combined is worked out exactly, over the rationals.
 */
import { DatabaseSync } from 'node:sqlite'
import { sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settleColumns } from '../../../site-agent/round/columns.ts'
import { settlePartners } from '../../../site-agent/round/partners.ts'
import { type Columns, openColumns } from '../../../site-agent/store/columns.ts'
import { migrations } from '../../../site-agent/store/migrations.ts'
import { openPartners, type PartnerStore } from '../../../site-agent/store/partners.ts'
import { aManifest } from '../../support/a-study.ts'

const manifest = aManifest()
const names = Array.from({ length: 12 }, (_, i) => `site-${String.fromCharCode(97 + i)}`)

/** What one sum is asked for: `columns` of statistics. */
type Asked = {
  readonly study: number
  readonly purpose: 'statistics' | 'evaluate'
  readonly columns: readonly string[]
  readonly cohort: readonly string[]
}

type Stores = { readonly partners: PartnerStore; readonly columns: Columns }

const columnNames = ['age', 'chol', 'cp']

const history = fc.integer({ min: 3, max: 12 }).chain((sites) => {
  const all = names.slice(0, sites)
  const colluders = Math.ceil(sites / 3) - 1
  return fc.record({
    colluding: fc.subarray(all, { maxLength: colluders }),
    colluders: fc.constant(colluders),
    asked: fc.array(
      fc.record({
        study: fc.integer({ min: 0, max: 3 }),
        columns: fc.subarray(columnNames, { minLength: 1 }),
        purpose: fc.constantFrom('statistics' as const, 'evaluate' as const),
        cohort: fc.subarray(all, { minLength: Math.min(sites, Math.max(3, colluders + 2)) }),
      }),
      { minLength: 1, maxLength: 30 },
    ),
  })
})

/** The sets whose sums are opened: everybody in one has masked for it, colluders for any. */
function opened(asked: readonly Asked[], colluding: readonly string[], colluders: number, settles = settle): Asked[] {
  const stores = new Map(names.map((name) => [name, openStore()]))
  return asked.filter((one, plan) => {
    const { cohort } = one
    const survivorsMin = thresholdOf(cohort, colluders)
    if (survivorsMin === undefined) return false
    const honest = cohort.filter((site) => !colluding.includes(site))
    // Not `every`: each site settles by itself, also where another refuses.
    return honest.map((site) => settles(stores.get(site)!, one, survivorsMin, plan)).every(Boolean)
  })
}

function settle(store: Stores, asked: Asked, survivorsMin: number, number: number): boolean {
  const { study, purpose, columns, cohort } = asked
  const secure = { roster: [], colluders: 0, survivorsMin, vectors: [] }
  const sums = purpose === 'statistics' ? { columns: columns.map((name) => ({ name })) } : {}
  const plan = { study: `${study}`.repeat(64), purpose, cohort: [...cohort], secure, ...sums } as never
  try {
    settleColumns({ planHash: `plan-${number}`, plan }, store)
    settlePartners(plan, manifest, {
      store: { ...store, partnerChanges: { list: () => [] } },
      readPolicy: () => ({ secure: { evaluateExposuresMax: 99 } }),
    } as never)
    return true
  } catch {
    return false
  }
}

function openStore(): Stores {
  const database = new DatabaseSync(':memory:')
  for (const migration of migrations) database.exec(migration)
  const now = () => new Date(0)
  return { partners: openPartners(database, now), columns: openColumns(database, now) }
}

function thresholdOf(cohort: readonly string[], colluders: number): number | undefined {
  try {
    return sessionThresholds(cohort.length, { colluders, survivorsMin: Math.max(3, colluders + 2) }).survivorsMin
  } catch {
    return undefined
  }
}

/** The fewest honest sites in any combination of these sums that holds one at all; exact. */
function fewestHonest(sets: readonly (readonly string[])[], honest: readonly string[]): number {
  const rows = sets.map((set) => honest.map((site) => (set.includes(site) ? 1n : 0n)))
  const whole = rank(rows)
  if (whole === 0) return Number.POSITIVE_INFINITY
  for (let size = 1; size <= honest.length; size++)
    // A combination that vanishes outside of these: the columns outside have a smaller rank than all.
    for (const kept of subsetsOf(honest.length, size))
      if (rank(rows.map((row) => row.filter((_, i) => !kept.has(i)))) < whole) return size
  return honest.length
}

/** By Bareiss' elimination without fractions. */
function rank(rows: readonly (readonly bigint[])[]): number {
  const left = rows.map((row) => [...row])
  let done = 0
  let before = 1n
  for (let column = 0; column < (left[0]?.length ?? 0); column++) {
    const pivot = left.findIndex((row, i) => i >= done && row[column] !== 0n)
    if (pivot < 0) continue
    const [top] = left.splice(pivot, 1)
    left.splice(done, 0, top!)
    for (let i = done + 1; i < left.length; i++)
      left[i] = left[i]!.map((value, j) => (top![column]! * value - left[i]![column]! * top![j]!) / before)
    before = top![column]!
    done += 1
  }
  return done
}

function* subsetsOf(length: number, size: number, from = 0): Generator<Set<number>> {
  if (size === 0) yield new Set()
  else
    for (let i = from; i <= length - size; i++)
      for (const rest of subsetsOf(length, size - 1, i + 1)) yield new Set([i, ...rest])
}

test('no combination of evaluations of a study, or of sums of a column in all studies, holds fewer honest sites than one must', () => {
  fc.assert(
    fc.property(history, ({ colluding, colluders, asked }) => {
      const sums = opened(asked, colluding, colluders)
      const honest = names.filter((site) => !colluding.includes(site))
      const comparable = [
        ...Map.groupBy(
          sums.filter(({ purpose }) => purpose === 'evaluate'),
          ({ study }) => study,
        ).values(),
        ...columnNames.map((name) =>
          sums.filter(({ purpose, columns }) => purpose === 'statistics' && columns.includes(name)),
        ),
      ]
      for (const of of comparable) {
        const least = Math.min(...of.map(({ cohort }) => thresholdOf(cohort, colluders)!)) - colluders
        expect(
          fewestHonest(
            of.map(({ cohort }) => cohort),
            honest,
          ),
        ).toBeGreaterThanOrEqual(least)
      }
    }),
    { numRuns: 60 },
  )
})

test('sites that settle on nothing give single sites away', () => {
  const sets = [names.slice(0, 7), names.slice(0, 3), names.slice(3, 6)]
  const asked = sets.map((cohort, study) => ({ study, purpose: 'statistics' as const, columns: ['age'], cohort }))
  expect(fewestHonest(sets, names)).toBe(1)
  expect(opened(asked, [], 0, () => true)).toHaveLength(3)
  expect(opened(asked, [], 0)).toHaveLength(1)
})
