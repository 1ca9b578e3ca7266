/** Why no cohort trains once more from a model: somebody is missing for it, or nobody is. */
import { describe, expect, test } from 'vitest'
import { cohortApart, whyNoneApart } from '../../../coordinator/round/apart.ts'
import { setting } from './given.ts'

const four = ['basel', 'cleveland', 'hungary', 'zurich']
const five = [...four, 'ulm']
const six = [...five, 'vaud']

const aggregation = { mode: 'secure', weights: 'bucket', weightMax: 65_536 } as const
const among = (...trainedAmong: readonly (readonly string[])[]) => ({ ...setting, aggregation, trainedAmong })

/** Only asked where there is none. */
function why(candidates: readonly string[], setting: ReturnType<typeof among>) {
  expect(cohortApart(candidates, setting)).toBeUndefined()
  return whyNoneApart(candidates, setting)
}

describe('no cohort is apart from the sums of before', () => {
  test('where one site of them is missing, which it waits for', () => {
    expect(why(four, among(five))).toEqual({
      reason:
        'this model was trained from among basel, cleveland, hungary, zurich, ulm; sites refuse a second sum whose sites differ by few, and ulm is missing now',
      wayOut: 'wait until it attends',
    })
  })

  test('where several are', () => {
    const { reason, wayOut } = why(four, among(six))
    expect(reason).toMatch(/ few, and ulm, vaud are missing now$/)
    expect(wayOut).toBe('wait until they attend')
  })

  test('where all attend, and each sum of before is close to another: nobody is called missing, or waited for', () => {
    for (const candidates of [four, five, six])
      expect(why(candidates, among(four, five))).toEqual({
        reason:
          'this model was trained from among basel, cleveland, hungary, zurich; and basel, cleveland, hungary, zurich, ulm; sites refuse a second sum whose sites differ by few, and each of these differs by few from another of them',
        wayOut: 'go back to the model of another round',
      })
  })

  test('where one is missing for sums that would be refused with it as well: that one is not waited for', () => {
    const others = ['a', 'b', 'c', 'd', 'e']
    const { reason, wayOut } = why(four, among(four, five, others))
    expect(reason).toMatch(/ few, and a, b, c, d, e are missing now$/)
    expect(wayOut).toBe('wait until they attend')
  })
})
