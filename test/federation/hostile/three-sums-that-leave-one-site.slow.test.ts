/**
 * Three sums, over {1..7}, {1, 2, 3} and {4, 5, 6}: no two differ by fewer than three sites, and the three leave site 7 alone.
 * Within a study the sites that settled on seven are in no sum of three; a column is summed once, in all studies. What is left
 * to the lead, and what the control therefore needs no other sites for: evaluations of three studies with one label, which tell
 * a hospital's test rows and how many of them the model got right (only sets that differ by a few are counted), and columns
 * that hospitals show under several names.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { makeStudy } from '../../support/coordinator-fixture.ts'
import { refusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { madeUpEvaluation, madeUpStatistics } from '../../support/made-up-trainer.ts'
import { passUntil } from '../../support/paced-run.ts'

const names = ['aarau', 'basel', 'cleveland', 'hungary', 'lugano', 'mercy', 'zurich']
const sets = [names, names.slice(0, 3), names.slice(3, 6)]
const alone = names.indexOf('zurich')

test('control: three studies with columns of their own give rows, sum and evaluation of the seventh', async () => {
  await using federation = await hostileFederation({ names })
  const results = await threeStudies(federation, (i) => [`age${i}`, `chol${i}`])
  const manifest = makeStudy(studyOf(['age0', 'chol0'])).manifest
  const { examples, sums } = madeUpStatistics(alone, manifest)
  const statistics = results.map(([found]) => found!)
  expect(left(statistics.map((one) => one.examples))).toBe(examples)
  expect(left(statistics.map((one) => one.examples * one.columns![1]!.means[0]!))).toBeCloseTo(sums[3]!, 6)
  const tested = madeUpEvaluation(alone, manifest)
  const evaluations = results.map(([, found]) => found!)
  expect(left(evaluations.map((one) => one.examples))).toBe(tested.examples)
  expect(left(evaluations.map((one) => Math.round(one.examples * one.accuracy!)))).toBe(tested.correct)
})

test('three studies with the same columns have one sum of them', async () => {
  await using federation = await hostileFederation({ names })
  const results = await threeStudies(federation, () => ['age', 'chol'])
  expect(results.map((found) => found.map(({ purpose }) => purpose))).toEqual([
    ['statistics', 'evaluate'],
    ['evaluate'],
    ['evaluate'],
  ])
  expect(refusals(federation)).toEqual([])
})

test('two evaluations of a study among three of its seven partners are refused by all six', async () => {
  await using federation = await hostileFederation({
    names,
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      const among = plan?.purpose === 'evaluate' ? sets[plan.round - 1]! : names
      if (among === names || message.type !== 'assignment') return [message]
      if (!among.includes(site)) return []
      const only = ({ secure, cohort, ...rest }: RoundPlan): RoundPlan => ({
        ...rest,
        cohort: [...among],
        secure: { ...secure!, roster: secure!.roster.filter((_, i) => among.includes(cohort[i]!)) },
      })
      return [at.forge(site, message.plan, only)]
    },
  })
  // So that no threshold bars a sum of three.
  const cohort = { planned: 4, min: 3, quorum: 3 }
  const run = await federation.start({ cohort, rounds: 3, evaluation: { bins: 8, everyRounds: 1 } })
  const { rounds } = await passUntil(federation, run, ({ state }) => state !== 'running')
  expect(rounds.map(({ withheld }) => withheld !== undefined)).toEqual([false, true, true])
  for (const site of names.slice(0, 6))
    expect(new Set(refusalsOf(federation, site))).toEqual(new Set(['other-partners']))
  expect(await leaks(federation)).toEqual([])
})

type Result = {
  readonly purpose: string
  readonly examples: number
  readonly accuracy?: number
  readonly columns?: readonly { readonly means: readonly number[] }[]
}

function studyOf(columns: readonly string[]): Partial<StudyInput> {
  const features = columns.map((name) => ({ name, type: 'number' }) as const)
  return { features, standardisation: 'federated', evaluation: { bins: 8, everyRounds: 1 } }
}

/** What the log holds of statistics and evaluation in a study of each set. */
async function threeStudies(federation: HostileFederation, columnsOf: (i: number) => string[]): Promise<Result[][]> {
  const results: Result[][] = []
  for (const [i, set] of sets.entries()) {
    const study = await federation.create({ ...studyOf(columnsOf(i)), name: `study-${i}` })
    const without = names.filter((name) => !set.includes(name))
    const { run } = await federation.admin.startRun(study, without)
    await passUntil(federation, run, ({ state }) => state !== 'running')
    const entries = await federation.entries(runStream(run))
    const committed = entries.flatMap(({ type, body }) =>
      type === 'round-committed' ? [(body as unknown as { readonly result: Result }).result] : [],
    )
    results.push(committed.filter(({ purpose }) => purpose !== 'train'))
  }
  return results
}

function left([all, ...others]: readonly number[]): number {
  return others.reduce((rest, each) => rest - each, all!)
}
