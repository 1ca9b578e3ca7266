/** Who is recruited in secure mode: sites that all pinned one another, and nobody waits for one that cannot be among them. */
import { describe, expect, test } from 'vitest'
import { leftOut } from '../../../coordinator/round/left-out.ts'
import { mutuallyPinned } from '../../../coordinator/round/pins.ts'
import type { Attendance } from '../../../coordinator/round/presence.ts'
import type { OpenRound } from '../../../coordinator/round/round.ts'
import { decideRun, startedRun } from '../../../coordinator/run/run.ts'
import type { Run } from '../../../coordinator/run/state.ts'
import { manifestOf, secureManifestOf, started } from '../run/simulated-run.ts'
import {
  absentSince,
  attendance,
  cohortSelected,
  failed,
  given,
  identityOf,
  logHead,
  recruiting,
  type Shown,
  sites,
  timeAt,
} from './given.ts'
import { secureSetting } from './secure-given.ts'

const key = (site: string) => Buffer.from(identityOf(site).publicKey).toString('base64')
const five = [...sites, 'aarau'].sort()

type Told = Readonly<Record<string, readonly string[] | 'nothing' | Shown>>

/** Each site pinned all of them but those named; `nothing` where it has not told. */
function shown(names: readonly string[], told: Told): Attendance {
  const others = names.map((site): [string, Shown] => {
    const what = told[site] ?? []
    if (what === 'nothing') return [site, { pins: undefined as never }]
    if (!Array.isArray(what)) return [site, { pins: undefined as never, ...(what as Shown) }]
    return [site, { pins: new Map(names.filter((name) => !what.includes(name)).map((name) => [name, key(name)])) }]
  })
  const all = attendance(Object.fromEntries(others), names)
  return new Map([...all].map(([site, { pins, ...rest }]) => [site, { ...rest, ...(pins && { pins }) }]))
}

const look = (all: Attendance) => ({ type: 'look', attendance: all, logHead }) as const
const without = (names: readonly string[], ...gone: readonly string[]) => names.filter((site) => !gone.includes(site))
const secure = (expected: readonly string[] = sites) => recruiting(expected, secureSetting)

describe('of sites that have not all pinned one another', () => {
  test.for([
    { what: 'all that have are taken', told: {}, expected: sites, leaves: [] },
    { what: 'a newcomer that nobody pinned stays out', told: newcomer('aarau'), expected: sites, leaves: ['aarau'] },
    {
      what: 'one that pinned nobody stays out',
      told: { hungary: five },
      expected: five,
      leaves: ['hungary'],
    },
    {
      what: 'of a pair, the one that was not expected goes',
      told: { zurich: ['aarau'] },
      expected: sites,
      leaves: ['aarau'],
    },
    {
      what: 'of a pair that was expected, the last by name',
      told: { aarau: ['basel'] },
      expected: five,
      leaves: ['basel'],
    },
    {
      what: 'two newcomers that know only each other both stay out',
      told: { basel: ['aarau', 'hungary'], cleveland: ['aarau', 'hungary'], zurich: ['aarau', 'hungary'] },
      expected: ['basel', 'cleveland', 'zurich'],
      leaves: ['aarau', 'hungary'],
    },
    {
      what: 'where nobody pinned anybody, one is left',
      told: everybody([...five]),
      expected: five,
      leaves: without(five, 'aarau'),
    },
    {
      what: 'one that told nothing may have pinned everybody',
      told: { zurich: 'nothing' },
      expected: sites,
      leaves: [],
    },
  ] as { what: string; told: Told; expected: readonly string[]; leaves: readonly string[] }[])(
    '$what',
    ({ told, expected, leaves }) => {
      const all = shown(five, told)
      expect(mutuallyPinned(five, all, expected)).toEqual(without(five, ...leaves))
      const reversed = new Map([...all].reverse())
      expect(mutuallyPinned(five, reversed, [...expected].reverse())).toEqual(without(five, ...leaves))
    },
  )

  test('a pin of another key than the federation has is none', () => {
    const all = shown(five, { basel: [] })
    const wrong = new Map([...all.get('basel')!.pins!, ['zurich', key('hungary')]])
    const changed = new Map([...all, ['basel', { ...all.get('basel')!, pins: wrong }]])
    expect(mutuallyPinned(five, changed, without(five, 'basel'))).toEqual(without(five, 'basel'))
  })
})

describe('while a secure round recruits', () => {
  test('it begins at once without a newcomer that the others have not pinned', () => {
    given([], secure())
      .when(look(shown(five, newcomer('aarau'))))
      .thenEvents(cohortSelected(0, sites, secureSetting))
  })

  test('and with it once they have', () => {
    given([], secure())
      .when(look(shown(five, {})))
      .thenEvents(cohortSelected(0, five, secureSetting))
  })

  test('an expected site that attends and has not told is waited for, to the deadline', () => {
    const all = shown(sites, { zurich: 'nothing' })
    given([], secure()).when(look(all), 29_999).thenEvents()
    given([], secure())
      .when(look(all), 30_000)
      .thenEvents(cohortSelected(30_000, without(sites, 'zurich'), secureSetting))
  })

  test('one that was not expected is not', () => {
    const three = without(sites, 'zurich')
    given([], secure(three))
      .when(look(shown(sites, { zurich: 'nothing' })))
      .thenEvents(cohortSelected(0, three, secureSetting))
  })

  test('an expected site that is away is not waited for where the others have not pinned it', () => {
    const away = { aarau: absentSince(0) }
    const all = shown(five, { ...newcomer('aarau'), ...away })
    given([], secure(five))
      .when(look(all))
      .thenEvents(cohortSelected(0, sites, secureSetting))
    given([], secure(five))
      .when(look(shown(five, away)))
      .thenEvents()
  })

  test('at the deadline it fails where too few have pinned one another, and names who is left out and why', () => {
    const all = shown(sites, { basel: ['hungary', 'zurich'], zurich: ['cleveland'] })
    const reason =
      '2 of at least 3 sites attend and have approved the identities of one another; hungary is left out: basel has not approved its identity (site-agent roster approve hungary); zurich is left out: basel has not approved its identity (site-agent roster approve zurich); it has not approved the identity of cleveland (site-agent roster list)'
    given([], secure()).when(look(all), 29_999).thenEvents()
    given([], secure())
      .when(look(all), 30_000)
      .thenEvents(failed('cohort-too-small', reason, 30_000))
  })

  test('in sealed mode pins count for nothing', () => {
    given([])
      .when(look(shown(sites, everybody([...sites]))))
      .thenEvents(cohortSelected())
    expect(leftOut(recruiting(), shown(sites, everybody([...sites])))).toEqual([])
  })
})

describe('a round that starts', () => {
  const expectedOf = (run: Run, all: Attendance) => {
    const [event] = decideRun(run, look(all), timeAt(0))
    return event?.type === 'round-started' ? event.expected : undefined
  }

  test('expects no site that could not be in its cohort, in sealed mode every one', () => {
    const all = shown(five, newcomer('aarau'))
    expect(expectedOf(startedRun(started, secureManifestOf()), all)).toEqual(sites)
    expect(expectedOf(startedRun(started, manifestOf()), all)).toEqual(five)
  })

  test('expects a site of which nothing is known yet', () => {
    const all = shown(five, { basel: 'nothing', aarau: absentSince(0) })
    expect(expectedOf(startedRun(started, secureManifestOf()), all)).toEqual(five)
  })
})

describe('who is left out is told with the reason', () => {
  const reasonIn = (round: OpenRound, all: Attendance) => leftOut(round, all)
  const working = given([], secure())
    .when(look(shown(sites, {})))
    .thenEvents(cohortSelected(0, sites, secureSetting))

  test('while a round goes on without it', () => {
    expect(reasonIn(working as OpenRound, shown(five, { basel: ['aarau'], zurich: ['aarau'] }))).toEqual([
      { site: 'aarau', reason: 'basel and zurich have not approved its identity (site-agent roster approve aarau)' },
    ])
  })

  test('and while one recruits', () => {
    expect(reasonIn(secure(), shown(five, { aarau: ['basel'] }))).toEqual([
      { site: 'aarau', reason: 'it has not approved the identity of basel (site-agent roster list)' },
    ])
  })

  test('but not one that joins the next round, nor one that is away or has told nothing', () => {
    expect(reasonIn(working as OpenRound, shown(five, {}))).toEqual([])
    for (const aarau of ['nothing', absentSince(0)] as const)
      expect(reasonIn(working as OpenRound, shown(five, { ...newcomer('aarau'), aarau }))).toEqual([])
  })

  test('in a few words where many have not pinned it', () => {
    const many = Array.from({ length: 8 }, (_, i) => `site-${i}`)
    const all = shown([...many, 'aarau'], Object.fromEntries(many.map((site) => [site, ['aarau']])))
    expect(reasonIn(secure(many), all)[0]?.reason).toMatch(
      /^site-0, site-1, site-2, site-3, site-4 and 3 others have not/,
    )
  })
})

function newcomer(site: string): Told {
  return Object.fromEntries(sites.map((other) => [other, [site]]))
}

function everybody(names: readonly string[]): Told {
  return Object.fromEntries(names.map((site) => [site, names]))
}
