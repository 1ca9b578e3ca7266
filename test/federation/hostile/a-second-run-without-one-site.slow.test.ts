/**
 * A coordinator that runs a study again and loses one site: the sites refuse before the second sum is opened.
 */
import { expect, test } from 'vitest'
import { gatherRefusals } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { expectDifferencingRefused, withoutZurich } from '../../support/hostile/without-one.ts'

test('a second run of a study with one site less is refused before its sum is opened', async () => {
  let runs = 0
  const gather = gatherRefusals(3)
  await using federation = await hostileFederation({
    fromSite: (heard, at) => (runs === 2 ? (withoutZurich(heard) ?? gather(heard, at)) : [heard.message]),
  })
  const study = await federation.create()
  runs = 1
  expect((await federation.ended(await federation.startRun(study))).state).toBe('finished')
  runs = 2
  const second = await federation.ended(await federation.startRun(study))
  expect(second.state).toBe('failed')
  await expectDifferencingRefused(federation, second.run)
})

test('control: without that check the difference of the two sums is the site that was left out', async () => {
  let runs = 0
  // Sites in plain functions confirm whatever they are asked to.
  await using federation = await hostileFederation({
    sites: Object.fromEntries(siteNames.map((site) => [site, {}])),
    fromSite: (heard) => (runs === 2 ? withoutZurich(heard) : undefined) ?? [heard.message],
  })
  const study = await federation.create()
  for (runs = 1; runs <= 2; runs++)
    expect((await federation.ended(await federation.startRun(study))).state).toBe('finished')
  expect(await leaks(federation, [])).toContain(
    'the update of zurich in round 1 is basel+cleveland+hungary less basel+cleveland+hungary+zurich',
  )
})
