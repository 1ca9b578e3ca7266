/**
 * A fifth hospital joins while a study runs, and approves it before the others have approved its key. What should happen:
 * the rounds go on with the four, people see why, and the fifth takes part as soon as all have pinned one another. What
 * should not happen: a round that fails, or drops a site, on the way.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

test('a run goes on without a site that the others have not pinned, and with it once they have', async () => {
  await using heart = await heartFolder('synthetic', { rounds: 1000, steps: 10 })
  await using federation = await DeployedFederation.start(heart.folder)
  const { run } = await federation.admin.startRun(await federation.createStudy())
  const four = [...federation.sites.values()]
  const names = four.map(({ name }) => name).sort()
  const offered = four.map((site) => site.next(({ type }) => type === 'roster-changed'))
  await federation.join('newcomer', join(heart.folder, 'sites', 'synthetic-a'))
  await Promise.all(offered)

  const leaving = await federation.runWhere(run, ({ current }) => current?.leftOut !== undefined)
  expect(leaving.current?.leftOut).toEqual([
    {
      site: 'newcomer',
      reason: `${names.slice(0, 3).join(', ')} and ${names[3]} have not approved its identity (site-agent roster approve newcomer)`,
    },
  ])
  const since = leaving.current!.round
  const without = await federation.runWhere(run, ({ rounds }) => rounds.some(({ round }) => round === since + 1))
  expect(without.rounds.filter(({ survivors, dropouts }) => survivors.length !== 4 || dropouts.length > 0)).toEqual([])

  await Promise.all(four.map((site) => site.approve('newcomer', federation.fingerprints.get('newcomer')!)))
  const five = await federation.runWhere(run, ({ rounds }) => rounds.at(-1)?.survivors.length === 5)
  expect(five.rounds.at(-1)?.survivors).toEqual(['newcomer', ...names])
  expect(five.rounds.flatMap(({ dropouts }) => dropouts)).toEqual([])
  expect(five.current?.leftOut).toBeUndefined()
  await federation.admin.cancelRun(run, 'seen enough')
})
