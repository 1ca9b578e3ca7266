/** Rolling back: what should happen: an earlier model, new round numbers. What should not: a round twice, a foreign model. */
import { expect, test } from 'vitest'
import { parametersOf } from '../../../coordinator/run/roll-back.ts'
import { decideRun } from '../../../coordinator/run/run.ts'
import { manifestOf, type SimulatedRun, simulateRun } from './simulated-run.ts'

const model = (round: number) => String(round).padStart(64, '0')
const rollBack = (round: number) =>
  ({ type: 'roll-back', round, reason: 'a site sent nonsense', signature: `${'A'.repeat(86)}==` }) as const
const roundsOf = ({ run }: SimulatedRun) =>
  run.past.map(({ setting, outcome }) => `${setting.purpose} ${setting.round} ${outcome.type}`)

/** The run as it is in training round `round`, or in the evaluation of it. */
function inRound(round: number, purpose: 'train' | 'evaluate' = 'train', rounds = 5) {
  const run = simulateRun(manifestOf({ standardisation: 'none', rounds }))
  run.settle()
  while (run.run.current?.setting.round !== round || run.run.current.setting.purpose !== purpose) run.cooperate()
  return run
}

test('the open round ends, and training goes on from the earlier model with the next number', () => {
  const run = inRound(3)
  const before = run.events.length
  run.send(rollBack(1))
  expect(run.events.slice(before, before + 2)).toMatchObject([
    {
      type: 'round-failed',
      round: 3,
      purpose: 'train',
      code: 'cancelled',
      reason: 'the run goes back to the model of round 1',
    },
    { type: 'run-rolled-back', round: 1, parameters: model(1), reason: 'a site sent nonsense' },
  ])
  expect(run.run).toMatchObject({ parameters: model(1), modelEntry: before + 1 })
  expect(run.run.current?.setting).toMatchObject({
    round: 4,
    purpose: 'train',
    model: model(1),
    modelEntry: before + 1,
  })
  while (run.cooperate());
  expect(roundsOf(run).slice(-5)).toEqual([
    'train 3 failed',
    'train 4 committed',
    'evaluate 4 committed',
    'train 5 committed',
    'evaluate 5 committed',
  ])
  expect(run.run).toMatchObject({ state: 'finished', parameters: model(5) })
  expect(run.replayed()).toEqual(run.run)
})

test('an evaluation is ended alike, and what it was of is not evaluated again', () => {
  const run = inRound(2, 'evaluate')
  run.send(rollBack(1))
  expect(run.run.current?.setting).toMatchObject({ round: 3, purpose: 'train', model: model(1) })
})

test('in the last round it leaves the earlier model to be exported', () => {
  const run = inRound(3, 'evaluate', 3)
  run.send(rollBack(2))
  while (run.cooperate());
  expect(run.run).toMatchObject({ state: 'finished', parameters: model(2) })
})

test('a round that it cancelled is no failed one: the next may fail, and the run goes on', () => {
  const run = inRound(3)
  run.send(rollBack(1))
  const { planHash } = run.run.current as { planHash: string }
  for (const site of ['cleveland', 'hungary', 'zurich']) run.send({ type: 'refuse-work', planHash, site, reason: 'no' })
  expect(run.run).toMatchObject({ state: 'running', current: { setting: { round: 5, model: model(1) } } })
})

test.for([
  ['a round that was never trained', 9],
  ['the round under way', 3],
  ['round 0', 0],
  ['the model the run has', 2],
] as const)('not to %s', ([, round]) => {
  const run = inRound(3)
  expect(decideRun(run.run, rollBack(round), new Date())).toEqual([])
})

test('not to a round that failed, and not once the model is exported or the run is over', () => {
  const run = inRound(2)
  const { planHash } = run.run.current as { planHash: string }
  for (const site of ['cleveland', 'hungary', 'zurich']) run.send({ type: 'refuse-work', planHash, site, reason: 'no' })
  expect(parametersOf(run.run, 2)).toBeUndefined()
  expect(parametersOf(run.run, 1)).toBe(model(1))
  expect(decideRun(run.run, rollBack(2), new Date())).toEqual([])
  while (run.run.current) run.cooperate()
  expect(decideRun(run.run, rollBack(1), new Date())).toEqual([])
  while (run.cooperate());
  expect(decideRun(run.run, rollBack(1), new Date())).toEqual([])
})
