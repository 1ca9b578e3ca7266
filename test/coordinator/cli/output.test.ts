/** What the command line prints: tables, bars, a run; nothing that a message from elsewhere could smuggle in. */
import { bar, colored, processTerminal, table } from '@consilium/coordinator/cli/output.ts'
import { liveView, newLines, runText } from '@consilium/coordinator/cli/run-text.ts'
import { fields, printable } from '@consilium/protos/plain-text.ts'
import { describe, expect, test } from 'vitest'
import { aRound, aRun, modelSha256 } from './runs.ts'

test('a table has columns as wide as their widest cell, numbers to the right', () => {
  expect(
    table(
      ['site', 'rows', 'received'],
      [
        ['basel', '9', '1.0 kB'],
        ['long-beach', '123', '-'],
      ],
    ),
  ).toBe('site        rows  received\nbasel          9    1.0 kB\nlong-beach   123         -\n')
})

test.for([
  [0, 100, '░░░░░░░░░░'],
  [55, 100, '█████░░░░░'],
  [100, 100, '██████████'],
  [200, 100, '██████████'],
  [5, 0, '░░░░░░░░░░'],
] as const)('a bar of %i of %i is %s', ([done, total, text]) => {
  expect(bar(done, total, 10)).toBe(text)
})

describe('text from elsewhere', () => {
  const hostile = 'fine\u001b[2J\u001b]0;owned\u0007\r\nrun heart-1 finished\u009b31m'

  test('loses its control characters in tables, fields and lines', () => {
    for (const text of [printable(hostile), fields([['reason', hostile]]), table(['reason'], [[hostile]])])
      expect([...text].filter((character) => character !== '\n' && /\p{Cc}/u.test(character))).toEqual([])
  })

  test('cannot begin a line of its own in what run watch prints', () => {
    const dropouts = [{ site: 'basel', reason: hostile, purpose: 'train', phase: 'work' }] as const
    const run = aRun({ rounds: [aRound(1, { dropouts })] })
    const lines = newLines(undefined, run)
    expect(lines.filter((line) => line.startsWith('run heart-1 finished'))).toEqual([])
    expect(lines.join('')).not.toMatch(/\p{Cc}/u)
  })
})

test('a site that is left out is told of once, with the reason, until that is another', () => {
  const leftOut = (reason: string) => [{ site: 'geneva', reason }]
  const current = { round: 2, purpose: 'train', phase: 'work', sites: [] } as const
  const before = aRun({ current })
  const first = aRun({ current: { ...current, leftOut: leftOut('basel has not approved its identity') } })
  const again = aRun({ current: { ...first.current!, round: 3 } })
  expect(newLines(before, first)).toEqual(['geneva is left out: basel has not approved its identity'])
  expect(newLines(first, again)).toEqual(['round 3  train: work, 0 sites'])
  expect(newLines(first, aRun({ current: { ...current, leftOut: leftOut('another') } }))).toEqual([
    'geneva is left out: another',
  ])
  const terminal = { isLive: true, hasColor: false, columns: 80, rows: 24, write() {}, writeError() {} }
  for (const text of [runText(first), liveView(first, terminal)])
    expect(text).toContain('\ngeneva is left out: basel has not approved its identity\n')
})

test('a run that went on without a site says so at its end, and one that waits for a required site says for whom', () => {
  const missing = [{ site: 'basel', rounds: 2, first: [3, 7] }]
  const ended = aRun({ state: 'finished', modelSha256, missing })
  const subset = 'without basel in rounds 3 and 7'
  expect(newLines(aRun(), ended).at(-1)).toBe(`run heart-1 finished ${subset}, model ${modelSha256}`)
  const failed = aRun({ state: 'failed', reason: 'train round 9 failed', missing })
  expect(newLines(aRun(), failed).at(-1)).toBe(`run heart-1 failed ${subset}: train round 9 failed`)
  expect(runText(ended)).toMatch(new RegExp(`^went on +${subset}$`, 'm'))

  const current = { round: 2, purpose: 'train', phase: 'recruit', sites: [] } as const
  const waiting = aRun({ current: { ...current, awaited: { answers: 1, sites: ['basel'] } } })
  expect(newLines(aRun({ current }), waiting)).toEqual([
    'round 2  train: recruit, waiting for basel: the study requires it',
  ])
  expect(newLines(waiting, waiting)).toEqual([])
})

test('a run whose last model was not evaluated says so at its end and in its head', () => {
  const withheld = 'evaluation withheld: va is missing'
  const ended = aRun({ state: 'finished', modelSha256, rounds: [aRound(1), aRound(2, { withheld })] })
  expect(newLines(aRun(), ended).at(-1)).toBe(`run heart-1 finished, ${withheld}, model ${modelSha256}`)
  expect(runText(ended)).toMatch(new RegExp(`^last model +${withheld}$`, 'm'))
  // A gap before the last is in the table of the rounds.
  const gap = aRun({ state: 'finished', modelSha256, rounds: [aRound(1, { withheld }), aRound(2)] })
  expect(newLines(aRun(), gap).at(-1)).toBe(`run heart-1 finished, model ${modelSha256}`)
})

test('a site that works without a line is told of once, and shown as such', () => {
  const site = { site: 'basel', state: 'working', done: 1, total: 4, uploadedBytes: 0 }
  const current = { round: 2, purpose: 'train', phase: 'work' } as const
  const connected = aRun({ current: { ...current, sites: [site] } })
  const away = aRun({ current: { ...current, sites: [{ ...site, awaySince: '2026-11-05T12:00:00.000Z' }] } })
  expect(newLines(connected, away)).toEqual([
    expect.stringMatching(/^basel is not connected since .*; its work is waited for$/),
  ])
  expect(newLines(away, away)).toEqual([])
  const terminal = { isLive: true, hasColor: false, columns: 120, rows: 24, write() {}, writeError() {} }
  expect(liveView(away, terminal)).toMatch(/working {2}25 % {2}not connected since/)
})

describe('colours', () => {
  const terminal = { isLive: true, hasColor: true, columns: 80, rows: 24, write() {}, writeError() {} }

  test('are there where the terminal has them', () => {
    expect(colored(terminal, 'green', 'verified')).toBe('\u001b[32mverified\u001b[39m')
    expect(colored({ ...terminal, hasColor: false }, 'green', 'verified')).toBe('verified')
  })

  test.for([
    ['a terminal', { isTTY: true }, {}, { isLive: true, hasColor: true }],
    ['a terminal with NO_COLOR', { isTTY: true }, { NO_COLOR: '1' }, { isLive: true, hasColor: false }],
    ['a terminal with an empty NO_COLOR', { isTTY: true }, { NO_COLOR: '' }, { isLive: true, hasColor: true }],
    ['a terminal that cannot be redrawn', { isTTY: true }, { TERM: 'dumb' }, { isLive: false, hasColor: false }],
    ['a pipe', {}, {}, { isLive: false, hasColor: false }],
  ] as const)('and redrawing are right for %s', ([, stream, environment, expected]) => {
    expect(processTerminal(environment, { ...stream, write: () => true })).toMatchObject(expected)
  })
})
