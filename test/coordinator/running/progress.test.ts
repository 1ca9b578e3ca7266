/** Progress keeps a site in its round only while it moves on. */
import { expect, test } from 'vitest'
import { openProgress } from '../../../coordinator/running/progress.ts'

const plan = 'a'.repeat(64)

test('work that moves on counts, work that stands still or goes back does not', () => {
  const progress = openProgress()
  progress.worked(plan, 'basel', 10, 100, 1)
  expect(progress.progressAtMs('basel')).toBe(1)
  for (const done of [10, 9, 0]) progress.worked(plan, 'basel', done, 100, 2)
  expect(progress.progressAtMs('basel')).toBe(1)
  progress.worked(plan, 'basel', 11, 100, 3)
  expect(progress.progressAtMs('basel')).toBe(3)
})

test('a site cannot hold a round open for ever: it counts at most a thousand times', () => {
  const progress = openProgress()
  let counted = 0
  for (let done = 1; done <= 20_000; done++) {
    progress.worked(plan, 'basel', done, 10_000 + done, done)
    if (progress.progressAtMs('basel') === done) counted += 1
  }
  expect(counted).toBeLessThanOrEqual(1_000)
  expect(counted).toBeGreaterThan(900)
})

test('bytes count once, also when an upload begins again', () => {
  const progress = openProgress()
  progress.uploaded(plan, 'basel', 500, 1000, 1)
  progress.uploaded(plan, 'basel', 100, 1000, 2)
  progress.uploaded(plan, 'basel', 500, 1000, 3)
  expect(progress.progressAtMs('basel')).toBe(1)
  progress.uploaded(plan, 'basel', 501, 1000, 4)
  expect(progress.progressAtMs('basel')).toBe(4)
  expect(progress.of(plan).get('basel')).toEqual({ done: 0, total: 0, uploadedBytes: 501 })
})

test('another plan begins anew', () => {
  const progress = openProgress()
  progress.worked(plan, 'basel', 10, 10, 1)
  progress.worked('b'.repeat(64), 'zurich', 1, 10, 2)
  expect([...progress.of('b'.repeat(64)).keys()]).toEqual(['zurich'])
  expect(progress.progressAtMs('basel')).toBeUndefined()
})

test('a round that has only begun shows nothing of the one before', () => {
  const progress = openProgress()
  progress.worked(plan, 'basel', 10, 10, 1)
  expect(progress.of(undefined).size).toBe(0)
  expect(progress.of('b'.repeat(64)).size).toBe(0)
})
