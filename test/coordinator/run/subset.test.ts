/** A run that went on without somebody says so, and says in which rounds; one that waits for somebody says that. */
import { expect, test } from 'vitest'
import { missingSites, subsetText } from '../../../coordinator/run/subset.ts'
import { runView } from '../../../coordinator/run/view.ts'
import { manifestOf, type SimulatedRun, simulateRun, siteNames } from './simulated-run.ts'

const noStatistics = manifestOf({ standardisation: 'none', rounds: 4 })

function finish(run: SimulatedRun): void {
  run.settle()
  while (run.run.state === 'running') run.cooperate()
}

test('where everybody was in every round there is nothing to say', () => {
  const run = simulateRun(noStatistics)
  finish(run)
  expect(runView(run.run, '', new Map())).not.toHaveProperty('missing')
  expect(subsetText({})).toBe('')
})

test('who dropped out, and who was expected and never came, is named with the rounds', () => {
  const run = simulateRun(noStatistics)
  run.presence.set('basel', { absentSinceMs: run.nowMs })
  run.settle()
  run.advance()
  const { current } = run.run
  if (current?.phase !== 'work') throw new Error(current?.phase)
  run.send({ type: 'refuse-work', planHash: current.planHash, site: 'zurich', reason: 'no' })
  finish(run)
  const view = runView(run.run, '', new Map())
  expect(view.missing).toEqual([
    { site: 'basel', rounds: 4, first: [1, 2, 3, 4] },
    { site: 'zurich', rounds: 1, first: [1] },
  ])
  expect(subsetText(view)).toBe('without basel in rounds 1, 2, 3 and 4, without zurich in round 1')
  expect(run.replayed()).toEqual(run.run)
})

test('of many rounds the first ten are named', () => {
  const past = simulateRun(noStatistics)
  finish(past)
  const trained = past.run.past.find(({ setting }) => setting.purpose === 'train')!
  const rounds = Array.from({ length: 12 }, (_, i) => ({
    ...trained,
    setting: { ...trained.setting, round: i + 1 },
    survivors: siteNames.slice(1),
  }))
  const missing = missingSites({ sites: siteNames, past: rounds })
  expect(subsetText({ missing })).toBe('without basel in rounds 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more')
})

test('a run waits for a site that its study requires, and goes on with it', () => {
  const run = simulateRun(manifestOf({ standardisation: 'none', cohort: { min: 3, quorum: 2, require: ['basel'] } }))
  run.presence.set('basel', { absentSinceMs: run.nowMs })
  run.settle()
  run.wait(10 * 24 * 60 * 60 * 1000)
  expect(run.run.current).toMatchObject({ phase: 'recruit', expected: siteNames })
  run.presence.set('basel', {})
  finish(run)
  expect(run.run.past.map(({ survivors }) => survivors)).toEqual(run.run.past.map(() => siteNames))
})
