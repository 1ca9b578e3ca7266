/**
 * A coordinator that gives every site keys of its own in place of all the others': check S2 ends it before anything is
 * shared.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf, sceneOf } from '../../support/hostile/attacks.ts'
import { ownKeys, signed } from '../../support/hostile/bent-directory.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('a coordinator between all sites, with keys of its own for each, gets no round done', async () => {
  await using federation = await hostileFederation({
    fromSite: gatherRefusals(4),
    toSite({ site, message }, at) {
      if (message.type !== 'directory') return [message]
      const plan = at.planOf(message)!
      const sites = message.sites.map((entry) =>
        plan.cohort[entry.index - 1] === site ? entry : signed(entry, ownKeys(), at.identity, sceneOf(at, plan, site)),
      )
      return [{ ...message, sites }]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  const entries = await federation.entries(runStream(view.run))
  for (const site of siteNames) expect(refusalsOf(federation, site)).toContain('directory-invalid')
  expect(siteNames.flatMap((site) => droppedIn(federation, entries, site))).toContain('directory-invalid')
  expect(federation.recorded.heard.some(({ message }) => message.type === 'share-keys')).toBe(false)
  expect(await leaks(federation)).toEqual([])
})
