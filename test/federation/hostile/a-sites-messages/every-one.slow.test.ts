/** A site that lies about its keys, its shares or the survivors, over the real link: the coordinator names and drops it. */
import { expect, test } from 'vitest'
import { attacksIn } from '../../../support/hostile/lies-in.ts'
import { lieEachRound, type SiteLie, withstood } from '../../../support/hostile/site-attacks.ts'

test('a site that misbehaves is dropped with the reason in the log, and the others finish', async () => {
  const attacks = await attacksIn<SiteLie>(import.meta.dirname)
  expect(await lieEachRound(attacks)).toEqual(withstood(attacks))
})
