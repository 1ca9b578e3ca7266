/** A coordinator that asks a site for shares of both of another's secrets: checks S5 and S6 end it. */
import { expect, test } from 'vitest'
import { attackEachRound, type Lie, refused } from '../../../support/hostile/attacks.ts'
import { attacksIn } from '../../../support/hostile/lies-in.ts'

test('no quorum but one over the survivors that the site confirmed opens it, and the others finish', async () => {
  const attacks = await attacksIn<Lie<'quorum'>>(import.meta.dirname)
  expect(await attackEachRound('quorum', attacks)).toEqual(refused(attacks))
})
