/** Delays between attempts: quick at first, longer each time, bounded, jittered, and ended when the way is free. */
import { backoffs } from '@consilium/site-agent/link/backoff.ts'
import { expect, test } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'

const never = new AbortController().signal

test('delays double from a tenth of a second to five seconds', async () => {
  expect(await delays(() => 1, 9)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000])
})

test('jitter takes up to half of each delay away', async () => {
  expect(await delays(() => 0, 3)).toEqual([50, 100, 200])
})

test('after a success the first delay is short again', async () => {
  const clock = manualClock()
  const backoff = backoffs(clock, () => 1).start()
  for (let i = 0; i < 5; i++) await waitOut(clock, backoff)
  backoff.reset()
  expect(await waitOut(clock, backoff)).toBe(100)
})

test('waiting ends when woken, and when called off', async () => {
  const clock = manualClock()
  const source = backoffs(clock, () => 1)
  const waiting = [source.start().wait(never), source.start().wait(never)]
  source.wakeAll()
  await Promise.all(waiting)
  await source.start().wait(AbortSignal.abort())
  expect(clock.pendingMs()).toEqual([])
})

async function delays(random: () => number, count: number): Promise<number[]> {
  const clock = manualClock()
  const backoff = backoffs(clock, random).start()
  const seen: number[] = []
  for (let i = 0; i < count; i++) seen.push(await waitOut(clock, backoff))
  return seen
}

async function waitOut(clock: ReturnType<typeof manualClock>, backoff: { wait(signal: AbortSignal): Promise<void> }) {
  const waiting = backoff.wait(never)
  const [delayMs] = clock.pendingMs()
  clock.advance(delayMs!)
  await waiting
  return delayMs!
}
