/** A coordinator that gives one site a plan that is not the others', or weaker than the site agreed to: check S1 ends it. */
import { expect, test } from 'vitest'
import { attackEachRound, type Lie, refused } from '../../../support/hostile/attacks.ts'
import { attacksIn } from '../../../support/hostile/lies-in.ts'

test('every plan that is weaker than agreed, or another for one site, is refused, and the others finish', async () => {
  // Of initial parameters there is a lie in the first round only.
  const isFirst = ({ what }: { readonly what: string }) => what === 'another initial model'
  const all = await attacksIn<Lie<'assignment'>>(import.meta.dirname)
  const attacks = [...all.filter(isFirst), ...all.filter((attack) => !isFirst(attack))]
  expect(await attackEachRound('assignment', attacks)).toEqual(refused(attacks))
})
