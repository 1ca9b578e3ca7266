/** What a person sees of a run: each round once, when its figures are in; dropouts with their reason. */
import { describe, expect, test } from 'vitest'
import type { RoundView, RunView } from '../../coordinator/services.ts'
import { progressOn } from '../../scripts/simulate/progress.ts'

const sites = ['a', 'b', 'c']
const round = (number: number, more: Partial<RoundView> = {}): RoundView => ({
  round: number,
  cohort: sites,
  survivors: sites,
  dropouts: [],
  uploadBytes: 10,
  seconds: 0.25,
  clippedShare: 0,
  ...more,
})
const run = (rounds: readonly RoundView[], current?: RunView['current']): RunView => ({
  run: 'r',
  studyHash: '',
  studyName: 's',
  state: current ? 'running' : 'finished',
  reason: '',
  startedAt: '',
  endedAt: '',
  aggregation: 'secure',
  roundsPlanned: 12,
  rounds,
  ...(current && { current }),
  logHead: '',
  final: [],
})
const at = (number: number, purpose: 'train' | 'evaluate' = 'train'): NonNullable<RunView['current']> => ({
  round: number,
  purpose,
  phase: 'work',
  sites: sites.map((site) => ({ site, state: 'working', done: 1, total: 4, uploadedBytes: 0 })),
})

/** Shows the views one after another; returns what was written. */
function shown(views: readonly RunView[], isTTY = false): string {
  let text = ''
  const progress = progressOn({
    isTTY,
    columns: 60,
    write: (piece: string | Uint8Array) => {
      text += String(piece)
      return true
    },
  })
  for (const view of views) progress.run(view)
  progress.end()
  return text
}

describe('without a terminal', () => {
  test('a round is one line, once the run has gone beyond its evaluation', () => {
    const first = round(1, { loss: 0.5, auroc: 0.81, accuracy: 0.75 })
    const text = shown([run([], at(1)), run([round(1)], at(1, 'evaluate')), run([first], at(2)), run([first], at(2))])
    expect(text).toBe('round  1/12   loss 0.500   AUROC 0.810   accuracy 0.750   3 of 3 sites   0.25 s\n')
  })

  test('the last round is printed when the run has ended', () => {
    expect(shown([run([round(1)], at(1)), run([round(1)])])).toMatch(/^round {2}1\/12 .*\n$/)
  })

  test('a dropout stands below its round with the reason', () => {
    const dropouts = [{ site: 'c', reason: 'away', purpose: 'train', phase: 'share-keys' }] as const
    const dropped = round(2, { survivors: ['a', 'b'], dropouts })
    expect(shown([run([dropped])])).toContain('2 of 3 sites   0.25 s\n  c dropped out (train, share keys): away\n')
  })

  test('the statistics round says what it is', () => {
    expect(shown([run([round(0)])])).toMatch(/^statistics .*3 of 3 sites/)
  })
})

test('on a terminal the work in hand is one line no wider than it, and is taken away at the end', () => {
  const text = shown([run([], at(1)), run([round(1)])], true)
  const live = text.split('\r\x1b[2K')
  expect(live[0]).toContain('round 1, train, work: a working 25 %')
  expect(live[0]!.length).toBeLessThan(58)
  expect(live.at(-1)).toMatch(/^round/)
})

test('while shares are revealed, the line tells whose are still needed', () => {
  const current = { ...at(1), phase: 'unmask', awaited: { answers: 1, sites: ['b', 'c'] } }
  expect(shown([run([], current)], true)).toContain('  round 1, train, unmask: waits for 1 of b, c')
})

test('while a round has no site yet, the line says no more than which round it is', () => {
  const current = { ...at(1), phase: 'recruit', sites: [] }
  expect(shown([run([], current)], true).split('\r')[0]).toBe('  round 1, train, recruit')
})

test('after its end nothing is drawn, for a run is told of until its coordinator is gone', () => {
  const written: unknown[] = []
  const progress = progressOn({ isTTY: true, columns: 60, write: (piece: unknown) => written.push(piece) > 0 })
  progress.run(run([], at(1)))
  progress.end()
  progress.run(run([], at(2)))
  progress.line('Interrupted')
  expect(written.slice(-2)).toEqual(['\r\x1b[2K', 'Interrupted\n'])
})
