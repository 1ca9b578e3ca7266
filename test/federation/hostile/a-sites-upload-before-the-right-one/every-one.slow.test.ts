/** A site that uploads something wrong first, and then what it should have: the wrong leaves no trace. */
import { expect, test } from 'vitest'
import { attacksIn } from '../../../support/hostile/lies-in.ts'
import { lieEachRound, type SiteLie, withstood } from '../../../support/hostile/site-attacks.ts'

test('an upload that is not what it was announced to be is refused, and the right one still counts', async () => {
  const attacks = await attacksIn<SiteLie>(import.meta.dirname)
  expect(await lieEachRound(attacks)).toEqual(withstood(attacks))
})
