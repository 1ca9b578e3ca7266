/** Verify: what should happen: a run goes on from what enough sites found right. What should not: from anything else. */
import { sha256Hex } from '@consilium/protos/hash.ts'
import { signMessage, verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { describe, expect, test } from 'vitest'
import type { RoundResult } from '../../../coordinator/round/events.ts'
import { decideRound, evolveRound, nextDeadline, type Round, resumeRound } from '../../../coordinator/round/round.ts'
import { awaitedVerdicts, type Verifying } from '../../../coordinator/round/verify.ts'
import { absentSince, attendance, failed, given, identityOf, look, sites, timeAt } from './given.ts'
import { entering, lost, refuse } from './secure-given.ts'

const { round: committing } = entering('commit')
const { planHash } = committing
const result = {
  purpose: 'train',
  examples: 9,
  parameters: 'c'.repeat(64),
  loss: 0.5,
  clippedSites: 0,
  contributors: 4,
} as const
const sums = sha256Hex(Buffer.from('the sum'))
const verifying = evolved(committing, { type: 'commit', planHash, result, sums }) as Verifying

function evolved(round: Exclude<Round, { phase: 'over' }>, ...commands: Parameters<typeof decideRound>[1][]): Round {
  const openOf = (now: Round) => (now.phase === 'over' ? undefined : now)
  return commands.reduce<Round>((now, command) => {
    const events = now.phase === 'over' ? [] : decideRound(now, command, timeAt(0))
    return events.reduce<Round>((then, event) => evolveRound(openOf(then) ?? round, event), now)
  }, round)
}

/** What a site says of the sum. */
function word(site: string, verdict: 'verified' | 'sum-not-verified' = 'verified', signer = site) {
  const signature = signMessage(identityOf(signer), verdictMessage(verdict, verifying.judged))
  return { type: 'judge-sum', planHash, site, verdict, sums, made: result.parameters, signature } as const
}

test('a train round is over once two of four sites, of which one may collude, verified its sum', () => {
  expect(verifying.phase).toBe('verify')
  expect(awaitedVerdicts(verifying)).toEqual({ answers: 2, sites })
  const one = evolved(verifying, word('basel')) as Verifying
  expect(awaitedVerdicts(one)).toEqual({ answers: 1, sites: sites.filter((site) => site !== 'basel') })
  const over = evolved(one, word('zurich'))
  expect(over).toMatchObject({
    phase: 'over',
    survivors: sites,
    outcome: { type: 'committed', result },
    proven: { planHash, sums, verified: [{ site: 'basel' }, { site: 'zurich' }] },
  })
})

test('each site is heard once, and is asked again after a restart of the coordinator', () => {
  const one = evolved(verifying, word('basel')) as Verifying
  given([], one).when(word('basel')).thenEvents()
  given([], one).when(word('basel', 'sum-not-verified')).thenEvents()
  expect(resumeRound(one, 99)).toEqual(one)
})

test('who disagrees, or is away for however long, does not hold the others up', () => {
  const away = { hungary: absentSince(0), cleveland: absentSince(0), basel: absentSince(0), zurich: absentSince(0) }
  expect(nextDeadline(verifying, attendance(away))).toBeUndefined()
  given([], verifying)
    .when(look(away), 30 * 86_400_000)
    .thenEvents()
  const doubted = evolved(verifying, word('hungary', 'sum-not-verified'), word('cleveland', 'sum-not-verified'))
  expect(doubted.phase).toBe('verify')
  expect(evolved(doubted as Verifying, word('basel'), word('zurich'))).toMatchObject({
    outcome: { type: 'committed' },
  })
})

test('where too few are left to verify it, the round made nothing', () => {
  const doubted = evolved(
    verifying,
    word('hungary', 'sum-not-verified'),
    word('cleveland', 'sum-not-verified'),
  ) as Verifying
  const reason = '0 of 2 sites verified the sum; hungary, cleveland, basel found it wrong'
  expect(evolved(doubted, word('basel', 'sum-not-verified'))).toMatchObject({
    phase: 'over',
    survivors: [],
    outcome: { type: 'failed', code: 'round-unverified', reason },
  })
  const gone = look({ basel: { excluded: 'revoked' }, zurich: { excluded: 'revoked' } })
  given([], doubted)
    .when(gone, 1)
    .thenEvents(failed('round-unverified', '0 of 2 sites verified the sum; hungary, cleveland found it wrong', 1))
})

test('a site that can say nothing of it any more is not waited for', () => {
  given([], verifying)
    .when(refuse(planHash, 'basel'), 1)
    .thenEvents(lost('basel', 'refused', 'no', 1))
  const three = evolved(verifying, refuse(planHash, 'basel'), refuse(planHash, 'zurich'), refuse(planHash, 'hungary'))
  expect(three).toMatchObject({ outcome: { type: 'failed', code: 'round-unverified' } })
})

test.for([
  ['another signed', word('basel', 'verified', 'zurich'), 'signature-invalid'],
  ['is about another sum', { ...word('basel'), sums: 'ab'.repeat(32) }, 'message-invalid'],
  ['is about another model', { ...word('basel'), made: 'ab'.repeat(32) }, 'message-invalid'],
  [
    'says the opposite of what was signed',
    { ...word('basel', 'sum-not-verified'), verdict: 'verified' },
    'signature-invalid',
  ],
] as const)('a word that %s counts for nothing', ([, command, reason]) => {
  const events = decideRound(verifying, command, timeAt(0))
  expect(events).toMatchObject([{ type: 'site-dropped', site: 'basel', cause: 'misbehaved' }])
  expect(events[0]).toHaveProperty('reason', expect.stringContaining(reason))
})

test('an evaluation steers nothing, so nobody verifies it', () => {
  const evaluated = evolved(committing, {
    type: 'commit',
    planHash,
    result: { purpose: 'evaluate', examples: 9, perSite: [] },
    sums,
  })
  expect(evaluated.phase).toBe('over')
})

describe('statistics, whose means go to later studies', () => {
  const summed = {
    purpose: 'statistics',
    examples: 9,
    columns: [{ name: 'age', means: [50], standardDeviations: [9] }],
  }
  const before = { ...committing, setting: { ...committing.setting, purpose: 'statistics' as const } }
  const round = evolved(before, { type: 'commit', planHash, result: summed as RoundResult, sums }) as Verifying
  const says = (site: string, verdict: 'verified' | 'sum-not-verified' = 'verified') => {
    const signature = signMessage(identityOf(site), verdictMessage(verdict, round.judged))
    return { type: 'judge-sum', planHash, site, verdict, sums, made: round.judged.made, signature } as const
  }
  const enough = evolved(round, says('basel'), says('zurich')) as Verifying

  test('are over once every survivor has said its word on them', () => {
    expect(enough).toMatchObject({ phase: 'verify' })
    expect(awaitedVerdicts(enough)).toEqual({ answers: 0, sites: ['cleveland', 'hungary'] })
    const over = evolved(enough, says('hungary', 'sum-not-verified'), says('cleveland'))
    expect(over).toMatchObject({
      outcome: { type: 'committed' },
      proven: { verified: [{ site: 'basel' }, { site: 'zurich' }, { site: 'cleveland' }] },
    })
  })

  test('wait a while for the word of those that are not needed for this run, and then go on without', () => {
    const { keysMs } = enough.setting.deadlines
    const away = attendance({ hungary: absentSince(0), cleveland: absentSince(0) })
    expect(nextDeadline(enough, away)).toBe(timeAt(keysMs).getTime())
    const lookAt = (ms: number) => decideRound(enough, look({ hungary: absentSince(0) }), timeAt(ms))
    expect(lookAt(keysMs - 1)).toEqual([])
    const dropouts = lookAt(keysMs)
    expect(dropouts).toMatchObject([{ site: 'cleveland' }, { site: 'hungary' }])
    const over = dropouts.reduce<Round>((then, event) => evolveRound(then as Verifying, event), enough)
    expect(over).toMatchObject({ outcome: { type: 'committed' }, proven: { verified: { length: 2 } } })
    expect(nextDeadline(resumeRound(enough, timeAt(9).getTime()), away)).toBe(timeAt(9 + keysMs).getTime())
  })

  test('do without nobody whose word is needed, for however long', () => {
    const one = evolved(round, says('basel')) as Verifying
    expect(nextDeadline(one, attendance({}))).toBeUndefined()
    expect(decideRound(one, look({ hungary: absentSince(0) }), timeAt(86_400_000))).toEqual([])
  })
})
