/**
 * Honest work: one of five hospitals leaves a study for good while it runs, and later a sixth joins it. Evaluations are made
 * before, withheld while it is settled, and made after; the lead signs, the two hospitals sign for themselves, and nobody at
 * the others has anything to do.
 */
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { type PartnerChange, signPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { expect, test } from 'vitest'
import type { RunEvent } from '../../coordinator/run/events.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../support/hostile/federation.ts'
import { approveKey, atSite, viewOf } from '../support/hostile/people.ts'
import { leaks } from '../support/hostile/secrecy.ts'

const lead = identityFromSeed(new Uint8Array(32).fill(5))
const five = ['aarau', ...siteNames]
const stay = five.filter((site) => site !== 'zurich')

test('one of five hospitals leaves for good, later a sixth joins: evaluations before, between and after', async () => {
  await using federation = await hostileFederation()
  await federation.join('aarau')
  await approveKey(federation, 'aarau', siteNames)
  const study = await federation.create({ rounds: 1000, evaluation: { bins: 8, everyRounds: 1 } })
  await decided(federation, study, 5)
  const run = await federation.startRun(study)
  await evaluated(federation, run, five)

  const left = await atSite(federation, 'zurich', 'study', 'withdraw', study.slice(0, 12), '--accept', 'evaluate')
  expect(left).toMatchObject({ study, purposes: ['evaluate'], told: true })
  await viewOf(federation, run, ({ rounds }) => rounds.at(-1)?.withheld?.includes('zurich is missing'))
  await change(federation, study, { before: five, after: stay, number: 1 })
  await evaluated(federation, run, stay)
  for (const site of stay) {
    const { changes } = await atSite(federation, site, 'study', 'partners', study.slice(0, 12))
    expect(changes).toMatchObject([{ number: 1, agreed: { by: 'itself' }, asks: [] }])
  }

  await federation.join('bern')
  await approveKey(federation, 'bern', stay)
  await decided(federation, study, 6)
  const six = [...stay, 'bern'].sort()
  await change(federation, study, { before: stay, after: six, number: 2 })
  await federation.until(() => federation.agents.get('bern')!.events.find(({ type }) => type === 'partners-asked'))
  // Nobody waits for a hospital that has not said so: the others go on among themselves.
  await evaluated(federation, run, stay)
  expect(await atSite(federation, 'bern', 'study', 'partners', study.slice(0, 12), '--accept')).toMatchObject({
    told: true,
  })
  await evaluated(federation, run, six)
  await federation.admin.cancelRun(run, 'seen enough')
  const { partnerChanges } = await federation.admin.showStudy(study)
  expect(partnerChanges.map(({ awaited, unsigned }) => ({ awaited, unsigned }))).toEqual([
    { awaited: [], unsigned: [] },
    { awaited: [], unsigned: [] },
  ])
  expect(await leaks(federation)).toEqual([])
})

async function change(
  { admin }: HostileFederation,
  study: string,
  { before, after, number }: { before: string[]; after: string[]; number: number },
): Promise<void> {
  const sets: PartnerChange['sets'] = [{ purpose: 'evaluate', before, after }]
  await admin.changePartners(signPartnerChange({ format: 1, study, number, sets }, lead))
}

/** A further evaluation is made among these. */
async function evaluated(federation: HostileFederation, run: string, sites: readonly string[]): Promise<void> {
  const events = async () =>
    (await federation.entries(`run/${run}`)).map(({ type, body }) => ({ type, ...body })) as unknown as RunEvent[]
  const from = (await events()).length
  const isMade = (all: readonly RunEvent[]) =>
    all.slice(from).some((selected) => {
      if (selected.type !== 'cohort-selected' || selected.plan.purpose !== 'evaluate') return false
      const isCommitted = all.some((each) => each.type === 'round-committed' && each.planHash === selected.planHash)
      return isCommitted && selected.plan.cohort.join() === sites.join()
    })
  for await (const _ of federation.admin.watchRun(run, new AbortController().signal)) if (isMade(await events())) return
  throw new Error('the run ended before')
}

async function decided({ admin }: HostileFederation, study: string, sites: number): Promise<void> {
  for await (const { decisions } of admin.watchStudy(study, new AbortController().signal))
    if (decisions.length >= sites) return
}
