/** Recruit: who is waited for, and for how long. */
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { planHash as hashOf, readRoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { describe, expect, test } from 'vitest'
import { decideRound, nextDeadline, resumeRound } from '../../../coordinator/round/round.ts'
import type { RoundSetting } from '../../../coordinator/round/setting.ts'
import {
  absentSince,
  attendance,
  cohortSelected,
  failed,
  given,
  identityOf,
  logHead,
  look,
  open,
  recruiting,
  setting,
  sites,
  startMs,
  thePlan,
  timeAt,
} from './given.ts'

describe('while a round recruits', () => {
  test('the cohort is fixed as soon as every expected site attends', () => {
    const round = given([]).when(look(), 5).thenEvents(cohortSelected(5))
    expect(round).toMatchObject({ phase: 'work', cohort: sites, planHash: thePlan, sinceMs: startMs + 5 })
  })

  test('it waits for an expected site that is away', () => {
    given([])
      .when(look({ zurich: absentSince(0) }), 29_999)
      .thenEvents()
  })

  test('at the deadline it starts with those that attend', () => {
    given([])
      .when(look({ zurich: absentSince(0) }), 30_000)
      .thenEvents(cohortSelected(30_000, ['basel', 'cleveland', 'hungary']))
    expect(nextDeadline(recruiting(), attendance())).toBe(startMs + 30_000)
  })

  test('at the deadline it fails where too few attend, and names who is missing', () => {
    given([])
      .when(look({ hungary: absentSince(0), zurich: absentSince(0) }), 30_000)
      .thenEvents(failed('cohort-too-small', '2 of at least 3 sites attend; missing: hungary, zurich', 30_000))
  })

  test('whoever attends joins, also when it was not expected', () => {
    given([], recruiting(['basel', 'cleveland', 'hungary']))
      .when(look(), 0)
      .thenEvents(cohortSelected(0))
  })

  test('a site that was revoked or withdrew is neither waited for nor taken', () => {
    given([])
      .when(look({ zurich: { excluded: 'revoked' } }), 0)
      .thenEvents(cohortSelected(0, ['basel', 'cleveland', 'hungary']))
  })

  test('messages about the work of another round change nothing', () => {
    given([]).when({ type: 'finish-work', planHash: thePlan, site: 'basel' }).thenEvents()
    given([]).when({ type: 'refuse-work', planHash: thePlan, site: 'basel', reason: 'no' }).thenEvents()
  })

  test('after a restart it has its whole time again', () => {
    const round = resumeRound(open([]), startMs + 25_000)
    expect(nextDeadline(round, attendance())).toBe(startMs + 55_000)
    given([], round)
      .when(look({ zurich: absentSince(0) }), 54_999)
      .thenEvents()
  })
})

const secure: RoundSetting = {
  ...setting,
  aggregation: { mode: 'secure', weights: 'bucket', weightMax: 65_536 },
  vectors: [{ name: 'hdr', words: 16 }],
}

describe('the plan', () => {
  test('is a valid one that a site reads as it was made', () => {
    const coordinator = identityFromSeed(new Uint8Array(32).fill(3))
    for (const of of [setting, secure]) {
      const { plan, planHash } = cohortSelected(0, sites, of)
      expect(readRoundPlan(signRoundPlan(plan, coordinator), coordinator.publicKey)).toEqual(plan)
      expect(planHash).toBe(hashOf(plan))
    }
  })

  test('names model, cohort and the head of the log as the look gave it; in sealed mode the key of the run', () => {
    expect(cohortSelected().plan).toEqual({
      format: 2,
      run: 'heart-1',
      study: setting.study,
      round: 1,
      purpose: 'train',
      cohort: sites,
      model: setting.model,
      logHead,
      runPublicKey: setting.runPublicKey,
    })
  })

  test('in a secure round it names identities, thresholds and vectors, and no key of the run', () => {
    const { plan } = cohortSelected(0, sites, { ...secure, modelEntry: 4 })
    expect(plan).not.toHaveProperty('runPublicKey')
    expect(plan.modelEntry).toBe(4)
    expect(plan.secure).toEqual({
      roster: sites.map((site) => Buffer.from(identityOf(site).publicKey).toString('base64')),
      colluders: 1,
      survivorsMin: 3,
      vectors: [{ name: 'hdr', words: 16 }],
    })
  })

  test('c and m are those of the study where it names them', () => {
    const aggregation = { ...secure.aggregation, colluders: 0, survivorsMin: 4 } as const
    expect(cohortSelected(0, sites, { ...secure, aggregation }).plan.secure).toMatchObject({
      colluders: 0,
      survivorsMin: 4,
    })
  })

  test('waits for a head of the log that reaches the entry which made its model', () => {
    const start = recruiting(sites, { ...secure, modelEntry: logHead.size })
    given([], start).when(look()).thenEvents()
    const [event] = decideRound(
      start,
      { type: 'look', attendance: attendance(), logHead: { ...logHead, size: 10 } },
      timeAt(0),
    )
    expect(event).toMatchObject({ type: 'cohort-selected', plan: { logHead: { size: 10 }, modelEntry: 9 } })
  })
})

describe('a secure round begins only where it can succeed', () => {
  test.for([
    ['fewer sites than hide one another', { ...secure, cohort: { min: 1, quorum: 1 } }, 2, 3],
    ['fewer sites than the sum needs', { ...secure, aggregation: { ...secure.aggregation, survivorsMin: 5 } }, 4, 5],
    ['one honest site among colluders', { ...secure, aggregation: { ...secure.aggregation, colluders: 3 } }, 4, 5],
  ] as const)('not with %s', ([, of, attending, needed]) => {
    const start = recruiting(sites, of as RoundSetting)
    given([], start)
      .when(look({}, sites.slice(0, attending)), 30_000)
      .thenEvents(failed('cohort-too-small', `${attending} of at least ${needed} sites attend`, 30_000))
  })
})

describe('training once more from a model', () => {
  const four = sites
  const again = (trainedAmong: readonly (readonly string[])[]) => recruiting(sites, { ...secure, trainedAmong })
  const five = [...sites, 'ulm']

  test('is among the sites of before where these are there, though a new one attends', () => {
    const [event] = decideRound(again([four]), look({}, five), timeAt(0))
    expect(event).toMatchObject({ type: 'cohort-selected', plan: { cohort: four } })
  })

  test('waits for one of them that is away, and fails naming it: the sites would refuse', () => {
    const start = again([five])
    given([], start).when(look(), 29_999).thenEvents()
    const [event] = decideRound(start, look(), timeAt(30_000))
    expect(event).toMatchObject({
      type: 'round-failed',
      code: 'cohort-differencing',
      reason: expect.stringMatching(/among basel, cleveland, hungary, zurich, ulm; .* ulm is missing now$/),
    })
  })

  test('a set close to another one of before is not taken either', () => {
    const [event] = decideRound(again([four, five]), look({}, five), timeAt(30_000))
    expect(event).toMatchObject({ type: 'round-failed', code: 'cohort-differencing' })
  })

  test('sets that differ by as many as a sum has are free', () => {
    const others = ['a', 'b', 'c', 'basel']
    const [event] = decideRound(again([others]), look(), timeAt(0))
    expect(event).toMatchObject({ type: 'cohort-selected', plan: { cohort: four } })
  })

  test('in sealed mode there is nothing to subtract', () => {
    const [event] = decideRound(recruiting(sites, { ...setting, trainedAmong: [five] }), look(), timeAt(0))
    expect(event).toMatchObject({ type: 'cohort-selected' })
  })
})
