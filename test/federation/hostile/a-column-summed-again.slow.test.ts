/**
 * A coordinator that asks for a column once more, without one of the hospitals: by subtraction, that hospital's rows, sum and
 * squares. Sites refuse the plan before they work for it, whatever study and run it is under (E.4). What is left to it: how
 * many training rows a hospital has, from sums of different columns.
 */
import type { RunView } from '@consilium/coordinator/services.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test, vi } from 'vitest'
import { gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { columnIn, less, summedAt } from '../../support/hostile/differences.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { withoutCheck } from '../../support/hostile/without-check.ts'

vi.mock(import('@consilium/site-agent/round/summed-once.ts'), async (original) =>
  (await import('../../support/hostile/without-check.ts')).switchable(await original(), 'checkColumns'),
)
/** The coordinator plans as if no run had summed anything. */
vi.mock(import('@consilium/coordinator/round/columns.ts'), async (original) => ({
  ...(await original()),
  columnStates: () => new Map(),
}))

const leftOut = 'zurich'
const others = siteNames.filter((site) => site !== leftOut)
const columns = ['age', 'chol']
const studyOf = (names: readonly string[]): Partial<StudyInput> => ({
  standardisation: 'federated',
  features: names.map((name) => ({ name, type: 'number' })),
})

test('control: at sites that sum a column again, the difference is rows, sum and squares of the one left out', () =>
  withoutCheck('checkColumns', async () => {
    await using federation = await hostileFederation()
    const [all, fewer] = await twoRuns(federation)
    expect([all.state, fewer.state]).toEqual(['finished', 'finished'])
    const sumIn = ({ run }: RunView) => columnIn(federation, run, 'chol')
    const [left, own] = [less(await sumIn(all), await sumIn(fewer)), summedAt(leftOut, 'chol', columns)]
    expect(left.examples).toBe(own.examples)
    expect(left.sum).toBeCloseTo(own.sum, 6)
    expect(left.squares).toBeCloseTo(own.squares, 6)
  }))

test('a column that was summed is summed for nobody again, under another study and without one site', async () => {
  await using federation = await hostileFederation({ fromSite: gatherRefusals(others.length) })
  const [all, fewer] = await twoRuns(federation)
  expect([all.state, fewer.state]).toEqual(['finished', 'failed'])
  const second = [...federation.plans].filter(([, { run }]) => run === fewer.run)
  expect(second.map(([, { purpose, cohort }]) => [purpose, cohort])).toEqual([['statistics', others]])
  for (const site of others) expect(refusalsOf(federation, site)).toEqual(['column-summed'])
  const [[planned] = []] = second
  expect(federation.recorded.uploads.filter(({ planHash }) => planHash === planned)).toEqual([])
  expect(await leaks(federation)).toEqual([])
})

/** The same columns in two studies, which write them differently, the second without one site. */
async function twoRuns(federation: HostileFederation) {
  const capitals = columns.map((name) => name.toUpperCase())
  const all = await federation.run({ ...studyOf(columns), name: 'first' })
  const again = await federation.create({ ...studyOf(capitals), name: 'second', seed: 3 })
  const { run } = await federation.admin.startRun(again, [leftOut])
  return [all, await federation.ended(run)] as const
}
