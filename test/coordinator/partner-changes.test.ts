/** The lead changes whom evaluations are among: what the coordinator takes, relays, waits for, and plans then. */
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { type PartnerChange, parsePartnerChange, signPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { expect, test } from 'vitest'
import type { RunView } from '../../coordinator/services.ts'
import { coordinatorFixture, hasEnded } from '../support/coordinator-fixture.ts'

const study = { standardisation: 'none', cohort: { min: 3, quorum: 3 }, rounds: 4 } as const
const lead = identityFromSeed(new Uint8Array(32).fill(5))
const four = ['basel', 'cleveland', 'hungary', 'zurich']
const three = ['basel', 'cleveland', 'hungary']

/** A run of four rounds that has evaluated once among four, and waits for basel's work in the second. */
async function settled() {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const basel = sites[0]!
  const { contribution } = basel
  basel.contribution = (plan, manifest) => {
    if (plan.purpose === 'evaluate' && plan.round === 1) basel.works = false
    return contribution(plan, manifest)
  }
  const { run, studyHash: hash } = await fixture.startRun(study)
  await fixture.runWhere(run, ({ current }) => current?.round === 2 && current.phase === 'work')
  const change = (fields: Partial<PartnerChange> = {}): PartnerChange => ({
    ...{ format: 1, study: hash, number: 1 },
    sets: [{ purpose: 'evaluate', before: four, after: three }],
    ...fields,
  })
  const change1 = () => fixture.admin.changePartners(signPartnerChange(change(), lead))
  const goOn = () => {
    basel.works = true
    basel.leave()
    basel.attend()
  }
  const inForce = () => fixture.studyWhere(hash, ({ partnerChanges }) => partnerChanges.at(-1)?.awaited.length === 0)
  return { fixture, sites, zurich: sites[3]!, run, hash, change, change1, goOn, inForce }
}

/** By round: its loss, or that its evaluation was withheld. */
const evaluations = ({ rounds }: RunView) =>
  rounds.map(({ loss, withheld }) => (loss === undefined ? withheld : 'made'))

test('a hospital leaves for good: evaluations go on without it once all that stay go along', async () => {
  const { fixture, zurich, run, hash, change1, goOn, inForce } = await settled()
  await zurich.sayOfPartners({ word: 'leave', study: hash, since: 0, purposes: ['evaluate'] })
  await zurich.decide(hash, 'reject')
  await change1()
  const view = await inForce()
  expect(view.partners).toEqual([{ purpose: 'evaluate', sites: three }])
  expect(view.partnerChanges).toMatchObject([{ agreed: three, awaited: [], unsigned: [] }])
  goOn()
  const after = await fixture.runWhere(run, hasEnded)
  expect(evaluations(after)).toEqual(['made', 'made', 'made', 'made'])
  expect(after.rounds.slice(1).map(({ survivors }) => survivors)).toEqual([three, three, three])
})

test('control: without the change every evaluation is withheld from then on', async () => {
  const { fixture, zurich, run, hash, goOn } = await settled()
  await zurich.decide(hash, 'reject')
  goOn()
  const why = 'evaluation withheld: zurich is missing: it withdrew its approval'
  expect(evaluations(await fixture.runWhere(run, hasEnded))).toEqual(['made', why, why, why])
})

test('it is relayed to every site that approved, with the signature of the one that leaves, and stands in the log', async () => {
  const { fixture, sites, zurich, hash, change1 } = await settled()
  await change1()
  await zurich.sayOfPartners({ word: 'leave', study: hash, since: 0, purposes: ['evaluate'] })
  for (const site of sites.slice(0, 3)) {
    const words = await site.until(({ heard }) =>
      heard
        .flatMap((message) => (message.type === 'partner-change' && message.words.length > 0 ? message.words : []))
        .at(0),
    )
    expect(words).toMatchObject({ site: 'zurich', word: 'leave', since: 0, purposes: ['evaluate'] })
  }
  const types = []
  for await (const { type } of fixture.admin.readLog('federation')) types.push(type)
  expect(types).toEqual(expect.arrayContaining(['partners-changed', 'partners-said']))
})

test('an evaluation that waits for the hospital is made without it as soon as the others go along', async () => {
  const { fixture, sites, zurich, run, hash, change1, goOn, inForce } = await settled()
  for (const site of sites) site.agrees = false
  zurich.leave()
  goOn()
  const isLast = ({ current }: RunView) => current?.round === 4 && current.purpose === 'evaluate'
  while (!isLast(await fixture.admin.showRun(run))) await fixture.pass(10_000)
  await change1()
  const waiting = await fixture.admin.showStudy(hash)
  expect(waiting.partners).toEqual([{ purpose: 'evaluate', sites: four }])
  expect(waiting.partnerChanges[0]).toMatchObject({ awaited: three, unsigned: ['zurich'] })
  expect(isLast(await fixture.admin.showRun(run))).toBe(true)
  for (const site of sites.slice(0, 3)) {
    site.agrees = true
    site.leave()
    site.attend()
  }
  await inForce()
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(evaluations(view).at(-1)).toBe('made')
})

test('a coordinator that was killed between the change and the run goes on with it', async () => {
  const { fixture, sites, zurich, run, hash, change1 } = await settled()
  for (const site of sites) site.agrees = false
  await change1()
  // The last word is durable, and the run has not heard of it.
  const { change } = (await fixture.admin.showStudy(hash)).partnerChanges[0]!
  const agree = { word: 'agree', study: hash, change: parsePartnerChange(change).hash } as const
  for (const site of sites.slice(0, 2)) await site.sayOfPartners(agree)
  const dead = fixture.killAfter(1)
  await sites[2]!.sayOfPartners(agree).catch(() => {})
  await dead
  await fixture.restart()
  expect((await fixture.admin.showStudy(hash)).partners).toEqual([{ purpose: 'evaluate', sites: three }])
  sites[0]!.works = true
  for (const site of sites.slice(0, 3)) site.attend()
  expect(zurich.failures).toEqual([])
  while ((await fixture.admin.showRun(run)).state === 'running') await fixture.pass(10_000)
  expect(evaluations(await fixture.admin.showRun(run))).toEqual(['made', 'made', 'made', 'made'])
})

test('what sites would refuse is not taken: another lead, another set, number or study, too few', async () => {
  const { fixture, hash, change, change1 } = await settled()
  const take = (fields: Partial<PartnerChange>, by = lead) =>
    fixture.admin.changePartners(signPartnerChange(change(fields), by))
  const sets = (before: string[], after: string[]): Partial<PartnerChange> => ({
    sets: [{ purpose: 'evaluate', before, after }],
  })
  await expect(take({}, identityFromSeed(new Uint8Array(32).fill(6)))).rejects.toMatchObject({
    code: 'signature-invalid',
  })
  await expect(take({ study: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'not-found' })
  for (const wrong of [{ number: 2 }, sets(three, four), sets(four, ['basel', 'hungary'])])
    await expect(take(wrong)).rejects.toMatchObject({ code: 'partners-refused' })
  await expect(take({ sets: [{ purpose: 'statistics', before: four, after: three }] })).rejects.toMatchObject({
    code: 'partners-refused',
    message: expect.stringContaining('nobody has settled'),
  })
  await change1()
  // The same again changes nothing; another one with its number is not taken.
  expect((await change1()).partnerChanges).toHaveLength(1)
  await expect(take(sets(four, ['basel', 'cleveland', 'zurich']))).rejects.toMatchObject({ code: 'partners-refused' })
  expect((await fixture.admin.showStudy(hash)).partnerChanges).toHaveLength(1)
})

test('a site speaks for itself, of the newest change, and only of one that it is in', async () => {
  const { fixture, sites, zurich, hash, change1 } = await settled()
  for (const site of sites) site.agrees = false
  await change1()
  const { change } = (await fixture.admin.showStudy(hash)).partnerChanges[0]!
  const agree = { word: 'agree', study: hash, change: parsePartnerChange(change).hash } as const
  await expect(sites[0]!.sayOfPartners(agree, zurich.identity)).rejects.toMatchObject({ code: 'signature-invalid' })
  await expect(zurich.sayOfPartners(agree)).rejects.toMatchObject({ code: 'not-in-cohort' })
  await expect(sites[0]!.sayOfPartners({ ...agree, change: 'ab'.repeat(32) })).rejects.toMatchObject({
    code: 'partners-refused',
  })
  await sites[0]!.sayOfPartners(agree)
  await sites[0]!.sayOfPartners(agree)
  expect((await fixture.admin.showStudy(hash)).partnerChanges[0]!.agreed).toEqual(['basel'])
})

test('a newer change takes the place of one that not all go along with', async () => {
  const { fixture, sites, change, change1, inForce } = await settled()
  for (const site of sites) site.agrees = false
  await change1()
  for (const site of sites) site.agrees = true
  await fixture.admin.changePartners(
    signPartnerChange(
      change({ number: 2, sets: [{ purpose: 'evaluate', before: four, after: ['cleveland', 'hungary', 'zurich'] }] }),
      lead,
    ),
  )
  const view = await inForce()
  expect(view.partners).toEqual([{ purpose: 'evaluate', sites: ['cleveland', 'hungary', 'zurich'] }])
  expect(view.partnerChanges[0]!.awaited).not.toEqual([])
})

test('a site is asked for its word again where it is not here: by every stream until then, and of the newest change only', async () => {
  const { fixture, sites, hash, change1, inForce } = await settled()
  const hungary = sites[2]!
  for (const site of sites) site.agrees = false
  await change1()
  const told = () => hungary.heard.flatMap((message) => (message.type === 'partner-change' ? [message.heard] : []))
  hungary.leave()
  hungary.attend()
  expect(told()).toEqual([false, false])
  for (const site of sites) {
    site.agrees = true
    site.leave()
    site.attend()
  }
  await inForce()
  hungary.leave()
  hungary.attend()
  expect(told().at(-1)).toBe(true)
  expect((await fixture.admin.showStudy(hash)).partnerChanges).toHaveLength(1)
})
