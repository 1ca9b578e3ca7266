/** What a site tells of its work: enough to be waited for, little enough for the ledger, and nothing that did not happen. */
import { beforeEach, expect, test } from 'vitest'
import { workProgress } from '../../../site-agent/round/progress.ts'
import type { Assignment } from '../../../site-agent/round/site.ts'
import { manualClock } from '../../support/manual-clock.ts'

const assignment = {
  planHash: 'ab'.repeat(32),
  plan: { run: 'heart-1', round: 1, purpose: 'train' },
  study: { hash: 'cd'.repeat(32) },
} as unknown as Assignment

function open() {
  const clock = manualClock()
  const told: number[] = []
  const link = { send: (message: object) => 'permille' in message && told.push(message.permille as number) }
  const site = { link, emit: () => {}, now: clock.now } as unknown as Parameters<typeof workProgress>[1]
  return { clock, told, progress: workProgress(assignment, site) }
}

let opened: ReturnType<typeof open>
beforeEach(() => {
  opened = open()
})

test('work is told of at most five times a second, and its end always', () => {
  const { clock, told, progress } = opened
  for (let done = 1; done <= 10; done++) {
    progress.done(done, 10)
    clock.advance(50)
  }
  expect(told).toEqual([100, 500, 900, 1000])
})

test('a download is told of every ten seconds', () => {
  const { clock, told, progress } = opened
  for (let second = 0; second <= 30; second++) {
    progress.downloaded()
    clock.advance(1_000)
  }
  expect(told).toEqual([0, 0, 0, 0])
})

test('what moved since the line was lost is told again, what did not is not', () => {
  const { clock, told, progress } = opened
  progress.done(1, 10)
  clock.advance(100)
  progress.again(clock.now().getTime())
  expect(told).toEqual([100])
  const lostAtMs = clock.now().getTime()
  clock.advance(50)
  progress.done(2, 10)
  expect(told).toEqual([100])
  progress.again(lostAtMs)
  expect(told).toEqual([100, 200])
})
