/**
 * Rounds among partners that lose one after the plan. What should happen: the same round is attempted again with all of
 * them, statistics however long it takes, an evaluation while a withheld one would be waited for. What should not: a further
 * attempt where a site refused or is out for good, or without end.
 */
import { attemptsMax } from '@consilium/protos/limits.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { advertisedBody, advertiseMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { expect, test } from 'vitest'
import type { OpenRound } from '../../../coordinator/round/round.ts'
import { runView } from '../../../coordinator/run/view.ts'
import { secureSite } from '../../support/secure-sites.ts'
import { identityOf } from '../round/given.ts'
import { type SimulatedRun, secureManifestOf, simulateRun } from './simulated-run.ts'

const lostPhases = ['advertise-keys', 'share-keys', 'collect-updates'] as const
const study = { rounds: 2, cohort: { min: 3, quorum: 3 } } as const
const away = (run: SimulatedRun, site = 'zurich') => run.presence.set(site, { absentSinceMs: run.nowMs })
const back = (run: SimulatedRun, site = 'zurich') => {
  run.presence.set(site, {})
  run.settle()
}
const plans = (run: SimulatedRun): RoundPlan[] =>
  run.events.flatMap((event) => (event.type === 'cohort-selected' ? [event.plan] : []))
const failures = (run: SimulatedRun) =>
  run.events.flatMap((event) => (event.type === 'round-failed' ? [[event.purpose, event.round, event.code]] : []))

/** Up to a phase of a round, with everybody there. */
function until(purpose: string, round: number, phase: OpenRound['phase'], run = simulateRun(secureManifestOf(study))) {
  run.settle()
  while (
    run.run.current?.phase !== phase ||
    run.run.current.setting.purpose !== purpose ||
    run.run.current.setting.round !== round
  )
    if (!run.cooperate()) throw new Error('the run has ended')
  return run
}
/** Everybody but this site says what is due, and time passes to the next deadline. */
function without(run: SimulatedRun, site = 'zurich') {
  for (const other of ['basel', 'cleveland', 'hungary', 'zurich']) if (other !== site) run.say(other)
  run.advance()
}
function finish(run: SimulatedRun) {
  while (run.cooperate());
  return run
}
const committedOf = (run: SimulatedRun) =>
  run.events.flatMap((event) => (event.type === 'round-committed' ? [event.result.purpose] : []))

test.for(lostPhases)('statistics that lose a partner in %s wait for it and are made, and the run goes on', (phase) => {
  const run = until('statistics', 0, phase)
  away(run)
  without(run)
  expect(failures(run)).toEqual([['statistics', 0, 'interrupted']])
  expect(run.run).toMatchObject({
    state: 'running',
    current: { phase: 'recruit', setting: { attempt: { number: 2 } } },
  })
  run.wait(30 * 86_400_000)
  expect(run.run.current?.phase).toBe('recruit')
  back(run)
  const [first, second] = plans(run)
  const { attempt: _, logHead: _head, ...content } = second!
  expect({ ...content, logHead: first!.logHead }).toEqual(first)
  expect(second!.attempt).toEqual({ number: 2, after: planHash(first!) })
  expect(second!.logHead.size).toBeGreaterThan(first!.logHead.size)
  finish(run)
  expect(run.run.state).toBe('finished')
  expect(committedOf(run)).toEqual(['statistics', 'train', 'evaluate', 'train', 'evaluate'])
})

test('statistics whose survivors are not confirmed in time are attempted again, as nobody has revealed a share', () => {
  const run = until('statistics', 0, 'confirm-survivors')
  for (const site of ['hungary', 'zurich']) away(run, site)
  for (const site of ['basel', 'cleveland']) run.say(site)
  run.advance()
  expect(failures(run)).toEqual([['statistics', 0, 'interrupted']])
  for (const site of ['hungary', 'zurich']) back(run, site)
  expect(plans(run).at(-1)!.attempt!.number).toBe(2)
  expect(finish(run).run.state).toBe('finished')
})

test('once a quorum has confirmed there is no further attempt: what is revealed is waited for', () => {
  const run = until('statistics', 0, 'unmask')
  for (const site of ['cleveland', 'hungary', 'zurich']) away(run, site)
  run.say('basel')
  run.wait(30 * 86_400_000)
  expect(run.run.current?.phase).toBe('unmask')
  expect(failures(run)).toEqual([])
})

test('a partner lost again and again, and a coordinator that is started again in between', () => {
  const run = until('statistics', 0, 'collect-updates')
  for (const phase of lostPhases) {
    away(run)
    without(run)
    run.restart()
    back(run)
    until('statistics', 0, phase, run)
  }
  expect(plans(run).map(({ attempt }) => attempt?.number)).toEqual([undefined, 2, 3, 4])
  expect(plans(run).map(({ attempt }) => attempt?.after)).toEqual([undefined, ...plans(run).slice(0, 3).map(planHash)])
  expect(finish(run).run.state).toBe('finished')
})

test('without end it is not attempted: the run says for whom', () => {
  const run = until('statistics', 0, 'advertise-keys')
  for (;;) {
    away(run)
    without(run)
    if (run.run.state !== 'running') break
    back(run)
    until('statistics', 0, 'advertise-keys', run)
  }
  expect(plans(run)).toHaveLength(attemptsMax)
  expect(failures(run).at(-1)).toEqual(['statistics', 0, 'withheld'])
  expect(run.run).toMatchObject({ state: 'failed', reason: expect.stringContaining('zurich is missing') })
})

test('a site that refuses ends the statistics, and the run', () => {
  const run = until('statistics', 0, 'share-keys')
  const { planHash: hash } = run.run.current as Extract<OpenRound, { phase: 'share-keys' }>
  run.send({ type: 'refuse-work', planHash: hash, site: 'zurich', reason: 'session-lost' })
  expect(failures(run)).toEqual([['statistics', 0, 'withheld']])
  expect(run.run.state).toBe('failed')
})

test('one that is revoked while it is waited for ends them too', () => {
  const run = until('statistics', 0, 'share-keys')
  away(run)
  without(run)
  run.presence.set('zurich', { excluded: 'revoked' })
  run.settle()
  expect(failures(run).map(([, , code]) => code)).toEqual(['interrupted', 'withheld'])
  expect(run.run.state).toBe('failed')
})

test('an evaluation waits as long as a withheld one is waited for, and is a gap then', () => {
  const run = until('evaluate', 1, 'collect-updates')
  away(run)
  without(run)
  expect(run.run.current).toMatchObject({ phase: 'recruit', setting: { purpose: 'evaluate', attempt: { number: 2 } } })
  run.advance()
  expect(failures(run)).toEqual([
    ['evaluate', 1, 'interrupted'],
    ['evaluate', 1, 'withheld'],
  ])
  expect(run.run.current?.setting).toMatchObject({ purpose: 'train', round: 2 })
  const [, view] = runView(run.run, '', new Map()).rounds
  expect(view).toMatchObject({
    interrupted: [expect.stringMatching(/^evaluation, attempt 1, interrupted: zurich is missing: /)],
    withheld: expect.stringMatching(/^evaluation withheld: zurich is missing: not connected since /),
  })
  back(run)
  expect(finish(run).run.state).toBe('finished')
})

test('an evaluation whose partner is back within that time is made in its second attempt', () => {
  const run = until('evaluate', 1, 'share-keys')
  away(run)
  without(run)
  expect(runView(run.run, '', new Map()).current).toMatchObject({ purpose: 'evaluate', round: 1, attempt: 2 })
  back(run)
  finish(run)
  expect(committedOf(run)).toEqual(['statistics', 'train', 'evaluate', 'train', 'evaluate'])
  expect(runView(run.run, '', new Map()).rounds[1]).toMatchObject({ loss: expect.any(Number) })
})

test('the evaluation of the last model has the time to make up for it once, from its first attempt on', () => {
  const run = until('evaluate', 2, 'share-keys')
  const { makeUpMs } = run.manifest.study.deadlines
  const firstMs = run.run.current!.setting.startedAtMs
  away(run)
  without(run)
  back(run)
  until('evaluate', 2, 'collect-updates', run)
  away(run)
  without(run)
  run.wait(firstMs + makeUpMs - run.nowMs - 1)
  expect(run.run.current).toMatchObject({ phase: 'recruit', setting: { attempt: { number: 3 } } })
  run.wait(1)
  expect(failures(run).at(-1)).toEqual(['evaluate', 2, 'withheld'])
  expect(finish(run).run.state).toBe('finished')
})

test.for([
  ['that it revealed its shares', { released: true }],
  ['that it abandoned another plan', { planHash: new Uint8Array(32).fill(7) }],
] as const)('a site that says %s in a further attempt is out of it, and there is no other', ([, changed]) => {
  const run = until('statistics', 0, 'share-keys')
  away(run)
  without(run)
  back(run)
  until('statistics', 0, 'advertise-keys', run)
  const { plan, planHash: hash, session } = run.run.current as Extract<OpenRound, { phase: 'advertise-keys' }>
  const said = readAdvertisement(Buffer.from(secureSite('zurich', identityOf('zurich')).advertise(plan).body))
  const body = advertisedBody({ ...said, previousAttempt: { ...said.previousAttempt!, ...changed } })
  const signature = signMessage(identityOf('zurich'), advertiseMessage(Buffer.from(hash, 'hex'), 'zurich', body))
  expect(session.advertised.size).toBe(0)
  run.send({ type: 'advertise-keys', planHash: hash, site: 'zurich', body, signature })
  expect(failures(run)).toEqual([
    ['statistics', 0, 'interrupted'],
    ['statistics', 0, 'withheld'],
  ])
  expect(run.events.flatMap((event) => (event.type === 'site-dropped' ? [event.cause] : []))).toEqual([
    'absent',
    'misbehaved',
  ])
})
