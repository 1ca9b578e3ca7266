/** A coordinator that lies about who shared its keys, or about what they sealed: checks S3 and S4 end it. */
import { expect, test } from 'vitest'
import { attackEachRound, type Lie, refused } from '../../../support/hostile/attacks.ts'
import { attacksIn } from '../../../support/hostile/lies-in.ts'

test('sharers and shares that are not as they were sent are refused, and the others finish', async () => {
  const attacks = await attacksIn<Lie<'shares'>>(import.meta.dirname)
  expect(await attackEachRound('shares', attacks)).toEqual(refused(attacks))
})
