/** A coordinator that shows a site other keys than its peers advertised: check S2 ends it. */
import { expect, test } from 'vitest'
import { attackEachRound, type Lie, refused } from '../../../support/hostile/attacks.ts'
import { attacksIn } from '../../../support/hostile/lies-in.ts'

test('every directory that is not what the sites advertised is refused, and the others finish', async () => {
  const attacks = await attacksIn<Lie<'directory'>>(import.meta.dirname)
  expect(await attackEachRound('directory', attacks)).toEqual(refused(attacks))
})
