/** What a site tells of its work: enough to be waited for, little enough for the ledger, and nothing that did not happen. */
import { beforeEach, expect, test } from 'vitest'
import type { Assignment } from '../../../site-agent/round/assignment.ts'
import { workProgress } from '../../../site-agent/round/progress.ts'
import { manualClock } from '../../support/manual-clock.ts'

const assignment = {
  planHash: 'ab'.repeat(32),
  plan: { run: 'heart-1', round: 1, purpose: 'train' },
  study: { hash: 'cd'.repeat(32) },
} as unknown as Assignment

function open() {
  const clock = manualClock()
  const told: number[] = []
  const link = { send: (message: object) => 'quarters' in message && told.push(message.quarters as number) }
  const site = { link, emit: () => {}, now: clock.now } as unknown as Parameters<typeof workProgress>[1]
  return { clock, told, progress: workProgress(assignment, site) }
}

let opened: ReturnType<typeof open>
beforeEach(() => {
  opened = open()
})

test.for([10, 40, 7919])('%i steps are told in quarters: their number is not', (steps) => {
  const { told, progress } = opened
  for (let done = 1; done <= steps; done++) progress.done(done, steps)
  expect(told).toEqual([0, 1, 2, 3, 4])
})

test.for([
  { steps: 1, chunks: [1] },
  { steps: 21, chunks: [17, 21] },
  { steps: 60, chunks: [1, 40, 60] },
  { steps: 0, chunks: [] },
  { steps: 60, chunks: [1, 20] },
  { steps: 60, chunks: [30, 1, 20] },
])('of $steps steps, seen after $chunks, every quarter is told once', ({ steps, chunks }) => {
  const { told, progress } = opened
  for (const done of chunks) progress.done(done, steps)
  progress.finished()
  expect(told).toEqual([0, 1, 2, 3, 4])
})

test('that the work goes on is told once a second', () => {
  const { clock, told, progress } = opened
  for (let done = 1; done <= 40; done++) {
    progress.done(done, 1000)
    clock.advance(100)
  }
  expect(told).toEqual([0, 0, 0, 0])
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
  expect(told).toEqual([0])
  const lostAtMs = clock.now().getTime()
  clock.advance(50)
  progress.done(2, 10)
  expect(told).toEqual([0])
  progress.again(lostAtMs)
  expect(told).toEqual([0, 0])
})
