/** When a site last told of progress, and how far it has come. */
import { expect, test } from 'vitest'
import { openProgress } from '../../../coordinator/driving/progress.ts'

const plan = 'a'.repeat(64)

test('what a site tells of its work counts when it is told, also where the number is the same', () => {
  const progress = openProgress()
  progress.worked(plan, 'basel', 1, 1)
  expect(progress.progressAtMs('basel')).toBe(1)
  progress.worked(plan, 'basel', 1, 2)
  expect(progress.progressAtMs('basel')).toBe(2)
  progress.worked(plan, 'basel', 5, 3)
  expect(progress.of(plan).get('basel')).toEqual({ done: 4, total: 4, uploadedBytes: 0 })
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
  progress.worked(plan, 'basel', 10, 1)
  progress.worked('b'.repeat(64), 'zurich', 1, 2)
  expect([...progress.of('b'.repeat(64)).keys()]).toEqual(['zurich'])
  expect(progress.progressAtMs('basel')).toBeUndefined()
})

test('a round that has only begun shows nothing of the one before', () => {
  const progress = openProgress()
  progress.worked(plan, 'basel', 10, 1)
  expect(progress.of(undefined).size).toBe(0)
  expect(progress.of('b'.repeat(64)).size).toBe(0)
})
