/** S5 and the cohort rule (fedsum, A.4 and A.9): what U3 must satisfy before a site signs it, and that it signs one. */
import type { Survivor, Survivors } from '@consilium/protos/secagg/messages.ts'
import { confirmMessage, inputMessage, signMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkDifferencing, checkSurvivors, type MaskedSession } from '../../../site-agent/round/confirm-survivors.ts'
import { type SecureCohort, secureCohort } from '../../../site-agent/round/session.ts'
import { refusalAt } from '../../support/refusal.ts'
import { type SecureRoundOfSite, secureRound } from '../../support/secure-round.ts'
import { logHead, openSite, peers, type SiteFixture, siteName } from '../../support/site-fixture.ts'

const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 30 ? byte ^ 1 : byte))

describe('a set of survivors', () => {
  let site: SiteFixture
  let round: SecureRoundOfSite
  let honest: readonly Survivor[]
  let session: MaskedSession
  let cohort: SecureCohort
  beforeAll(async () => {
    site = openSite()
    round = secureRound(site)
    await round.uploaded()
    honest = (await round.survivors()).survivors
    const { sid, u2Hash } = peers.get('hope')!.session(round.hash)!
    const thresholds = sessionThresholds(5, round.plan.secure!)
    const ownRoot = site.coordinator.masked.get(round.hash)!.root
    session = { sid: sid!, u2Hash: u2Hash!, thresholds, sharers: [1, 2, 3, 4, 5], ownRoot }
    cohort = secureCohort(round, siteName)
  })
  afterAll(() => site.close())

  /** As the peer itself would sign another upload. */
  const signedBy = (name: string, root: Uint8Array): Survivor => {
    const index = round.plan.cohort.indexOf(name) + 1
    const message = inputMessage(session.sid, session.u2Hash, index, root)
    return { index, root, signature: signMessage(peers.get(name)!.identity, message) }
  }

  test('that is honest has a hash of its own', () => {
    const hash = checkSurvivors(honest, session, cohort)
    expect(checkSurvivors(honest.slice(0, 4), session, cohort)).not.toEqual(hash)
    expect(checkSurvivors([signedBy('basel', new Uint8Array(32)), ...honest.slice(1)], session, cohort)).not.toEqual(
      hash,
    )
  })

  test.for<{ what: string; survivors: () => readonly Survivor[]; says: RegExp }>([
    { what: 'empty', survivors: () => [], says: /empty/ },
    { what: 'out of order', survivors: () => [...honest].reverse(), says: /out of order/ },
    { what: 'with a site twice', survivors: () => [...honest, honest[4]!], says: /named twice/ },
    {
      what: 'with a site that is not in the cohort',
      survivors: () => [...honest, { ...honest[0]!, index: 6 }],
      says: /site 6 is said to have survived/,
    },
    {
      what: 'without this site',
      survivors: () => honest.filter(({ index }) => index !== round.index),
      says: /this site is not among the survivors/,
    },
    {
      what: 'with an upload that its site did not sign',
      survivors: () => honest.map((it) => (it.index === 1 ? { ...it, root: flip(it.root) } : it)),
      says: /upload of basel is not signed/,
    },
    {
      what: 'with the signature of another site',
      survivors: () => honest.map((it) => (it.index === 1 ? { ...it, signature: honest[1]!.signature } : it)),
      says: /upload of basel is not signed/,
    },
    {
      what: 'with another upload of this site, though it signed that too',
      survivors: () =>
        honest.map((it) => {
          if (it.index !== round.index) return it
          const message = inputMessage(session.sid, session.u2Hash, it.index, new Uint8Array(32))
          return { ...it, root: new Uint8Array(32), signature: signMessage(site.identity, message) }
        }),
      says: /upload of this site is not the one it made/,
    },
    { what: 'of too few sites', survivors: () => honest.slice(2), says: /3 sites survived, a sum needs 4/ },
  ])('$what is refused as survivors-invalid', ({ survivors, says }) => {
    expect(() => checkSurvivors(survivors(), session, cohort)).toThrow(
      expect.objectContaining({ code: 'survivors-invalid', message: expect.stringMatching(says) }),
    )
  })

  test('with a site that shared no keys with this one is refused', () => {
    expect(() => checkSurvivors(honest, { ...session, sharers: [1, 2, 3, 4] }, cohort)).toThrow(
      expect.objectContaining({ code: 'survivors-invalid' }),
    )
  })

  test('under masks of other sharers is refused', () => {
    expect(() => checkSurvivors(honest, { ...session, u2Hash: new Uint8Array(32) }, cohort)).toThrow(
      expect.objectContaining({ code: 'survivors-invalid' }),
    )
  })
})

describe('sums over the same model', () => {
  const sum = (...survivors: string[]) => ({ run: 'heart-1', round: 1, survivors })

  test.for([
    { now: ['a', 'b', 'c', 'd'], before: ['a', 'b', 'c'], differ: 1 },
    { now: ['a', 'b', 'c'], before: ['a', 'b', 'c', 'd', 'e'], differ: 2 },
    { now: ['a', 'b', 'c', 'd'], before: ['a', 'b', 'c', 'e'], differ: 2 },
  ])('that differ by $differ sites are refused', ({ now, before, differ }) => {
    expect(() => checkDifferencing(now, [sum(...before)], 3)).toThrow(
      expect.objectContaining({ code: 'cohort-differencing', message: expect.stringContaining(`by ${differ} of 3`) }),
    )
  })

  test.for([
    { now: ['a', 'b', 'c', 'd'], before: ['d', 'c', 'b', 'a'] },
    { now: ['a', 'b', 'c', 'd', 'e', 'f'], before: ['a', 'b', 'c'] },
    { now: ['a', 'b', 'c'], before: ['a', 'd', 'e'] },
  ])('are added where they are of the same sites, or differ by a whole sum of them', ({ now, before }) => {
    expect(() => checkDifferencing(now, [sum(...before)], 3)).not.toThrow()
  })
})

describe('on the wire', () => {
  let opened: SiteFixture | undefined
  const open = (...options: Parameters<typeof openSite>) => {
    opened = openSite(...options)
    return opened
  }
  afterEach(() => opened?.close())
  const refusal = (site: SiteFixture) => refusalAt(site)

  test('a confirmation is over the survivors and the head of the log, and on the disk before it leaves', async () => {
    const site = open()
    const round = secureRound(site)
    const { signature } = await round.confirmed()
    const record = site.store.sessions.find(round.hash)!
    const message = confirmMessage(Buffer.from(record.u3Hash, 'hex'), Buffer.from(logHead.root, 'hex'))
    expect(verifyMessage(site.identity.publicKey, signature, message)).toBe(true)
    expect(record).toMatchObject({ state: 'confirmed', survivors: round.plan.cohort })
  })

  test('the same survivors again get the same confirmation', async () => {
    const site = open()
    const round = secureRound(site)
    const first = await round.confirmed()
    site.coordinator.say(await round.survivors())
    expect(await round.sent('confirm', 2)).toEqual(first)
  })

  test.for<{ what: string; change: (survivors: Survivors) => Survivors }>([
    { what: 'other survivors', change: (it) => ({ ...it, survivors: it.survivors.slice(0, 4) }) },
    { what: 'another head of the log', change: (it) => ({ ...it, logHead: { size: 2, root: 'cd'.repeat(32) } }) },
  ])('$what after the confirmation are refused as survivors-conflict', async ({ change }) => {
    const site = open()
    const round = secureRound(site)
    await round.confirmed()
    site.coordinator.say(change(await round.survivors()))
    expect(await refusal(site)).toMatchObject({ planHash: round.hash, code: 'survivors-conflict' })
    expect(site.coordinator.sent.filter((m) => m.type === 'confirm')).toHaveLength(1)
  })

  test('other survivors after a restart are refused as well: the site has signed once, for good', async () => {
    const site = open()
    const round = secureRound(site)
    await round.confirmed()
    const survivors = await round.survivors()
    site.restart()
    site.coordinator.say({ ...survivors, survivors: survivors.survivors.slice(0, 4) })
    expect(await refusal(site)).toMatchObject({ code: 'survivors-conflict' })
  })

  test('survivors before this site masked anything are refused', async () => {
    const site = open()
    const round = secureRound(site)
    await round.shared()
    site.coordinator.say({ type: 'survivors', planHash: round.hash, survivors: [], logHead })
    expect(await refusal(site)).toMatchObject({ code: 'survivors-invalid' })
  })

  test('a log that was forked is not countersigned', async () => {
    const site = open()
    const round = secureRound(site)
    await round.uploaded()
    site.coordinator.say({ ...(await round.survivors()), logHead: { size: 1, root: 'cd'.repeat(32) } })
    expect(await refusal(site)).toMatchObject({ code: 'log-forked' })
    expect(site.coordinator.sent.some((m) => m.type === 'confirm')).toBe(false)
  })

  test('a second sum over the same model without one of the sites is refused as cohort-differencing', async () => {
    const site = open()
    const first = secureRound(site)
    await first.confirmed()
    site.coordinator.say({ type: 'round-over', planHash: first.hash, outcome: 'failed', reason: 'no quorum' })
    const second = secureRound(site, { round: 2 })
    const without = second.others.filter((name) => name !== 'zurich')
    await second.uploaded(without)
    site.coordinator.say(await second.survivors(without, without))
    expect(await refusal(site)).toMatchObject({ planHash: second.hash, code: 'cohort-differencing' })
  })

  test('a second sum over the same model of the same sites is confirmed', async () => {
    const site = open()
    const first = secureRound(site)
    await first.confirmed()
    site.coordinator.say({ type: 'round-over', planHash: first.hash, outcome: 'failed', reason: 'no quorum' })
    await secureRound(site, { round: 2 }).confirmed()
  })
})
