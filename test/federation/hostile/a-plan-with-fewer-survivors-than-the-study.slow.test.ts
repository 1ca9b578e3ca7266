/**
 * A coordinator that asks for fewer survivors than the study does: check S1 ends it.
 */
import { expect, test } from 'vitest'
import { attackEachRound, refused } from '../../support/hostile/attacks.ts'
import { forged, secure } from '../../support/hostile/bent-plan.ts'

test('a plan with fewer survivors than the study asks for is refused', async () => {
  const weaker = { what: 'fewer survivors', ...forged('thresholds-refused', secure({ survivorsMin: 3 })) }
  const aggregation = { mode: 'secure', survivorsMin: 4 } as const
  const { results, state, leaks: found } = await attackEachRound('assignment', [weaker], { aggregation })
  // Without this site the study's own minimum of four is out of reach.
  expect({ results, state, leaks: found }).toEqual({ ...refused([weaker]), state: 'failed' })
})
