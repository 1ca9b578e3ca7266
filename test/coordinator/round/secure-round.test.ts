/**
 * A secure round as a whole: what should happen: with every site, or with one lost in any phase, the survivors are fixed
 * once and unmasked. What should not: a restart, a late or a repeated message changes anything.
 */
import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RoundCommand } from '../../../coordinator/round/commands.ts'
import { type RoundEvent, roundEventSchema } from '../../../coordinator/round/events.ts'
import {
  decideRound,
  evolveRound,
  nextDeadline,
  type OpenRound,
  type Round,
  resumeRound,
} from '../../../coordinator/round/round.ts'
import { attendance, look, recruiting, setting, sites, startMs, timeAt } from './given.ts'
import { entering, everybody, honest, type Phase, secureSetting, send, sendAll } from './secure-given.ts'

const phases = [
  'work',
  'advertise-keys',
  'share-keys',
  'collect-updates',
  'confirm-survivors',
  'unmask',
  'commit',
] as const satisfies readonly Phase[]
const replay = (events: readonly RoundEvent[]) =>
  events.reduce<Round>(
    (round, event) => {
      if (round.phase === 'over') throw new Error('over')
      return evolveRound(round, roundEventSchema.parse(JSON.parse(JSON.stringify(event))))
    },
    recruiting(sites, secureSetting),
  )

test('four honest sites go through every phase in turn', () => {
  const { round, events } = entering('commit')
  expect(round.session).toMatchObject({ survivors: sites, sharers: sites, advertisers: sites })
  expect(round.session?.revealed.size).toBe(3)
  expect([...new Set(events.map(({ type }) => type))]).toEqual([
    'cohort-selected',
    'work-done',
    'keys-advertised',
    'directory-fixed',
    'keys-shared',
    'sharers-fixed',
    'update-announced',
    'update-received',
    'survivors-fixed',
    'survivors-confirmed',
    'shares-revealed',
  ])
})

test.for(['work', 'advertise-keys', 'share-keys', 'collect-updates'] as const)(
  'a site lost in %s is no survivor, and the others are enough',
  (phase) => {
    const { round } = entering('commit', { [phase]: ['hungary'] })
    const others = sites.filter((site) => site !== 'hungary')
    expect(round.session?.survivors).toEqual(others)
    expect(round.dropouts).toEqual([{ site: 'hungary', cause: 'refused', reason: 'no', phase }])
    // Masks go over those that shared their keys: one lost later must be unmasked.
    expect(round.session?.sharers.includes('hungary')).toBe(phase === 'collect-updates')
  },
)

test.for(['work', 'advertise-keys', 'share-keys', 'collect-updates', 'confirm-survivors', 'unmask'] as const)(
  'two sites lost in %s end the round, whose sum would not hide the others',
  (phase) => {
    const entered = entering(phase)
    const { planHash } = entered.round
    const once = send(entered, { type: 'refuse-work', planHash, site: 'basel', reason: 'no' })
    const last = { type: 'refuse-work', planHash, site: 'zurich', reason: 'no' } as const
    const events = decideRound(once.round, last, timeAt(0))
    const code = phase === 'advertise-keys' ? 'cohort-too-small' : 'quorum-lost'
    expect(events.at(-1)).toMatchObject({ type: 'round-failed', code })
    const over = events.reduce<Round>((state, event) => evolveRound(state as OpenRound, event), once.round)
    expect(over).toMatchObject({ phase: 'over', survivors: [], outcome: { type: 'failed', code } })
  },
)

describe.for(phases)('a coordinator that restarts in %s', (phase) => {
  test('has the same round from its log', () => {
    const { round, events } = entering(phase)
    // Vitest takes maps for equal that differ in their order.
    deepStrictEqual(replay(events), round)
  })

  test('goes on to the same end', () => {
    const { round, events } = entering(phase)
    let played = { round: resumeRound(round, startMs + 1_000), events }
    while (played.round.phase !== 'commit') played = everybody(played) as typeof played
    expect(played.round.session?.survivors).toEqual(sites)
  })

  test('gives it its whole time again where it has a deadline', () => {
    const { round } = entering(phase)
    const due = nextDeadline(round, attendance())
    const again = nextDeadline(resumeRound(round, startMs + 1_000), attendance())
    expect(again).toBe(due === undefined ? undefined : due + 1_000)
    expect(due === undefined).toBe(phase === 'unmask' || phase === 'commit')
  })
})

/** Everything that any site says in any phase of this round. */
const everything = phases.flatMap((phase) => {
  const { round } = entering(phase)
  return sites.flatMap((site) => honest.commands(round, site))
})

test('a message said again, and one of a phase that is over, change nothing', () => {
  for (const phase of phases) {
    const entered = entering(phase)
    const late = everything.slice(0, everything.indexOf(everything.find(({ type }) => type === firstOf[phase])!))
    for (const command of late) expect(decideRound(entered.round, command, timeAt(0))).toEqual([])
    const once = sendAll(entered, honest.commands(entered.round, 'basel'))
    for (const command of honest.commands(entered.round, 'basel'))
      expect(decideRound(once.round, command, timeAt(0))).toEqual([])
  }
})

const firstOf: Readonly<Record<(typeof phases)[number], RoundCommand['type']>> = {
  work: 'finish-work',
  'advertise-keys': 'advertise-keys',
  'share-keys': 'share-keys',
  'collect-updates': 'announce-update',
  'confirm-survivors': 'confirm-survivors',
  unmask: 'reveal-shares',
  // Nothing is said in it: all there is comes late.
  commit: 'commit',
}

test('a message of a phase to come changes nothing yet', () => {
  for (const phase of phases.slice(0, -1)) {
    const { round } = entering(phase)
    const first = everything.findLastIndex(({ type }) => honest.commands(round, 'basel').some((c) => c.type === type))
    for (const command of everything.slice(first + 1)) expect(decideRound(round, command, timeAt(0))).toEqual([])
  }
})

const arbitraryCommand: fc.Arbitrary<RoundCommand> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...everything) },
  { weight: 3, arbitrary: fc.constant(look()) },
  { weight: 1, arbitrary: fc.constantFrom(...sites).map((site) => look({ [site]: { excluded: 'revoked' } })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...sites)
      .map((site): RoundCommand => ({ type: 'refuse-work', planHash: planOf(everything[0]!), site, reason: 'no' })),
  },
)

test('whatever comes, one plan has one set of survivors, and enough of them', () => {
  fc.assert(
    fc.property(fc.array(arbitraryCommand, { maxLength: 30, size: 'max' }), (commands) => {
      let round: Round = entering('collect-updates').round
      const fixed: RoundEvent[] = []
      for (const command of [...commands, ...everything, look(), ...everything, look(), ...commands]) {
        if (round.phase === 'over') break
        const events: RoundEvent[] = decideRound(round, command, timeAt(0))
        fixed.push(...events.filter(({ type }) => type === 'survivors-fixed'))
        for (const event of events) round = evolveRound(round as OpenRound, event)
      }
      expect(fixed.length).toBeLessThanOrEqual(1)
      for (const event of fixed)
        if (event.type === 'survivors-fixed') expect(event.sites.length).toBeGreaterThanOrEqual(3)
      if (round.phase === 'commit') expect(fixed).toHaveLength(1)
    }),
    { numRuns: 100 },
  )
})

test('a sealed round has none of the phases between work and upload', () => {
  const sealed = { round: recruiting(sites, setting), events: [] }
  const working = send(sealed, look())
  expect(everybody(working).round.phase).toBe('collect-updates')
  expect(everybody(everybody(working)).round.phase).toBe('commit')
})

function planOf(command: RoundCommand): string {
  if (command.type === 'look') throw new Error('a look has no plan')
  return command.planHash
}
