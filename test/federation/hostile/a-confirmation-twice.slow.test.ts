/**
 * A coordinator that counts one confirmation twice: the list gets no further than the link.
 */
import { expect, test } from 'vitest'
import { target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('a list that names a site twice never gets past the link', async () => {
  let lied = false
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      if (lied || site !== target || message.type !== 'quorum' || at.planOf(message)?.purpose !== 'train')
        return [message]
      lied = true
      const [first, second] = message.confirmations
      return [{ ...message, confirmations: [first!, first!, second!] }]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('finished')
  expect(federation.agents.get(target)!.events).toContainEqual({
    type: 'link-down',
    reason: expect.stringMatching(/confirmations/),
  })
  expect(await leaks(federation)).toEqual([])
})
