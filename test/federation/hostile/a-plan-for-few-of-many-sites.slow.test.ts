/**
 * A coordinator that plans a round of four for a study of seven, with the thresholds of four: check S1 ends it.
 */
import { expect, test } from 'vitest'
import { attackEachRound, refused } from '../../support/hostile/attacks.ts'
import { forged, secure } from '../../support/hostile/bent-plan.ts'

test('a plan for few of the many sites a study is planned for has the thresholds of the study, or is refused', async () => {
  // Four sites of seven: of their own they would be four of which one may collude.
  const cohort = { planned: 7, min: 4 } as const
  const fewer = [
    { what: 'the colluders of four sites', ...forged('thresholds-refused', secure({ colluders: 1 })) },
    { what: 'the survivors of four sites', ...forged('thresholds-refused', secure({ survivorsMin: 3 })) },
  ]
  const { results, leaks: found } = await attackEachRound('assignment', fewer, { cohort })
  expect({ results, leaks: found }).toMatchObject({ results: refused(fewer).results, leaks: [] })
})
