/** A site whose vectors hold numbers that no site can have: a sum that cannot be is given up as a whole. */
import { expect, test } from 'vitest'
import { attacksIn } from '../../../support/hostile/lies-in.ts'
import { honestSite, lieEachRound, type SiteLie, withstood } from '../../../support/hostile/site-attacks.ts'

test('a sum that the survivors cannot have fails its round as a whole, and the next one goes on', async () => {
  const lies = await attacksIn<SiteLie>(import.meta.dirname)
  // Two failed rounds in a row would end the run.
  const attacks = lies.flatMap((lie) => [lie, honestSite])
  expect(await lieEachRound(attacks)).toEqual(withstood(attacks))
})
