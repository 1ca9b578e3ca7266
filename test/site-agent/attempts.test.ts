/**
 * A round among partners that lost one of them, attempted again at one site with honest peers around it. What should
 * happen: the very same words under masks of their own, also after kill -9, and from records that have changed since. What
 * should not: a share for two attempts of one round, another sum under the name of an attempt, two of them open at once.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { advertisedBody, advertiseMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { encodeStatistics } from '@consilium/protos/secagg/statistics.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { refusalAt } from '../support/refusal.ts'
import { fiveSites, type SecureRoundOfSite, secureRound } from '../support/secure-round.ts'
import { openSite, type PlanFields, peers, type SiteFixture } from '../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = () => {
  opened = openSite()
  return opened
}
afterEach(() => opened?.close())

const statistics = { purpose: 'statistics', round: 0 } as const
const failed = (round: SecureRoundOfSite) =>
  ({ type: 'round-over', planHash: round.hash, outcome: 'failed', reason: 'zurich is missing' }) as const

/** The next attempt of a round, with these fields changed. */
function again(site: SiteFixture, before: SecureRoundOfSite, fields: PlanFields = {}): SecureRoundOfSite {
  const number = (before.plan.attempt?.number ?? 1) + 1
  const { purpose, round } = before.plan
  return secureRound(site, { purpose, round, attempt: { number, after: before.hash }, ...fields })
}

/** This site's own words of the content, out of the sum. */
async function ownContent(round: SecureRoundOfSite): Promise<number[]> {
  const sum = await round.sum(1)
  for (const name of round.others)
    round.wordsOf(name)[1]!.forEach((word, i) => {
      sum[i] = (sum[i]! - word) | 0
    })
  return [...sum]
}

const worked = (site: SiteFixture) => site.trainer.calls.filter((call) => call === 'statistics').length
const refusedNow = async (site: SiteFixture, round: SecureRoundOfSite) => {
  site.coordinator.sent.length = 0
  site.coordinator.say({ type: 'assignment', plan: round.signed })
  return refusalAt(site)
}

describe('what is masked again is what was computed before', () => {
  const steps = {
    advertised: (round: SecureRoundOfSite) => round.advertised(),
    uploaded: (round: SecureRoundOfSite) => round.uploaded(),
    confirmed: (round: SecureRoundOfSite) => round.confirmed(),
  }
  test.for(Object.keys(steps) as (keyof typeof steps)[])('lost once %s, whatever the records are now', async (step) => {
    const site = open()
    const first = secureRound(site, statistics)
    await steps[step](first)
    site.coordinator.say(failed(first))
    await site.coordinator.until(() => site.events.find(({ type }) => type === 'round-over'))
    const computed = worked(site)
    const sums = [...site.trainer.statistics.sums]
    site.trainer.statistics = { ...site.trainer.statistics, sums: Float64Array.from(sums, (value) => value + 1) }
    site.restart()
    const second = again(site, first)
    await second.unmasked()
    expect(worked(site)).toBe(computed)
    const upload = site.coordinator.uploads.get(first.hash)
    if (upload) expect(Buffer.compare(upload, site.coordinator.uploads.get(second.hash)!)).not.toBe(0)
    expect(await ownContent(second)).toEqual([...encodeStatistics(Float64Array.from(sums))])
  })

  test('killed after it took up the further attempt and before it had the words, it finds them', async () => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.uploaded()
    const second = again(site, first)
    site.store.journal.begin(second.hash, second.plan)
    site.restart()
    await second.unmasked()
    expect(site.trainer.calls.filter((call) => call === 'evaluate')).toHaveLength(1)
  })

  test('an evaluation on the rows as they were, though one has changed since, which keeps the site out of the next', async () => {
    const site = open()
    site.policy.rows = { ...site.policy.rows, testRowsMin: 3 }
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.uploaded()
    const { study } = first.plan
    const changed = Uint8Array.from(site.trainer.testMarks, (byte, i) => (i === 0 ? byte ^ 1 : byte))
    site.store.testRows.loaded(study, changed)
    await again(site, first).unmasked()
    expect(site.store.testRows.evaluated(study)).toHaveLength(1)
    expect(await refusedNow(site, secureRound(site, { purpose: 'evaluate', round: 2 }))).toMatchObject({
      code: 'data-changed',
    })
  })

  test('a third attempt after a second that was lost too', async () => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.uploaded()
    const second = again(site, first)
    await second.confirmed()
    const third = again(site, second)
    await third.unmasked()
    expect(site.trainer.calls.filter((call) => call === 'evaluate')).toHaveLength(1)
    expect(site.store.sessions.ofRound(third.plan.run, 1, 'evaluate').map(({ state }) => state)).toEqual([
      'abandoned',
      'abandoned',
      'released',
    ])
  })

  test('a site that was not told of the first attempt computes it at the second', async () => {
    const site = open()
    const round = secureRound(site, { ...statistics, attempt: { number: 2, after: 'aa'.repeat(32) } })
    await round.unmasked()
    expect(worked(site)).toBe(1)
  })

  test('what it masked is gone: nothing else takes its place', async () => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.uploaded()
    rmSync(site.store.outbox.wordsPath(first.hash))
    expect(await refusedNow(site, again(site, first))).toMatchObject({ code: 'session-lost' })
  })

  test('the words stay sealed in the outbox until the run goes on, and no longer', async () => {
    const site = open()
    const first = secureRound(site, statistics)
    await first.uploaded()
    site.coordinator.say(failed(first))
    const outbox = () => readdirSync(join(site.state, 'outbox'))
    await site.coordinator.until(() => outbox().length === 1)
    expect(outbox()).toEqual([`${first.hash}.words`])
    const train = secureRound(site)
    await train.work()
    expect(outbox()).toEqual([`${train.hash}.words`])
  })
})

describe('a coordinator that lies about attempts', () => {
  test('plans another one after this site revealed its shares: refused, whatever it says became of the first', async () => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.unmasked()
    site.coordinator.say(failed(first))
    expect(await refusedNow(site, again(site, first))).toMatchObject({ code: 'attempt-refused' })
    site.restart()
    expect(
      await refusedNow(site, again(site, first, { attempt: { number: 9, after: 'ab'.repeat(32) } })),
    ).toMatchObject({
      code: 'attempt-refused',
    })
  })

  test('has a quorum for the first, and shows it once the second is under way: nothing is revealed for the first', async () => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    const own = await first.confirmed()
    const quorum = first.quorum(await first.survivors(), own)
    const second = again(site, first)
    await second.advertised()
    site.coordinator.say(quorum)
    await second.unmasked()
    const reveals = site.coordinator.sent.filter(({ type }) => type === 'unmask')
    expect(reveals).toMatchObject([{ planHash: second.hash }])
    expect(site.store.sessions.sealed(first.hash)).toBeUndefined()
    expect(site.store.sessions.find(first.hash)!.state).toBe('abandoned')
    // Nor after a restart, by the store itself.
    site.restart()
    expect(() => site.store.sessions.release(first.hash, Buffer.from('any'))).toThrow(/abandoned/)
    site.coordinator.say({ type: 'assignment', plan: first.signed })
    expect(await refusalAt(site)).toMatchObject({ code: 'already-uploaded' })
  })

  test.for<[string, string, PlanFields]>([
    ['one partner less', 'other-partners', { cohort: fiveSites.slice(0, 4) }],
    ['one partner more', 'roster-mismatch', { cohort: [...fiveSites, 'zz-geneva'] }],
    ['another model', 'attempt-refused', { model: 'cd'.repeat(32) }],
    ['fewer that may collude', 'attempt-refused', { secure: { colluders: 2 } }],
    ['another attempt before it', 'attempt-refused', { attempt: { number: 2, after: 'ab'.repeat(32) } }],
  ])('plans one with %s: refused as %s', async ([, code, fields]) => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.uploaded()
    expect(await refusedNow(site, again(site, first, fields))).toMatchObject({ code })
    expect(site.coordinator.sent.some(({ type }) => type === 'work-done' || type === 'advertise')).toBe(false)
  })

  test('plans one with other partners before anybody masked: refused too', async () => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.shared()
    const fields = { cohort: fiveSites.slice(0, 4) }
    expect(await refusedNow(site, again(site, first, fields))).toMatchObject({ code: 'attempt-refused' })
  })

  test('plans two at once: the later ends the earlier, and the earlier never comes back', async () => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.uploaded()
    const [second, other] = [again(site, first), again(site, first, { logHead: { size: 3, root: 'ef'.repeat(32) } })]
    await second.advertised()
    expect(await refusedNow(site, other)).toMatchObject({ code: 'stale-round' })
    const third = again(site, second)
    await third.advertised()
    expect(await refusedNow(site, second)).toMatchObject({ code: 'stale-round' })
  })

  test('plans one of a training: refused', async () => {
    const site = open()
    const first = secureRound(site)
    await first.uploaded()
    expect(await refusedNow(site, again(site, first))).toMatchObject({ code: 'attempt-refused' })
  })
})

describe('a peer whose word on the attempt before is another', () => {
  test.for([
    ['that it revealed its shares', { released: true }],
    ['of another plan', { planHash: new Uint8Array(32).fill(7) }],
    ['none at all', undefined],
  ] as const)('%s: nothing is shared', async ([, changed]) => {
    const site = open()
    const first = secureRound(site, { purpose: 'evaluate' })
    await first.uploaded()
    const second = again(site, first)
    const directory = second.directory(await second.advertised())
    const [lying, name] = [directory.sites[0]!, second.plan.cohort[0]!]
    const { previousAttempt, ...said } = readAdvertisement(lying.body)
    const body = advertisedBody({ ...said, ...(changed && { previousAttempt: { ...previousAttempt!, ...changed } }) })
    const message = advertiseMessage(Buffer.from(second.hash, 'hex'), name, body)
    const signature = signMessage(peers.get(name)!.identity, message)
    site.coordinator.sent.length = 0
    site.coordinator.say({ ...directory, sites: [{ ...lying, body, signature }, ...directory.sites.slice(1)] })
    expect(await refusalAt(site)).toMatchObject({ code: 'directory-invalid' })
    expect(site.coordinator.sent.some(({ type }) => type === 'share-keys')).toBe(false)
  })
})
