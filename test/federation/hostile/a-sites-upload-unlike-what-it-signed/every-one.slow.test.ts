/** A site whose upload is changed after it was signed, or signed for another round: it is not added. */
import { expect, test } from 'vitest'
import { attacksIn } from '../../../support/hostile/lies-in.ts'
import { lieEachRound, type SiteLie, withstood } from '../../../support/hostile/site-attacks.ts'

test('a site whose upload is not what it signed is dropped, and the others finish', async () => {
  const attacks = await attacksIn<SiteLie>(import.meta.dirname)
  expect(await lieEachRound(attacks)).toEqual(withstood(attacks))
})
