/** S3 and S4 (fedsum, A.4): who shares the masks, what they dealt, and that a site masks for one set of sharers, once. */
import { verifySignature } from '@consilium/protos/identity.ts'
import type { Shares } from '@consilium/protos/secagg/messages.ts'
import { complaintMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { refusalAt } from '../../support/refusal.ts'
import { secureRound } from '../../support/secure-round.ts'
import { openSite, type SiteFixture } from '../../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (...options: Parameters<typeof openSite>) => {
  opened = openSite(...options)
  return opened
}
afterEach(() => opened?.close())

const refusal = (site: SiteFixture) => refusalAt(site)
const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 30 ? byte ^ 1 : byte))
const zurich = 5

/** The first received share, or the last sharer, changed. */
const received = (shares: Shares, change: (row: Shares['received'][number]) => object) => ({
  ...shares,
  received: shares.received.map((row, i) => (i === 0 ? { ...row, ...change(row) } : row)),
})
const sharer = (shares: Shares, change: (row: Shares['sharers'][number]) => object) => ({
  ...shares,
  sharers: shares.sharers.map((row) => (row.index === zurich ? { ...row, ...change(row) } : row)),
})

describe('S3', () => {
  test.for<{ what: string; change: (shares: Shares) => Shares; says: RegExp }>([
    {
      what: 'a signature of another site',
      change: (shares) => sharer(shares, () => ({ signature: shares.sharers[0]!.signature })),
      says: /shared keys of zurich are not signed/,
    },
    {
      what: 'a hash that its site did not sign',
      change: (shares) => sharer(shares, ({ shareKeysHash }) => ({ shareKeysHash: flip(shareKeysHash) })),
      says: /shared keys of zurich are not signed/,
    },
    {
      what: 'sharers without this site',
      change: (shares) => ({ ...shares, sharers: shares.sharers.filter(({ index }) => index !== 3) }),
      says: /this site shared are not among/,
    },
    {
      what: 'too few sharers',
      change: (shares) => ({ ...shares, sharers: shares.sharers.slice(2), received: shares.received.slice(2) }),
      says: /a sum needs 4/,
    },
    {
      what: 'a sharer twice',
      change: (shares) => ({ ...shares, sharers: [...shares.sharers, shares.sharers[4]!] }),
      says: /named twice/,
    },
    {
      what: 'a sharer whose share is missing',
      change: (shares) => ({ ...shares, received: shares.received.slice(1) }),
      says: /not those of the sites/,
    },
    {
      what: 'a share of the wrong sharer',
      change: (shares) => ({ ...shares, received: [shares.received[1]!, ...shares.received.slice(1)] }),
      says: /not those of the sites/,
    },
  ])('$what is refused as shares-invalid, and nothing leaves', async ({ change, says }) => {
    const site = open()
    const due = await secureRound(site).sharesDue()
    site.coordinator.say(change(due))
    expect(await refusal(site)).toMatchObject({ code: 'shares-invalid', reason: expect.stringMatching(says) })
    expect(site.coordinator.uploads.size).toBe(0)
  })

  test.for<{
    what: string
    change: (shares: Shares) => Shares
    reason: 'share-does-not-open' | 'share-differs-from-commitment'
  }>([
    {
      what: 'a share that does not open',
      change: (shares) => received(shares, ({ sealed }) => ({ sealed: flip(sealed) })),
      reason: 'share-does-not-open',
    },
    {
      what: 'a share that differs from its commitment',
      change: (shares) => received(shares, ({ keyCommitment }) => ({ keyCommitment: flip(keyCommitment) })),
      reason: 'share-differs-from-commitment',
    },
  ])('$what is complained of, signed, before this site leaves the round', async ({ change, reason }) => {
    const site = open()
    const round = secureRound(site)
    site.coordinator.say(change(await round.sharesDue()))
    const complaint = await round.sent('complaint')
    expect(complaint).toMatchObject({ against: 1, reason })
    const { type, parts } = complaintMessage(
      Buffer.from(site.store.sessions.find(round.hash)!.sid, 'hex'),
      3,
      1,
      reason,
    )
    expect(verifySignature(site.identity.publicKey, complaint.signature, type, ...parts)).toBe(true)
    expect(await refusal(site)).toMatchObject({ code: 'shares-invalid', reason: /what basel dealt/ })
    expect(site.coordinator.uploads.size).toBe(0)
  })

  test('a peer that advertised and never shared is simply not masked with', async () => {
    const site = open()
    const round = secureRound(site)
    await round.unmasked(['hope', 'saint-anne', 'zurich'], ['hope', 'saint-anne', 'zurich'])
    expect((await round.sent('unmask')).revealed.map(({ index }) => index)).toEqual([2, 3, 4, 5])
  })
})

describe('S4', () => {
  test('that this site masks, and for whom, is on the disk before the first byte leaves', async () => {
    const site = open()
    const round = secureRound(site)
    const states: (string | undefined)[] = []
    const { upload } = site.coordinator.link
    Object.assign(site.coordinator.link, {
      upload: (options: Parameters<typeof upload>[0]) => {
        states.push(site.store.sessions.find(round.hash)?.state)
        return upload(options)
      },
    })
    await round.uploaded()
    expect(states).toEqual(['committed'])
    expect(site.store.outbox.isReady(round.hash)).toBe(true)
  })

  test('the same request again uploads the very same bytes', async () => {
    const site = open()
    const round = secureRound(site)
    const first = await round.uploaded()
    site.coordinator.uploads.clear()
    site.coordinator.say(round.shares(await round.sent('share-keys'), round.directory(await round.sent('advertise'))))
    await site.coordinator.until(() => site.coordinator.uploads.get(round.hash))
    expect(Buffer.compare(site.coordinator.uploads.get(round.hash)!, first)).toBe(0)
  })

  test('other sharers for the same plan are refused: two uploads under different masks would give the update away', async () => {
    const site = open()
    const round = secureRound(site)
    await round.uploaded()
    site.coordinator.uploads.clear()
    const others = ['hope', 'saint-anne', 'zurich']
    site.coordinator.say(
      round.shares(await round.sent('share-keys'), round.directory(await round.sent('advertise')), others),
    )
    expect(await refusal(site)).toMatchObject({ code: 'shares-invalid', reason: /other sharers/ })
    expect(site.coordinator.uploads.size).toBe(0)
  })

  test('consent withdrawn before the masks keeps the update from leaving', async () => {
    const site = open()
    const due = await secureRound(site).sharesDue()
    site.decide('rejected')
    site.coordinator.say(due)
    expect(await refusal(site)).toMatchObject({ code: 'study-unapproved' })
    expect(site.coordinator.uploads.size).toBe(0)
  })
})
