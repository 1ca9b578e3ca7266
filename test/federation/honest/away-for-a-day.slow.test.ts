/**
 * A hospital's agent is off for a day in the middle of a run. What should happen: the others train on without it, whoever
 * watches reads what its absence costs, and it goes on where the run is when it is back. What should not: a run that stands
 * for a day, or ends, or a hospital that has to be told to take part again.
 */
import { expect, test } from 'vitest'
import { newLines } from '../../../coordinator/cli/run-text.ts'
import { refusals } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { pacedRun, passUntil } from '../../support/paced-run.ts'

const dayMs = 86_400_000

test('one that is away for a day in mid-run costs the evaluations of that day, and its part in the models', async () => {
  const pace = pacedRun()
  await using federation = await hostileFederation(pace.lies)
  const run = await federation.start({
    rounds: 6,
    standardisation: 'federated',
    evaluation: { bins: 8, everyRounds: 1 },
  })
  const after = async (round: number, meanwhile: () => unknown = () => undefined) => {
    await pace.after(federation, run, round)
    await meanwhile()
    pace.goOn()
  }
  await after(1)
  await after(2, () => federation.leave('zurich'))
  await after(3, () => federation.pass(dayMs / 2))
  await after(4, () => federation.pass(dayMs / 2))
  await after(5, () => federation.comeBack('zurich'))
  await after(6)
  const view = await passUntil(federation, run, ({ state }) => state !== 'running')
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  const trained = view.rounds.filter(({ round }) => round > 0)
  const without = siteNames.slice(0, 3)
  expect(trained.map(({ survivors }) => survivors)).toEqual([
    siteNames,
    siteNames,
    without,
    without,
    without,
    siteNames,
  ])
  expect(trained.map(({ loss }) => loss !== undefined)).toEqual([true, false, false, false, true, true])
  const told = newLines(undefined, view)
  expect(told.filter((line) => line.includes('evaluation withheld: zurich is missing'))).toHaveLength(3)
  expect(told.at(-1)).toMatch(/finished without zurich in rounds 3, 4 and 5, model /)
  expect(refusals(federation)).toEqual([])
})

test('one that is away for the evaluation of the last model is waited for, and the evaluation made up', async () => {
  const pace = pacedRun()
  await using federation = await hostileFederation(pace.lies)
  const deadlines = { makeUpMs: 2 * dayMs }
  const run = await federation.start({ rounds: 1, evaluation: { bins: 8, everyRounds: 1 }, deadlines })
  await pace.after(federation, run, 1)
  await federation.leave('zurich')
  pace.goOn()
  await passUntil(federation, run, ({ current }) => current?.purpose === 'evaluate')
  federation.pass(dayMs)
  const waiting = await federation.admin.showRun(run)
  expect(waiting).toMatchObject({
    state: 'running',
    current: { phase: 'recruit', awaited: { answers: 1, sites: ['zurich'] } },
  })
  expect(newLines(undefined, waiting)).toContainEqual(expect.stringContaining('waiting for zurich'))
  await federation.comeBack('zurich')
  const view = await federation.ended(run)
  expect(view).toMatchObject({ state: 'finished', rounds: [{ survivors: siteNames, loss: expect.any(Number) }] })
  expect(refusals(federation)).toEqual([])
})
