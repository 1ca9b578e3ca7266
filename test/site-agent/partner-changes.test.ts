/**
 * Changes of partners, at a site (fedsum, E.4): what it goes along with by itself, what a person decides, what nobody can
 * make it take, and among whom it evaluates then.
 */
import { generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import {
  checkPartnerChange,
  type PartnerChange,
  type PartnerWord,
  type SitesPartnerWord,
  signPartnerChange,
  signPartnerWord,
  verifyPartnerWord,
} from '@consilium/protos/plan/partner-change.ts'
import { studyHash } from '@consilium/protos/plan/signed-study.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { acceptNewest, sayLeave } from '../../site-agent/partner-changes.ts'
import { refusalAt } from '../support/refusal.ts'
import { fiveSites, secureRound } from '../support/secure-round.ts'
import { lead, openSite, peers, type SiteFixture, siteName } from '../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (options: Parameters<typeof openSite>[0] = {}) => {
  opened = openSite(options)
  return opened
}
afterEach(async () => {
  await opened?.close()
  opened = undefined
})

const without = (...gone: string[]) => fiveSites.filter((site) => !gone.includes(site))
const four = without('zurich')
const lenient = { colluders: 0, survivorsMin: 3 }
const study = { study: { aggregation: { mode: 'secure', weightMax: 8, ...lenient } } } as const

function changeOf(site: SiteFixture, fields: Partial<PartnerChange> = {}): PartnerChange {
  const sets: PartnerChange['sets'] = [{ purpose: 'evaluate', before: fiveSites, after: four }]
  return { format: 1, study: studyHash(site.study.manifest), number: 1, sets, ...fields }
}

function evaluating(before: readonly string[], after: readonly string[]): Pick<PartnerChange, 'sets'> {
  return { sets: [{ purpose: 'evaluate', before: [...before], after: [...after] }] }
}

/** Says it as the coordinator relays it. */
function relay(
  site: SiteFixture,
  change: PartnerChange,
  words: readonly SitesPartnerWord[] = [],
  { by = lead, heard = true }: { by?: Identity; heard?: boolean } = {},
) {
  const signed = signPartnerChange(change, by)
  site.coordinator.say({ type: 'partner-change', signed, words, heard })
  return checkPartnerChange(signed, by.publicKey)
}

type Leaving = { readonly since?: number; readonly purposes?: ('statistics' | 'evaluate')[]; readonly by?: Identity }

function leaves(site: SiteFixture, name: string, { since = 0, purposes = ['evaluate'], by }: Leaving = {}) {
  const word = { word: 'leave', study: studyHash(site.study.manifest), since, purposes } as const
  return { ...signPartnerWord(word, by ?? peers.get(name)!.identity), site: name }
}

/** An evaluation of a model of its own, in a run of its own. */
async function evaluate(site: SiteFixture, run: string, cohort = fiveSites) {
  const model = site.coordinator.addObject(Buffer.from(run.padEnd(12, '.')))
  const round = secureRound(site, { purpose: 'evaluate', run, model, cohort, secure: lenient })
  await round.unmasked()
  site.coordinator.say({ type: 'round-over', planHash: round.hash, outcome: 'committed', reason: '' })
}

async function refused(site: SiteFixture, run: string, cohort: string[], fields = {}) {
  const { signed, hash } = secureRound(site, { purpose: 'evaluate', run, cohort, secure: lenient, ...fields })
  site.coordinator.sent.length = 0
  site.coordinator.say({ type: 'assignment', plan: signed })
  expect(await refusalAt(site)).toMatchObject({ planHash: hash, code: 'other-partners' })
}

const asked = (site: SiteFixture) =>
  site.events.flatMap((event) => (event.type === 'partners-asked' ? [event.reason] : []))
const agreed = (site: SiteFixture) => site.events.filter(({ type }) => type === 'partners-agreed').length
const troubles = (site: SiteFixture) => site.events.flatMap((event) => (event.type === 'trouble' ? [event.code] : []))
const list = (site: SiteFixture) => site.store.partnerChanges.list(studyHash(site.study.manifest))
const accept = (site: SiteFixture) =>
  acceptNewest(studyHash(site.study.manifest), 'it', { ...site.site, readPolicy: () => site.policy })

test('with the signature of the one that leaves it goes along by itself, says so signed, and evaluates among the others', async () => {
  const site = open(study)
  await evaluate(site, 'heart-1')
  const { hash } = relay(site, changeOf(site), [leaves(site, 'zurich')])
  expect({ agreed: agreed(site), asked: asked(site) }).toEqual({ agreed: 1, asked: [] })
  const [word] = await site.coordinator.until(() =>
    site.coordinator.words.length > 0 ? site.coordinator.words : undefined,
  )
  expect(word).toMatchObject({ word: 'agree', change: hash })
  expect(verifyPartnerWord(word as PartnerWord, site.identity.publicKey)).toBe(true)
  // Until the first plan for the others, those before are its partners.
  await evaluate(site, 'heart-2')
  await evaluate(site, 'heart-3', four)
  await refused(site, 'heart-4', fiveSites)
  site.restart()
  await refused(site, 'heart-4', fiveSites)
  await evaluate(site, 'heart-5', four)
})

test('of a model that was evaluated with the one that left there is no second evaluation', async () => {
  const site = open(study)
  const model = site.coordinator.addObject(Buffer.from('the same one'))
  await secureRound(site, { purpose: 'evaluate', model, secure: lenient }).unmasked()
  relay(site, changeOf(site), [leaves(site, 'zurich')])
  await refused(site, 'heart-2', four, { model })
  expect(site.store.records.refusals(1)[0]!.reason).toMatch(/this very model/)
  await evaluate(site, 'heart-3', four)
})

describe('without it', () => {
  test.for<[string, (site: SiteFixture) => SitesPartnerWord[]]>([
    ['nothing is signed', () => []],
    ['another site signed for it', (site) => [leaves(site, 'zurich', { by: peers.get('basel')!.identity })]],
    ['another site leaves', (site) => [leaves(site, 'basel')]],
    ['it signed for statistics only', (site) => [leaves(site, 'zurich', { purposes: ['statistics'] })]],
    ['it signed for another stay', (site) => [leaves(site, 'zurich', { since: 1 })]],
    [
      'it signed for another study',
      (site) => {
        const other = { word: 'leave', study: 'ab'.repeat(32), since: 0, purposes: ['evaluate'] } as const
        return [
          {
            ...signPartnerWord(other, peers.get('zurich')!.identity),
            study: studyHash(site.study.manifest),
            site: 'zurich',
          },
        ]
      },
    ],
  ])('%s: a person decides, and until then nothing changes', async ([, words]) => {
    const site = open(study)
    await evaluate(site, 'heart-1')
    relay(site, changeOf(site), words(site))
    expect(asked(site)).toEqual([
      'zurich has not signed that it leaves: the difference of two sums tells what it added',
    ])
    expect(site.coordinator.words).toEqual([])
    await refused(site, 'heart-2', four)
    accept(site)
    expect(list(site)[0]!.agreed).toMatchObject({ by: 'person', account: 'it' })
    await evaluate(site, 'heart-3', four)
  })

  test('once it comes, the site goes along after all', async () => {
    const site = open(study)
    await evaluate(site, 'heart-1')
    relay(site, changeOf(site))
    site.coordinator.reconnect()
    relay(site, changeOf(site))
    expect(asked(site)).toHaveLength(1)
    relay(site, changeOf(site), [leaves(site, 'zurich')])
    expect(agreed(site)).toBe(1)
  })
})

test('beyond the policy’s number a person decides', async () => {
  const site = open(study)
  await evaluate(site, 'heart-1')
  relay(site, changeOf(site), [leaves(site, 'zurich')])
  await evaluate(site, 'heart-2', four)
  const back = changeOf(site, { number: 2, ...evaluating(four, fiveSites) })
  const joins = {
    word: 'join',
    study: back.study,
    change: checkPartnerChange(signPartnerChange(back, lead), lead.publicKey).hash,
  } as const
  relay(site, back, [{ ...signPartnerWord(joins, peers.get('zurich')!.identity), site: 'zurich' }])
  await evaluate(site, 'heart-3')
  expect(agreed(site)).toBe(2)
  const third = changeOf(site, { number: 3 })
  // What it signed as it left the first time counts for nothing now.
  relay(site, third, [leaves(site, 'zurich')])
  expect(asked(site)[0]).toMatch(/^zurich has not signed that it leaves.*; this site went along with 2 changes/)
  relay(site, third, [leaves(site, 'zurich'), leaves(site, 'zurich', { since: 2 })])
  expect(asked(site)[1]).toMatch(
    /^this site went along with 2 changes of this study already \(secure.partnerChangesMax\)$/,
  )
  await refused(site, 'heart-4', four)
  site.policy.secure = { ...site.policy.secure, partnerChangesMax: 3 }
  relay(site, third, [leaves(site, 'zurich', { since: 2 })])
  expect(agreed(site)).toBe(3)
})

describe('a hostile lead, or a coordinator that says it is one', () => {
  test('another lead’s key, and bytes that were changed, count for nothing', async () => {
    const site = open(study)
    await evaluate(site, 'heart-1')
    relay(site, changeOf(site), [leaves(site, 'zurich')], { by: generateIdentity() })
    const { bytes, signature } = signPartnerChange(changeOf(site), lead)
    const other = signPartnerChange(changeOf(site, evaluating(fiveSites, without('basel'))), lead)
    for (const signed of [
      { bytes: other.bytes, signature },
      { bytes: bytes.subarray(1), signature },
    ])
      site.coordinator.say({ type: 'partner-change', signed, words: [leaves(site, 'zurich')], heard: true })
    expect(troubles(site)).toEqual(['signature-invalid', 'signature-invalid', 'message-invalid'])
    expect(list(site)).toEqual([])
    await refused(site, 'heart-2', four)
  })

  test('a second change with the same number, one out of order and one for another study are not taken', async () => {
    const site = open(study)
    await evaluate(site, 'heart-1')
    const words = [leaves(site, 'zurich'), leaves(site, 'basel')]
    relay(site, changeOf(site, { number: 2 }), words)
    relay(site, changeOf(site), words)
    relay(site, changeOf(site, evaluating(fiveSites, without('basel'))), words)
    relay(site, changeOf(site, { study: 'ab'.repeat(32) }), words)
    expect(troubles(site)).toEqual(['partners-refused', 'partners-refused', 'study-unapproved'])
    expect(list(site).map(({ change }) => change.sets[0]!.after)).toEqual([four])
  })

  test('a change from another set than is settled here is taken by nobody, a person neither', async () => {
    const site = open(study)
    await evaluate(site, 'heart-1')
    relay(site, changeOf(site, evaluating(four, without('zurich', 'basel'))), [leaves(site, 'basel')])
    expect(troubles(site)).toEqual(['partners-refused'])
    expect(() => accept(site)).toThrow(expect.objectContaining({ code: 'partners-refused' }))
    await refused(site, 'heart-2', without('zurich', 'basel'))
  })

  test('too few are left: nobody takes it', async () => {
    const site = open(study)
    await evaluate(site, 'heart-1')
    relay(
      site,
      changeOf(site, evaluating(fiveSites, ['hope', siteName])),
      fiveSites.slice(2).map((name) => leaves(site, name, { by: generateIdentity() })),
    )
    expect(troubles(site)).toEqual(['partners-refused'])
  })

  test('played again it counts once, and a set that was left does not come back by it', async () => {
    const site = open(study)
    await evaluate(site, 'heart-1')
    const words = [leaves(site, 'zurich')]
    for (let i = 0; i < 3; i++) relay(site, changeOf(site), words)
    await evaluate(site, 'heart-2', four)
    relay(site, changeOf(site), words)
    expect({ agreed: agreed(site), changes: list(site).length }).toEqual({ agreed: 1, changes: 1 })
    await refused(site, 'heart-3', fiveSites)
    expect(site.coordinator.words).toHaveLength(1)
  })

  test('two changes of one set: the site goes to one of them, whichever is planned first, and then not to the other', async () => {
    const site = open(study)
    await evaluate(site, 'heart-1')
    relay(site, changeOf(site), [leaves(site, 'zurich')])
    relay(site, changeOf(site, { number: 2, ...evaluating(fiveSites, without('basel')) }), [leaves(site, 'basel')])
    await evaluate(site, 'heart-2', without('basel'))
    await refused(site, 'heart-3', four)
    await refused(site, 'heart-4', fiveSites)
  })
})

describe('a site that joins', () => {
  test('signs for itself, and the others go along; what it signed for another change does not count', async () => {
    const site = open(study)
    await evaluate(site, 'heart-1', four)
    const change = changeOf(site, evaluating(four, fiveSites))
    relay(site, change)
    expect(asked(site)).toEqual(['zurich has not signed that it joins, or its key is not the one pinned here'])
    const join = { word: 'join', study: change.study, change: 'ab'.repeat(32) } as const
    const { identity } = peers.get('zurich')!
    relay(site, change, [{ ...signPartnerWord(join, identity), site: 'zurich' }])
    expect(agreed(site)).toBe(0)
    relay(site, change, [
      { ...signPartnerWord({ ...join, change: list(site)[0]!.change.hash }, identity), site: 'zurich' },
    ])
    expect(agreed(site)).toBe(1)
    await evaluate(site, 'heart-2', fiveSites)
    await refused(site, 'heart-3', four)
  })

  test('is this one: always a person’s decision, and then its signature', async () => {
    const site = open(study)
    const others = without(siteName)
    const change = relay(site, changeOf(site, evaluating(others, fiveSites)))
    expect(asked(site)).toEqual(['this site joins: the difference of two sums tells what it adds'])
    expect(site.coordinator.words).toEqual([])
    accept(site)
    expect(site.store.partnerChanges.untold()).toMatchObject([{ word: 'join', change: change.hash }])
    site.coordinator.reconnect()
    await site.coordinator.until(() => site.coordinator.words.find(({ word }) => word === 'join'))
    await refused(site, 'heart-1', four)
    await evaluate(site, 'heart-2', fiveSites)
  })
})

test('a coordinator that lost what this site said of a change is told again, and not else', async () => {
  const site = open(study)
  await evaluate(site, 'heart-1')
  const words = [leaves(site, 'zurich')]
  relay(site, changeOf(site), words, { heard: false })
  await site.coordinator.until(() => site.coordinator.words.at(0))
  await new Promise(setImmediate)
  relay(site, changeOf(site), words)
  await new Promise(setImmediate)
  expect(site.coordinator.words).toHaveLength(1)
  relay(site, changeOf(site), words, { heard: false })
  expect(await site.coordinator.until(() => site.coordinator.words.at(1))).toEqual(site.coordinator.words[0])
  expect(agreed(site)).toBe(1)
})

test('a site that leaves tells it with its decision once the coordinator is there, and only once', async () => {
  const site = open(study)
  await evaluate(site, 'heart-1')
  site.coordinator.unreachable = true
  site.decide('rejected')
  sayLeave(studyHash(site.study.manifest), ['evaluate'], { ...site.site, readPolicy: () => site.policy })
  site.coordinator.reconnect()
  site.coordinator.unreachable = false
  site.coordinator.decisions.length = 0
  site.coordinator.reconnect()
  await site.coordinator.until(() => site.coordinator.words.at(0))
  expect(site.coordinator.decisions).toMatchObject([{ decision: 'reject' }])
  expect(site.coordinator.words).toMatchObject([{ word: 'leave', since: 0, purposes: ['evaluate'] }])
  expect(verifyPartnerWord(site.coordinator.words[0]!, site.identity.publicKey)).toBe(true)
  await new Promise(setImmediate)
  site.coordinator.reconnect()
  await new Promise(setImmediate)
  expect(site.coordinator.words).toHaveLength(1)
})
