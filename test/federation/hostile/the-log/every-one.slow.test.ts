/** A coordinator that forks its log, proves what is not so, or hands out a model that the log did not make: check S1 ends it. */
import { expect, test } from 'vitest'
import { attackEachRound, type Lie, refused } from '../../../support/hostile/attacks.ts'
import { attacksIn } from '../../../support/hostile/lies-in.ts'

test('a forked log and a model that the log did not make are refused, and the others finish', async () => {
  // The site must have accepted a model or two before there is something to lie about.
  const honest = { what: 'an honest round', code: 'internal' } as const
  const attacks = await attacksIn<Lie<'assignment'>>(import.meta.dirname)
  const { results, ...rest } = await attackEachRound('assignment', [honest, honest, honest, ...attacks])
  expect({ ...rest, results: results.slice(3) }).toEqual(refused(attacks))
})
