/** A run from its first round to its end: the order of its rounds, what ends it, and that it always ends. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { roundOver } from '../../../coordinator/attending/messages.ts'
import { decideRun } from '../../../coordinator/run/run.ts'
import { runView } from '../../../coordinator/run/view.ts'
import {
  manifestOf,
  planOf,
  type SimulatedRun,
  secureManifestOf,
  simulateRun,
  siteNames,
  startMs,
  updateOf,
} from './simulated-run.ts'

const finish = (run: SimulatedRun) => {
  run.settle()
  while (run.cooperate());
  return run
}
const roundsOf = ({ run }: SimulatedRun) =>
  run.past.map(({ setting, outcome }) => `${setting.purpose} ${setting.round} ${outcome.type}`)

describe('the order of rounds', () => {
  test('statistics, then training and evaluation in turn, then the export', () => {
    const run = finish(simulateRun())
    expect(roundsOf(run)).toEqual([
      'statistics 0 committed',
      'train 1 committed',
      'evaluate 1 committed',
      'train 2 committed',
      'evaluate 2 committed',
    ])
    expect(run.run).toMatchObject({ state: 'finished', model: 'd'.repeat(64), parameters: '2'.padStart(64, '0') })
  })

  test('no statistics where the study does not standardise over the federation', () => {
    expect(roundsOf(finish(simulateRun(manifestOf({ standardisation: 'none', rounds: 1 }))))).toEqual([
      'train 1 committed',
      'evaluate 1 committed',
    ])
  })

  test('evaluation only as often as the study says, and after the last round', () => {
    const evaluation = { everyRounds: 2 }
    expect(roundsOf(finish(simulateRun(manifestOf({ standardisation: 'none', rounds: 3, evaluation }))))).toEqual([
      'train 1 committed',
      'train 2 committed',
      'evaluate 2 committed',
      'train 3 committed',
      'evaluate 3 committed',
    ])
  })

  test('each round starts from the newest parameters, and after the statistics with the standardisation', () => {
    const { run } = finish(simulateRun())
    const models = run.past.map(({ setting }) => [setting.model, setting.standardisation !== undefined])
    const initial = run.manifest.initialParameters.sha256
    const [first, second] = ['1'.padStart(64, '0'), '2'.padStart(64, '0')]
    expect(models).toEqual([
      [initial, false],
      [initial, true],
      [first, true],
      [first, true],
      [second, true],
    ])
  })

  test('a site that was dropped is not waited for in the next round, but joins where it attends', () => {
    const run = simulateRun(manifestOf({ standardisation: 'none' }))
    run.presence.set('zurich', { absentSinceMs: startMs })
    run.settle()
    run.advance()
    expect(run.run.current).toMatchObject({ phase: 'work', cohort: ['basel', 'cleveland', 'hungary'] })
    while (run.run.past.length < 1) run.cooperate()
    // Without a wait: the three that survived attend.
    expect(run.run.current).toMatchObject({ phase: 'work', cohort: ['basel', 'cleveland', 'hungary'] })
    run.presence.set('zurich', {})
    while (run.run.past.length < 2) run.cooperate()
    expect(run.run.current).toMatchObject({ phase: 'work', cohort: siteNames })
  })
})

describe('what ends a run', () => {
  const failRound = (run: SimulatedRun) => {
    const plan = planOf(run.run)
    for (const site of siteNames.slice(1)) run.send({ type: 'refuse-work', planHash: plan, site, reason: 'no' })
  }

  test('two train rounds without a quorum, one after the other', () => {
    const run = simulateRun(manifestOf({ standardisation: 'none', rounds: 3 }))
    run.settle()
    failRound(run)
    expect(run.run).toMatchObject({ state: 'running', current: { phase: 'work', setting: { round: 2 } } })
    failRound(run)
    expect(run.run).toMatchObject({ state: 'failed', reason: expect.stringContaining('train round 2 failed') })
  })

  test('a last train round without a quorum', () => {
    const run = simulateRun(manifestOf({ standardisation: 'none', rounds: 2 }))
    run.settle()
    while (run.run.current?.setting.round !== 2) run.cooperate()
    failRound(run)
    expect(run.run).toMatchObject({ state: 'failed', reason: expect.stringContaining('train round 2 failed') })
  })

  test('not one failed train round: the next starts from the same model, and nothing is evaluated between', () => {
    const run = simulateRun(manifestOf({ standardisation: 'none', rounds: 4 }))
    run.settle()
    for (const round of [1, 3]) {
      while (run.run.current?.setting.round !== round) run.cooperate()
      failRound(run)
    }
    expect(roundsOf(finish(run))).toEqual([
      'train 1 failed',
      'train 2 committed',
      'evaluate 2 committed',
      'train 3 failed',
      'train 4 committed',
      'evaluate 4 committed',
    ])
    const initial = run.manifest.initialParameters.sha256
    const models = run.run.past.filter(({ setting }) => setting.purpose === 'train').map(({ setting }) => setting.model)
    expect(models).toEqual([initial, initial, '2'.padStart(64, '0'), '2'.padStart(64, '0')])
    expect(run.run).toMatchObject({ state: 'finished', parameters: '4'.padStart(64, '0') })
  })

  test('too few sites, named', () => {
    const run = simulateRun()
    for (const site of ['basel', 'zurich']) run.presence.set(site, { absentSinceMs: startMs })
    run.settle()
    run.advance()
    expect(run.run).toMatchObject({ state: 'failed', reason: expect.stringContaining('missing: basel, zurich') })
    expect(run.events.at(-1)).toMatchObject({ type: 'run-failed', code: 'cohort-too-small' })
  })

  test.for(['statistics', 'cancel', 'fail'] as const)(
    'a reason too long for the log, cut to what it holds: %s',
    (how) => {
      const run = simulateRun()
      // The sites missing at the deadline are named one by one: more than a reason may hold.
      for (let i = 0; i < 50; i++)
        run.presence.set(`hospital-${i}`, how === 'statistics' ? { absentSinceMs: startMs } : {})
      for (const site of siteNames) if (how === 'statistics') run.presence.set(site, { absentSinceMs: startMs })
      run.settle()
      if (how === 'statistics') run.advance()
      else if (how === 'cancel') run.send({ type: 'cancel', reason: 'a mistake '.repeat(100) })
      else run.send({ type: 'fail', code: 'store-failed', reason: 'no space left '.repeat(100) })
      expect(run.run.state).toBe(how === 'cancel' ? 'cancelled' : 'failed')
      expect(run.run.reason).toMatch(/\.\.\.$/)
      expect(run.replayed()).toEqual(run.run)
    },
  )

  const failEvaluation = (run: SimulatedRun) => {
    while (run.run.current?.setting.purpose !== 'evaluate') run.cooperate()
    const plan = planOf(run.run)
    for (const site of siteNames.slice(1)) run.send({ type: 'refuse-work', planHash: plan, site, reason: 'no' })
  }

  test('not one failed evaluation, also the last', () => {
    const run = simulateRun(manifestOf({ standardisation: 'none' }))
    run.settle()
    failEvaluation(run)
    expect(run.run).toMatchObject({ state: 'running', current: { setting: { round: 2, purpose: 'train' } } })
    finish(run)
    expect(roundsOf(run)[1]).toBe('evaluate 1 failed')
    expect(run.run.state).toBe('finished')
  })

  test('two failed evaluations in a row', () => {
    const run = simulateRun(manifestOf({ standardisation: 'none', rounds: 3 }))
    run.settle()
    failEvaluation(run)
    failEvaluation(run)
    expect(run.run).toMatchObject({ state: 'failed', reason: expect.stringContaining('evaluate round 2 failed') })
  })

  test('not any number of rounds in a row that ended because a peer had been restored', () => {
    const run = simulateRun(secureManifestOf({ standardisation: 'none', rounds: 5 }))
    run.settle()
    for (let round = 1; round <= 3; round++) {
      while (run.run.current?.phase !== 'share-keys') run.cooperate()
      expect(run.run.current.setting.round).toBe(round)
      const planHash = planOf(run.run)
      for (const site of siteNames.slice(1))
        run.send({ type: 'refuse-work', planHash, site, reason: 'no', cause: 'peer-restored' })
      run.settle()
      expect(run.run.past.at(-1)?.outcome).toMatchObject({ type: 'failed', code: 'peer-restored' })
    }
    expect(run.run.state).toBe('running')
  })

  test('a sum with too few contributors: its sites are told, for they stay away from the study now', () => {
    const run = simulateRun(secureManifestOf({ standardisation: 'none', rounds: 3 }))
    run.settle()
    while (run.run.current?.phase !== 'commit') run.cooperate()
    const reason = '2 of 4 sites contributed'
    run.send({ type: 'give-up', planHash: planOf(run.run), code: 'too-few-contributors', reason })
    run.settle()
    expect(run.run).toMatchObject({ state: 'failed', reason: expect.stringContaining(reason) })
    const over = roundOver(run.run.past.at(-1)!, 'basel')
    expect(over).toMatchObject([{ message: { type: 'round-over', outcome: 'too-few-contributors', reason } }])
  })

  test('its cancellation, in any phase; nothing happens afterwards', () => {
    for (let steps = 0; steps < 12; steps++) {
      const run = simulateRun()
      run.settle()
      for (let i = 0; i < steps; i++) run.cooperate()
      run.send({ type: 'cancel', reason: 'a mistake' })
      expect(run.run).toMatchObject({ state: 'cancelled', reason: 'a mistake' })
      expect(run.run.current).toBeUndefined()
      const length = run.events.length
      run.cooperate()
      expect(decideRun(run.run, { type: 'cancel', reason: 'again' }, new Date())).toEqual([])
      expect(run.events).toHaveLength(length)
    }
  })
})

test('the view has one row a round, with training and evaluation together', () => {
  const run = simulateRun()
  run.settle()
  while (run.run.past.length < 3) run.cooperate()
  const view = runView(run.run, 'e'.repeat(64), new Map([['basel', { done: 5, total: 100, uploadedBytes: 0 }]]))
  expect(view.rounds).toEqual([
    { round: 0, cohort: siteNames, survivors: siteNames, dropouts: [], uploadBytes: 400, seconds: 0, clippedShare: 0 },
    {
      round: 1,
      cohort: siteNames,
      survivors: siteNames,
      dropouts: [],
      uploadBytes: 800,
      seconds: 0,
      clippedShare: 0.25,
      trainingLoss: 0.7,
      loss: 0.5,
      meanSiteAccuracy: 0.6,
      parametersSha256: '1'.padStart(64, '0'),
    },
  ])
  expect(view.current).toMatchObject({ round: 2, purpose: 'train', phase: 'work' })
  expect(view.current?.sites[0]).toEqual({ site: 'basel', state: 'working', done: 5, total: 100, uploadedBytes: 0 })
})

type Step = (run: SimulatedRun) => void
const site = fc.constantFrom(...siteNames)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.constant<Step>((run) => run.cooperate()) },
  fc.constant<Step>((run) => run.advance()),
  fc.constant<Step>((run) => run.restart()),
  fc.integer({ min: 1, max: 400_000 }).map(
    (ms): Step =>
      (run) =>
        run.wait(ms),
  ),
  site.map(
    (name): Step =>
      (run) => {
        run.presence.set(name, { absentSinceMs: run.nowMs })
        run.settle()
      },
  ),
  site.map(
    (name): Step =>
      (run) => {
        run.presence.set(name, { progressAtMs: run.nowMs })
        run.settle()
      },
  ),
  fc.tuple(site, fc.constantFrom('revoked', 'withdrawn', 'refused')).map(
    ([name, excluded]): Step =>
      (run) => {
        run.presence.set(name, { excluded })
        run.settle()
      },
  ),
  site.map(
    (name): Step =>
      (run) =>
        run.send({ type: 'finish-work', planHash: planOf(run.run), site: name }),
  ),
  site.map(
    (name): Step =>
      (run) =>
        run.send({ type: 'refuse-work', planHash: planOf(run.run), site: name, reason: 'no' }),
  ),
  site.map(
    (name): Step =>
      (run) =>
        run.send({ type: 'refuse-late-update', planHash: planOf(run.run), site: name }),
  ),
  site.map(
    (name): Step =>
      (run) =>
        run.send({ type: 'refuse-contribution', planHash: planOf(run.run), site: name, reason: 'NaN' }),
  ),
  site.map(
    (name): Step =>
      (run) => {
        run.send({ type: 'announce-update', planHash: planOf(run.run), site: name, ...updateOf(name) })
        run.send({ type: 'receive-update', planHash: planOf(run.run), site: name, ...updateOf(name) })
      },
  ),
)
const steps = fc.array(step, { maxLength: 40, size: 'max' })

test('whatever happened, the state is the fold of the log', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const run = simulateRun()
      run.settle()
      for (const each of all) each(run)
      expect(run.replayed()).toEqual(run.run)
    }),
    { numRuns: 200 },
  )
})

test('whatever happened, a run ends when its deadlines pass, and no dropout counts as a survivor', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const run = simulateRun()
      run.settle()
      for (const each of all) each(run)
      for (let i = 0; run.advance(); i++) expect(i).toBeLessThan(200)
      expect(run.run.state).not.toBe('running')
      for (const round of run.run.past) {
        const dropped = round.dropouts.map((dropout) => dropout.site)
        expect(round.survivors.filter((name) => dropped.includes(name))).toEqual([])
        if (round.outcome.type === 'committed') expect(round.survivors.length).toBeGreaterThanOrEqual(2)
      }
    }),
    { numRuns: 200 },
  )
})
