/**
 * A coordinator that enrols a site of its own: what the others pinned counts.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const honest = ['basel', 'cleveland', 'hungary']

test('an enrolled site that the others have not pinned is in no round of theirs', async () => {
  await using federation = await hostileFederation({ pinned: honest, sites: { zurich: {} } })
  const view = await federation.run()
  expect(view).toMatchObject({ state: 'finished', rounds: [{ cohort: honest, survivors: honest, dropouts: [] }] })
  for (const site of honest) expect(refusalsOf(federation, site)).toEqual([])
  expect(await leaks(federation)).toEqual([])
})

test('nor where the coordinator recruits it as if they had: each refuses the plan', async () => {
  const gather = gatherRefusals(3)
  await using federation = await hostileFederation({
    pinned: honest,
    sites: { zurich: {} },
    fromSite(heard, at) {
      if (heard.message.type !== 'pinned') return gather(heard, at)
      const sites = [...at.joined.values()].map(({ site, identity: { publicKey } }) => ({ site, publicKey }))
      return [{ type: 'pinned', sites }]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  const entries = await federation.entries(runStream(view.run))
  for (const site of honest) expect(refusalsOf(federation, site)).toContain('roster-mismatch')
  expect(honest.flatMap((site) => droppedIn(federation, entries, site))).toContain('roster-mismatch')
  expect(federation.recorded.uploads).toEqual([])
  expect(await leaks(federation)).toEqual([])
})
