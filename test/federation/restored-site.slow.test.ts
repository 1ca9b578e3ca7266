/**
 * Honest work that goes wrong: a hospital's state folder is put back from an old copy while a run goes on. The others go
 * on without it, it finds out by itself, a person recovers it, and it trains again. Where the coordinator hides from it what
 * its peers know, the peers refuse it.
 */
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RunView } from '@consilium/coordinator/services.ts'
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { signPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { expect, test } from 'vitest'
import { type Agent, type HostileFederation, hostileFederation, siteNames } from '../support/hostile/federation.ts'
import { atSite, viewOf } from '../support/hostile/people.ts'

/** Backs the site up after a round, and puts that copy back two rounds later. */
async function restoreBasel(federation: HostileFederation, run: string): Promise<Agent> {
  await viewOf(federation, run, survivedBy('basel', 1))
  const { state } = federation.joined.get('basel')!
  const copy = join(state, 'copy.sqlite')
  const database = new DatabaseSync(join(state, 'agent.sqlite'))
  database.exec(`VACUUM INTO '${copy}'`)
  database.close()
  const { rounds } = await viewOf(federation, run, () => true)
  await viewOf(federation, run, survivedBy('basel', rounds.at(-1)!.round + 2))
  return federation.restartAgent('basel', async () => {
    for (const suffix of ['-wal', '-shm']) rmSync(join(state, `agent.sqlite${suffix}`), { force: true })
    copyFileSync(copy, join(state, 'agent.sqlite'))
  })
}

test('a restored site finds itself out, is recovered by a person, and trains again', async () => {
  await using federation = await hostileFederation()
  const run = await federation.start({ rounds: 1000 })
  const restored = await restoreBasel(federation, run)
  await federation.until(() => restored.events.find(({ type }) => type === 'restored'))
  const { rounds } = await viewOf(federation, run, ({ rounds: over }) => !over.at(-1)?.survivors.includes('basel'))
  const without = rounds.at(-1)!
  expect(without.survivors).toEqual(['cleveland', 'hungary', 'zurich'])
  expect(without.dropouts).toMatchObject([{ site: 'basel', reason: expect.stringContaining('site-restored: ') }])
  expect(restored.events.some(({ type }) => type === 'uploaded')).toBe(false)
  expect((await atSite(federation, 'basel', 'status')).sessions).toMatchObject({ epoch: 1, restored: { epoch: 1 } })

  const recovered = await federation.restartAgent('basel', async () => {
    expect(await atSite(federation, 'basel', 'recover', '--yes')).toMatchObject({ site: 'basel', epoch: 2 })
  })
  const back = await viewOf(federation, run, survivedBy('basel', without.round + 1))
  expect(recovered.events.some(({ type }) => type === 'uploaded')).toBe(true)
  expect((await atSite(federation, 'zurich', 'status')).sessions).toMatchObject({
    epoch: 1,
    recoveredPeers: [{ site: 'basel', epoch: 2 }],
  })
  // Nobody else lost a round over it.
  expect(back.rounds.filter(({ survivors }) => survivors.length < 3)).toEqual([])
  await federation.admin.cancelRun(run, 'seen enough')
})

test('a recovered site is in the evaluations again once the lead said whom it was among; nobody else is asked', async () => {
  await using federation = await hostileFederation()
  const run = await federation.start({ rounds: 1000, evaluation: { bins: 8, everyRounds: 1 } })
  const restored = await restoreBasel(federation, run)
  await federation.until(() => restored.events.find(({ type }) => type === 'restored'))
  await federation.restartAgent('basel', async () => void (await atSite(federation, 'basel', 'recover', '--yes')))
  const out = await viewOf(federation, run, ({ rounds }) => {
    const last = rounds.at(-1)
    return last?.survivors.includes('basel') && last.withheld?.startsWith('evaluation withheld: basel is missing')
  })
  expect((await atSite(federation, 'basel', 'status')).sessions.trainsOnly).toEqual(['heart-disease'])
  const study = out.studyHash
  const sets = [{ purpose: 'evaluate' as const, before: [...siteNames], after: [...siteNames] }]
  const change = { format: 1 as const, study, number: 1, sets, restored: { site: 'basel', epoch: 2 } }
  const lead = identityFromSeed(new Uint8Array(32).fill(5))
  await federation.admin.changePartners(signPartnerChange(change, lead))
  const later = out.rounds.at(-1)!.round + 1
  const view = await viewOf(federation, run, ({ rounds }) =>
    rounds.some(({ round, loss }) => round >= later && loss !== undefined),
  )
  expect(view.rounds.at(-1)!.withheld).toBeUndefined()
  const { changes } = await atSite(federation, 'zurich', 'study', 'partners', study.slice(0, 12))
  expect(changes).toMatchObject([{ agreed: { by: 'itself' }, asks: [] }])
  // Out of statistics it stays: nobody said whom those were among.
  expect((await atSite(federation, 'basel', 'status')).sessions.trainsOnly).toEqual(['heart-disease'])
  await federation.admin.cancelRun(run, 'seen enough')
})

test('one that is not told is refused by its peers, before anything is uploaded, and the run goes on', async () => {
  await using federation = await hostileFederation({
    toSite: ({ site, message }) => (site === 'basel' && message.type === 'ledger-seen' ? [] : [message]),
  })
  const run = await federation.start({ rounds: 1000 })
  const restored = await restoreBasel(federation, run)
  const refusing = ({ rounds }: RunView) =>
    rounds.filter(({ dropouts }) => dropouts.some(({ reason }) => reason.startsWith('peer-restored: ')))
  const { rounds, state } = await viewOf(federation, run, (view) => refusing(view).length >= 3)
  expect(state).toBe('running')
  const refused = rounds.filter(({ survivors }) => survivors.length === 0)
  for (const { dropouts } of refused)
    for (const { site, reason } of dropouts) {
      expect(site).not.toBe('basel')
      expect(reason).toMatch(/^peer-restored: /)
    }
  expect(restored.events.some(({ type }) => type === 'uploaded')).toBe(false)
  await federation.admin.cancelRun(run, 'seen enough')
})

function survivedBy(site: string, round: number) {
  return ({ rounds }: RunView) => rounds.some((over) => over.round >= round && over.survivors.includes(site))
}
