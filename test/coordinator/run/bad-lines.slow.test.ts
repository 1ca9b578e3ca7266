/**
 * Rounds of 30 minutes to 3 hours over lines as hospitals have them: down for 6 minutes, for 2.5 hours, or once every 25
 * hours. What should happen: whoever works is in the sum. What should not: a line decides who is in the model.
 */
import { studySchema } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { aStudy } from '../../support/a-study.ts'
import { seededNumbers } from '../../support/seeded.ts'
import { secureManifestOf, simulateRun, siteNames, startMs } from './simulated-run.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** When a line is down, from a round's start of the run on, in minutes. */
type Cut = { readonly fromMs: number; readonly toMs: number }

/** Minutes of work, by site: the slowest is the largest. */
const workMinutes = { basel: 30, cleveland: 45, hungary: 90, zurich: 180 } as const
type Site = keyof typeof workMinutes

/** Between hospitals whose lines are bad: a cut is borne in every phase, and one of hours while they work. */
const patient = {
  recruitMs: 15 * minuteMs,
  workMs: 3 * hourMs,
  uploadMs: hourMs,
  keysMs: 15 * minuteMs,
  absentMs: 15 * minuteMs,
}

function runOver(cuts: Partial<Record<Site, readonly Cut[]>>, { rounds = 3, deadlines = patient } = {}) {
  const manifest = secureManifestOf({ rounds, standardisation: 'none', evaluation: { bins: 4, everyRounds: 100 } })
  const study = studySchema.parse({ ...aStudy, ...manifest.study, deadlines })
  const run = simulateRun({ ...manifest, study })
  /** Minutes worked for the present plan. */
  const worked = new Map<string, number>()
  let plan = ''
  for (let minute = 0; run.run.state === 'running'; minute++) {
    if (minute > 100 * 60 * rounds) throw new Error(`no end in sight: ${run.run.current?.phase}`)
    const round = run.run.current
    const planHash = round && 'planHash' in round ? round.planHash : ''
    if (planHash !== plan) worked.clear()
    plan = planHash
    for (const site of siteNames as Site[]) {
      const isUp = !(cuts[site] ?? []).some(({ fromMs, toMs }) => within(run.nowMs - startMs, fromMs, toMs))
      const { absentSinceMs = run.nowMs, progressAtMs } = run.presence.get(site)!
      const isWorking = round?.phase === 'work' && (isUp || worked.has(site))
      if (isWorking) worked.set(site, (worked.get(site) ?? 0) + 1)
      const toldAtMs = isWorking && isUp ? run.nowMs : progressAtMs
      const { attendsSinceMs = run.nowMs } = run.presence.get(site)!
      run.presence.set(site, {
        ...(isUp ? { attendsSinceMs } : { absentSinceMs }),
        ...(toldAtMs !== undefined && { progressAtMs: toldAtMs }),
      })
    }
    run.settle()
    // Whoever is connected says at once what the round asks for, phase after phase.
    for (let before = -1; before !== run.events.length; ) {
      before = run.events.length
      for (const site of siteNames as Site[]) {
        const now = run.run.current
        const isUp = run.presence.get(site)!.absentSinceMs === undefined
        const isReady = now?.phase !== 'work' || (worked.get(site) ?? 0) >= workMinutes[site]
        if (isUp && isReady && now && now.phase !== 'recruit') run.say(site)
      }
      if (!run.run.current || run.run.current.phase === 'commit') run.advance()
    }
    run.wait(minuteMs)
  }
  const trained = run.run.past.filter(({ setting }) => setting.purpose === 'train')
  return {
    state: run.run.state,
    survivors: trained.map(({ survivors }) => survivors),
    dropouts: run.run.past.flatMap(({ dropouts }) =>
      dropouts.map(({ site, cause, phase }) => `${site} ${cause} ${phase}`),
    ),
  }
}

function within(ms: number, fromMs: number, toMs: number): boolean {
  return fromMs <= ms && ms < toMs
}

const everybody = (rounds: number) => Array(rounds).fill(siteNames)

test('without a cut everybody is in every round', () => {
  expect(runOver({})).toEqual({ state: 'finished', survivors: everybody(3), dropouts: [] })
})

test('a cut of 2.5 hours in the middle of its work costs the slowest site nothing', () => {
  const cuts = { zurich: [{ fromMs: 10 * minuteMs, toMs: 160 * minuteMs }] }
  expect(runOver(cuts)).toEqual({ state: 'finished', survivors: everybody(3), dropouts: [] })
})

test('with the default deadlines a cut of 6 minutes costs nothing, whenever it comes', () => {
  const { deadlines } = studySchema.parse(aStudy)
  for (const site of ['basel', 'zurich'] as const)
    for (let fromMinutes = 1; fromMinutes <= 190; fromMinutes += 7) {
      const cuts = { [site]: [{ fromMs: fromMinutes * minuteMs, toMs: (fromMinutes + 6) * minuteMs }] }
      const whole = { state: 'finished', survivors: everybody(1), dropouts: [] }
      expect(runOver(cuts, { rounds: 1, deadlines }), `${site} from minute ${fromMinutes}`).toEqual(whole)
    }
})

test('a site that is done early may be away for 2.5 hours while the slowest finishes', () => {
  for (const fromMinutes of [20, 40, 100, 170]) {
    const cuts = { basel: [{ fromMs: fromMinutes * minuteMs, toMs: (fromMinutes + 150) * minuteMs }] }
    expect(runOver(cuts, { rounds: 1 })).toEqual({ state: 'finished', survivors: everybody(1), dropouts: [] })
  }
})

test('cuts of 6 minutes whenever they come, at every site, cost nothing where the deadlines bear them', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seededNumbers(seed)
    const cuts = Object.fromEntries(
      siteNames.map((site) => [
        site,
        Array.from({ length: 6 }, () => {
          const fromMs = Math.floor(random() * 10 * 60) * minuteMs
          return { fromMs, toMs: fromMs + 6 * minuteMs }
        }),
      ]),
    )
    expect(runOver(cuts), `seed ${seed}`).toEqual({ state: 'finished', survivors: everybody(3), dropouts: [] })
  }
})

test('lines that go down for 10 minutes every 25 hours, over three days, cost nothing', () => {
  const cuts = Object.fromEntries(
    siteNames.map((site, i) => [
      site,
      [0, 1, 2].map((day) => {
        const fromMs = (day * 25 + 3 * i + 1) * hourMs
        return { fromMs, toMs: fromMs + 10 * minuteMs }
      }),
    ]),
  )
  expect(runOver(cuts, { rounds: 24 })).toEqual({ state: 'finished', survivors: everybody(24), dropouts: [] })
})

test('a site that is gone for good is dropped from one round, once its work is overdue, and holds up no other', () => {
  const cuts = { hungary: [{ fromMs: 60 * minuteMs, toMs: Number.POSITIVE_INFINITY }] }
  const without = siteNames.filter((site) => site !== 'hungary')
  expect(runOver(cuts)).toEqual({
    state: 'finished',
    survivors: [without, without, without],
    dropouts: ['hungary deadline work'],
  })
})
