import { expect, test } from 'vitest'
import { presentSites } from '../../../coordinator/round/presence.ts'
import { absentSince, attendance } from './given.ts'

test('present is whoever may take part and attends, by name', () => {
  const shown = { basel: absentSince(0), hungary: { excluded: 'withdrawn' } } as const
  expect(presentSites(attendance(shown, ['zurich', 'basel', 'hungary', 'aarau']))).toEqual(['aarau', 'zurich'])
})
