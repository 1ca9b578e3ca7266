/**
 * A site that shares another secret than it masked with: the sum does not open, and the round fails as a whole.
 */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { shared } from '../../support/hostile/bent-messages.ts'
import { honestSite, lieEachRound, type SiteAttack, withstood } from '../../support/hostile/site-attacks.ts'

test('a site that shares another secret than it masked with fails the round as a whole, and the next one goes on', async () => {
  const wrong: SiteAttack = {
    what: 'a commitment to another self-mask seed',
    log: [],
    uploads: ['OK'],
    round: 'shares-invalid',
    lies: {
      say: (message, at) => [
        message.type === 'share-keys' ? shared({ ...message, selfCommitment: randomBytes(32) }, at) : message,
      ],
    },
  }
  expect(await lieEachRound([wrong, honestSite])).toEqual(withstood([wrong, honestSite]))
})
