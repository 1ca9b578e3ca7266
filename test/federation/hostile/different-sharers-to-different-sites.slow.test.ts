/**
 * A coordinator that tells some sites of one sharer less: their masks are others, and check S5 ends it.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { only } from '../../support/hostile/bent-shares.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('different sharers to different sites: their masks are others, and no survivor set fits both', async () => {
  await using federation = await hostileFederation({
    takesUpload: () => true,
    fromSite: gatherRefusals(4),
    toSite: ({ site, message }) =>
      message.type === 'shares' && ['hungary', 'zurich'].includes(site) ? [only(message, [1, 3, 4])] : [message],
  })
  const run = await federation.start()
  const { uploads } = federation.recorded
  await federation.until(() => uploads.length === 4 && uploads.every(({ bytes }) => bytes.length > 0))
  const { planHash } = uploads[0]!
  const survivors = uploads
    .map(({ site, masked }) => ({ index: federation.plans.get(planHash)!.cohort.indexOf(site) + 1, ...masked }))
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, root, signature }) => ({ index, root, signature }))
  const { logHead } = federation.plans.get(planHash)!
  for (const site of siteNames)
    federation.say(site, {
      type: 'survivors',
      planHash,
      survivors: survivors.filter(({ index }) => index !== 2 || ['basel', 'cleveland'].includes(site)),
      logHead,
    })
  expect((await federation.ended(run)).state).toBe('failed')
  for (const site of siteNames) expect(refusalsOf(federation, site)).toEqual(['survivors-invalid'])
  const entries = await federation.entries(runStream(run))
  expect(siteNames.flatMap((site) => droppedIn(federation, entries, site))).toContain('survivors-invalid')
  expect(await leaks(federation)).toEqual([])
})
