/**
 * A coordinator that asks for a release before the site has confirmed anything: check S6 ends it.
 */
import { expect, test } from 'vitest'
import { type Attack, attackEachRound, refused } from '../../support/hostile/attacks.ts'
import { quorumOver } from '../../support/hostile/bent-quorum.ts'

test('a site releases nothing for survivors that it has not confirmed itself', async () => {
  const early: readonly Attack<'survivors'>[] = [
    {
      what: 'a quorum of all other sites before the site has confirmed',
      code: 'quorum-invalid',
      lie: (survivors, at) => [
        quorumOver({ type: 'quorum', planHash: survivors.planHash, confirmations: [] }, survivors, at),
      ],
    },
  ]
  expect(await attackEachRound('survivors', early)).toEqual(refused(early))
})
