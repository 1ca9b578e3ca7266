/**
 * A hospital is away as a run is evaluated for the first time. What should happen: that evaluation waits for nobody, is
 * withheld and says for whom, and the hospital is in every later one. What should not: that whoever was there first are the
 * partners for good, and the hospital's rows never count.
 */
import { expect, test } from 'vitest'
import { newLines } from '../../../coordinator/cli/run-text.ts'
import { refusals } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { pacedRun, passUntil } from '../../support/paced-run.ts'

test('a first evaluation with one hospital away is withheld, and the hospital is in all later ones', async () => {
  const pace = pacedRun()
  await using federation = await hostileFederation(pace.lies)
  const run = await federation.start({ rounds: 3, evaluation: { bins: 8, everyRounds: 1 } })
  await pace.after(federation, run, 1)
  await federation.leave('zurich')
  pace.goOn()
  await pace.after(federation, run, 2)
  await federation.comeBack('zurich')
  pace.goOn()
  await pace.after(federation, run, 3)
  pace.goOn()
  const view = await passUntil(federation, run, ({ state }) => state !== 'running')
  expect(view).toMatchObject({
    state: 'finished',
    rounds: [
      { withheld: expect.stringMatching(/^evaluation withheld: zurich is missing: not connected since /) },
      { survivors: siteNames.slice(0, 3), loss: expect.any(Number) },
      { survivors: siteNames, loss: expect.any(Number) },
    ],
  })
  expect(view.rounds[0]).not.toHaveProperty('loss')
  const evaluations = [...federation.plans.values()].filter(({ purpose }) => purpose === 'evaluate')
  expect(evaluations.map(({ round, cohort }) => [round, cohort])).toEqual([
    [2, siteNames],
    [3, siteNames],
  ])
  const told = newLines(undefined, view)
  expect(told.find((line) => line.startsWith('round 1'))).toMatch(/evaluation withheld: zurich is missing/)
  expect(told.at(-1)).toMatch(/finished without zurich in round 2, model /)
  expect(refusals(federation)).toEqual([])
})
