/** A run in secure mode: each purpose through all phases, models that the log proves, and a state that the log restores. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RunEvent } from '../../../coordinator/run/events.ts'
import { runView } from '../../../coordinator/run/view.ts'
import { planOf, type SimulatedRun, secureManifestOf, simulateRun, siteNames } from './simulated-run.ts'

const finish = (run: SimulatedRun) => {
  run.settle()
  while (run.cooperate());
  return run
}
const committed = (run: SimulatedRun, round: number) =>
  run.events.findIndex(
    (event) =>
      event.type === 'round-committed' &&
      event.result.purpose === 'train' &&
      event.result.parameters === String(round).padStart(64, '0'),
  )
const plans = (run: SimulatedRun) => run.events.flatMap((event) => (event.type === 'cohort-selected' ? [event] : []))

test('every purpose is summed under masks, with vectors of its own', () => {
  const run = finish(simulateRun(secureManifestOf({ rounds: 1 })))
  expect(run.run.state).toBe('finished')
  expect(plans(run).map(({ plan }) => [plan.purpose, plan.secure?.vectors])).toEqual([
    [
      'statistics',
      [
        { name: 'hdr', words: 16 },
        { name: 'statistics', words: 4 * 3 * 6 },
      ],
    ],
    [
      'train',
      [
        { name: 'hdr', words: 16 },
        { name: 'update', words: 6 },
      ],
    ],
    [
      'evaluate',
      [
        { name: 'hdr', words: 16 },
        { name: 'histograms', words: 4 + 2 * 64 },
      ],
    ],
  ])
  for (const { plan } of plans(run)) expect(plan).not.toHaveProperty('runPublicKey')
})

test('a plan names the entry that made its model, below the head it names', () => {
  const run = finish(simulateRun(secureManifestOf()))
  for (const event of plans(run)) {
    const { plan } = event
    // The head is that of all entries before the plan.
    expect(plan.logHead.size).toBe(run.events.indexOf(event))
    if (plan.model === run.manifest.initialParameters.sha256) expect(plan).not.toHaveProperty('modelEntry')
    else {
      expect(plan.modelEntry).toBe(committed(run, Number.parseInt(plan.model, 10)))
      expect(plan.modelEntry).toBeLessThan(plan.logHead.size)
    }
  }
})

test('the survivors sign the head of the log as it is when they are fixed', () => {
  const run = finish(simulateRun(secureManifestOf({ rounds: 1 })))
  const fixed = run.events.filter((event) => event.type === 'survivors-fixed')
  expect(fixed).toHaveLength(3)
  for (const event of fixed) expect(event.logHead.size).toBe(run.events.indexOf(event))
})

test('the view tells how far each site is, what is waited for, and what protected the sum', () => {
  const run = simulateRun(secureManifestOf({ standardisation: 'none' }))
  run.settle()
  const seen: Record<string, string> = {}
  const awaited: unknown[] = []
  while (run.run.past.length === 0) {
    const phase = run.run.current!.phase
    run.say('basel')
    const view = runView(run.run, '', new Map())
    if (view.current?.phase === phase) {
      seen[phase] = view.current.sites.map(({ state }) => state).join(' ')
      awaited.push(view.current.awaited)
    }
    run.cooperate()
  }
  expect(seen).toEqual({
    work: 'done working working working',
    'advertise-keys': 'advertised done done done',
    'share-keys': 'shared advertised advertised advertised',
    'collect-updates': 'uploaded uploading uploading uploading',
    'confirm-survivors': 'confirmed uploaded uploaded uploaded',
    unmask: 'revealed confirmed confirmed uploaded',
    commit: 'revealed revealed revealed uploaded',
  })
  const others = siteNames.slice(1)
  const nothing = undefined
  expect(awaited).toEqual([
    nothing,
    nothing,
    nothing,
    nothing,
    { answers: 2, sites: others },
    { answers: 2, sites: others },
    nothing,
  ])
  const view = runView(run.run, '', new Map())
  expect(view.aggregation).toBe('secure')
  expect(view.rounds[0]?.secure).toEqual({
    sites: 4,
    colluders: 1,
    threshold: 3,
    survivorsMin: 3,
    confirmed: siteNames.slice(0, 3),
  })
})

test('the view names the phase in which a site dropped out', () => {
  const run = simulateRun(secureManifestOf({ standardisation: 'none' }))
  run.settle()
  while (run.run.current?.phase !== 'share-keys') run.cooperate()
  run.send({ type: 'misbehave', planHash: planOf(run.run), site: 'zurich', reason: 'signature-invalid: rows' })
  expect(runView(run.run, '', new Map()).current?.sites.at(-1)?.state).toBe('dropped: misbehaved')
  while (run.run.past.length === 0) run.cooperate()
  expect(runView(run.run, '', new Map()).rounds[0]).toMatchObject({
    survivors: siteNames.slice(0, 3),
    dropouts: [
      { site: 'zurich', reason: 'misbehaved: signature-invalid: rows', purpose: 'train', phase: 'share-keys' },
    ],
  })
})

type Step = (run: SimulatedRun) => void
const site = fc.constantFrom(...siteNames)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: site.map(
      (name): Step =>
        (run) =>
          run.say(name),
    ),
  },
  { weight: 12, arbitrary: fc.constant<Step>((run) => run.cooperate()) },
  { weight: 2, arbitrary: fc.constant<Step>((run) => run.advance()) },
  { weight: 2, arbitrary: fc.constant<Step>((run) => run.restart()) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 400_000 }).map(
      (ms): Step =>
        (run) =>
          run.wait(ms),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(site, fc.constant('away')).map(shown) },
  { weight: 6, arbitrary: fc.tuple(site, fc.constant('back')).map(shown) },
  { weight: 1, arbitrary: fc.tuple(site, fc.constantFrom('revoked', 'withdrawn')).map(shown) },
  {
    weight: 1,
    arbitrary: fc.tuple(site, fc.constantFrom('refuse-work', 'misbehave')).map(
      ([name, type]): Step =>
        (run) =>
          run.send({ type, planHash: planOf(run.run), site: name, reason: 'no' }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constant<Step>((run) =>
      run.send({ type: 'roll-back', round: 1, reason: 'worse', signature: `${'A'.repeat(86)}==` }),
    ),
  },
)

function shown([name, how]: [string, 'away' | 'back' | 'revoked' | 'withdrawn']): Step {
  return (run) => {
    const absent = how === 'away' ? { absentSinceMs: run.nowMs } : {}
    run.presence.set(name, how === 'revoked' || how === 'withdrawn' ? { excluded: how } : absent)
    run.settle()
  }
}

const ends = new Set<string>()

test.for(['cooperate', 'advance'] as const)(
  'whatever happened, the state is the fold of the log, and a run ends with one set of survivors a sum: %s',
  (end) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (all) => {
        const run = simulateRun(secureManifestOf({ standardisation: 'none', rounds: 3 }))
        run.settle()
        for (const each of all) each(run)
        expect(run.replayed()).toEqual(run.run)
        for (let i = 0; run[end](); i++) expect(i).toBeLessThan(200)
        expect(run.run.state).not.toBe('running')
        for (const round of run.run.past) checkRound(round, run.events)
        ends.add(run.run.state)
      }),
      { numRuns: 25 },
    )
    expect(ends).toEqual(new Set(['failed', 'finished']))
  },
)

function checkRound(
  { planHash, survivors, dropouts, outcome }: SimulatedRun['run']['past'][number],
  events: readonly RunEvent[],
) {
  const fixed = events.filter((event) => event.type === 'survivors-fixed' && event.planHash === planHash)
  expect(fixed.length).toBeLessThanOrEqual(1)
  for (const { site, phase } of dropouts)
    if (survivors.includes(site)) expect(['confirm-survivors', 'unmask']).toContain(phase)
  if (outcome.type !== 'committed') return
  expect(fixed).toMatchObject([{ sites: survivors }])
  expect(survivors.length).toBeGreaterThanOrEqual(3)
}

test('a run that goes back trains among the sites that trained from that model before', () => {
  const run = simulateRun(secureManifestOf({ standardisation: 'none', rounds: 4 }))
  run.settle()
  while (run.run.current?.setting.round !== 3) run.cooperate()
  expect(run.run.current.setting).not.toHaveProperty('trainedAmong')
  const signature = `${'A'.repeat(86)}==`
  run.send({ type: 'roll-back', round: 1, reason: 'round 2 diverged', signature })
  const second = run.run.past.find(({ setting }) => setting.purpose === 'train' && setting.round === 2)
  expect(second?.survivors.length).toBeGreaterThanOrEqual(3)
  expect(run.run.current?.setting).toMatchObject({ round: 4, trainedAmong: [second?.survivors] })
  expect(run.replayed()).toEqual(run.run)
})
