/**
 * Three sums, over {1..7}, {1, 2, 3} and {4, 5, 6}: no two differ by fewer than three sites, and the three leave site 7 alone.
 * Within a study the sites that settled on seven are in no sum of three; a column is summed once, in all studies. What is left
 * to the lead, so that the first control needs no other build of a site: evaluations of three studies with one label, which
 * tell a hospital's test rows and how many of them the model got right (only sets that differ by a few are counted), and
 * columns that hospitals show under several names.
 */
import type { RunView } from '@consilium/coordinator/services.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test, vi } from 'vitest'
import { gatherRefusals, refusals, refusalsOf } from '../../support/hostile/attacks.ts'
import {
  type Column,
  columnIn,
  type Evaluated,
  evaluatedAt,
  evaluationsIn,
  less,
  summedAt,
} from '../../support/hostile/differences.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { among, planning } from '../../support/hostile/own-plans.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { withoutCheck } from '../../support/hostile/without-check.ts'
import { passUntil } from '../../support/paced-run.ts'

vi.mock(import('@consilium/site-agent/round/other-partners.ts'), async (original) =>
  (await import('../../support/hostile/without-check.ts')).switchable(await original(), 'checkAmongPartners'),
)
vi.mock(import('@consilium/coordinator/round/select-cohort.ts'), async (original) =>
  (await import('../../support/hostile/own-plans.ts')).bendable(await original()),
)

const names = ['aarau', 'basel', 'cleveland', 'hungary', 'lugano', 'mercy', 'zurich']
const sets = [names, names.slice(0, 3), names.slice(3, 6)]
const alone = 'zurich'

test('control: three studies with columns of their own give rows, sum and evaluation of the seventh', async () => {
  await using federation = await hostileFederation({ names })
  const results = await threeStudies(federation, (i) => [`age${i}`, `chol${i}`])
  const [own, left] = [summedAt(alone, 'chol', ['age', 'chol'], names), leftOf(results.map(({ chol }) => chol))]
  expect(left.examples).toBe(own.examples)
  expect(left.sum).toBeCloseTo(own.sum, 6)
  expect(left.squares).toBeCloseTo(own.squares, 6)
  expect(leftOf(results.map(({ evaluated }) => evaluated))).toEqual(evaluatedAt(alone, names))
})

test('three studies with the same columns have one sum of them', async () => {
  await using federation = await hostileFederation({ names })
  const results = await threeStudies(federation, () => ['age', 'chol'])
  expect(results.map(({ chol, evaluated }) => [chol !== undefined, evaluated !== undefined])).toEqual([
    [true, true],
    [false, true],
    [false, true],
  ])
  expect(refusals(federation)).toEqual([])
})

test('control: at sites that do not look whom they were among, three evaluations of one study give that of the seventh', () =>
  withoutCheck('checkAmongPartners', () =>
    planning(amongSets, async () => {
      await using federation = await hostileFederation({ names })
      const { run } = await threeRounds(federation)
      const sums = await evaluationsIn(federation, run)
      expect(sums).toHaveLength(3)
      expect(leftOf(sums)).toEqual(evaluatedAt(alone, names))
      expect(refusals(federation)).toEqual([])
    }),
  ))

test('two evaluations of a study among three of its seven partners are refused by all six', () =>
  planning(amongSets, async () => {
    const gathers = sets.map(({ length }) => gatherRefusals(length))
    await using federation = await hostileFederation({
      names,
      fromSite: (heard, at) => gathers[(at.planOf(heard.message)?.round ?? 1) - 1]!(heard, at),
    })
    const { rounds } = await threeRounds(federation)
    expect(rounds.map(({ withheld }) => withheld !== undefined)).toEqual([false, true, true])
    for (const site of names.slice(0, 6))
      expect(new Set(refusalsOf(federation, site))).toEqual(new Set(['other-partners']))
    expect(await leaks(federation)).toEqual([])
  }))

function studyOf(columns: readonly string[]): Partial<StudyInput> {
  const features = columns.map((name) => ({ name, type: 'number' }) as const)
  return { features, standardisation: 'federated', evaluation: { bins: 8, everyRounds: 1 } }
}

type Told = { readonly chol: Column | undefined; readonly evaluated: Evaluated | undefined }

/** What the log holds of the second column and of the evaluation in a study of each set. */
async function threeStudies(federation: HostileFederation, columnsOf: (i: number) => string[]): Promise<Told[]> {
  const told: Told[] = []
  for (const [i, set] of sets.entries()) {
    const columns = columnsOf(i)
    const study = await federation.create({ ...studyOf(columns), name: `study-${i}` })
    const without = names.filter((name) => !set.includes(name))
    const { run } = await federation.admin.startRun(study, without)
    await passUntil(federation, run, ({ state }) => state !== 'running')
    const [evaluated] = await evaluationsIn(federation, run)
    told.push({ chol: await columnIn(federation, run, columns[1]!), evaluated })
  }
  return told
}

/** The evaluation of each round for the next of the sets. */
function amongSets(plan: RoundPlan): RoundPlan {
  return plan.purpose === 'evaluate' ? among(sets[plan.round - 1]!, plan) : plan
}

async function threeRounds(federation: HostileFederation): Promise<RunView> {
  // So that no threshold bars a sum of three.
  const cohort = { planned: 4, min: 3, quorum: 3 }
  const run = await federation.start({ cohort, rounds: 3, evaluation: { bins: 8, everyRounds: 1 } })
  return passUntil(federation, run, ({ state }) => state !== 'running')
}

function leftOf<Sum extends Readonly<Record<string, number>>>([all, ...others]: readonly (Sum | undefined)[]): Sum {
  return less(all, ...others)
}
