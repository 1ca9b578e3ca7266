/** A coordinator that names survivors as it likes: check S5 ends it. */
import { expect, test } from 'vitest'
import { attackEachRound, type Lie, refused } from '../../../support/hostile/attacks.ts'
import { attacksIn } from '../../../support/hostile/lies-in.ts'

test('survivors that the site cannot have are refused, and the others finish', async () => {
  const attacks = await attacksIn<Lie<'survivors'>>(import.meta.dirname)
  expect(await attackEachRound('survivors', attacks)).toEqual(refused(attacks))
})
