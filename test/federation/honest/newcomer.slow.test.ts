/**
 * A fifth hospital joins while a study runs, and approves it before the others have approved its key. What should happen:
 * the rounds go on with the four, people see why, and the fifth takes part as soon as all have pinned one another. What
 * should not happen: a round that fails, or drops a site, on the way.
 */
import { fingerprint } from '@consilium/protos/identity.ts'
import { expect, test } from 'vitest'
import { refusals } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { atSite, viewOf } from '../../support/hostile/people.ts'

test('a run goes on without a site that the others have not pinned, and with it once they have', async () => {
  await using federation = await hostileFederation()
  const run = await federation.start({ rounds: 1000, evaluation: { bins: 8, everyRounds: 1 } })
  const print = fingerprint((await federation.join('aarau')).identity.publicKey)
  const others = 'basel, cleveland, hungary and zurich'
  const leaving = await viewOf(federation, run, ({ current }) => current?.leftOut?.[0]?.reason.startsWith(others))
  expect(leaving.current?.leftOut).toEqual([
    { site: 'aarau', reason: `${others} have not approved its identity (site-agent roster approve aarau)` },
  ])
  const later = leaving.current!.round + 2
  const without = await viewOf(federation, run, ({ rounds }) => rounds.some(({ round }) => round === later))
  expect(without.rounds.filter(({ survivors, dropouts }) => survivors.length !== 4 || dropouts.length > 0)).toEqual([])

  for (const site of siteNames)
    expect(await atSite(federation, site, 'roster', 'approve', 'aarau', print)).toMatchObject({ told: true })
  const five = await viewOf(
    federation,
    run,
    ({ rounds }) => rounds.at(-1)?.survivors.length === 5 && rounds.at(-1)?.loss !== undefined,
  )
  expect(five.rounds.at(-1)?.survivors).toEqual(['aarau', ...siteNames])
  expect(five.rounds.flatMap(({ dropouts }) => dropouts)).toEqual([])
  expect(five.current?.leftOut).toBeUndefined()
  // What it costs: evaluations stay among the partners of the first one.
  const evaluations = [...federation.plans.values()].filter(({ purpose }) => purpose === 'evaluate')
  expect(new Set(evaluations.map(({ cohort }) => cohort.join()))).toEqual(new Set([siteNames.join()]))
  expect(refusals(federation)).toEqual([])
  await federation.admin.cancelRun(run, 'seen enough')
})
