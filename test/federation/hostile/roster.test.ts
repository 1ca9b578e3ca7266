/** A coordinator that slips a site of its own into the federation: who pinned no such key takes no part with it. */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const honest = ['basel', 'cleveland', 'hungary']

test('an enrolled site that the others have not pinned is in no cohort of theirs', async () => {
  await using federation = await hostileFederation({
    pinned: honest,
    sites: { zurich: {} },
    fromSite: gatherRefusals(3),
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  const entries = await federation.entries(runStream(view.run))
  for (const site of honest) expect(refusalsOf(federation, site)).toContain('roster-mismatch')
  expect(honest.flatMap((site) => droppedIn(federation, entries, site))).toContain('roster-mismatch')
  expect(federation.recorded.uploads).toEqual([])
  expect(await leaks(federation)).toEqual([])
})
