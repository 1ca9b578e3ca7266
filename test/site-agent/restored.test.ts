/** Restored from an old copy (fedsum, E.6): a peer that went back in its ledger, and this site itself. */
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { SignedLedger } from '@consilium/protos/control-messages.ts'
import { generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import { type PartnerChange, signPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import type { Directory } from '@consilium/protos/secagg/messages.ts'
import { type LedgerPosition, nextLedgerHead } from '@consilium/protos/secagg/session-ledger.ts'
import { advertisedBody, advertiseMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { findSession } from '../../site-agent/round/session.ts'
import { refusalAt } from '../support/refusal.ts'
import { fiveSites, type SecureRoundOfSite, secureRound } from '../support/secure-round.ts'
import { lead, openSite, peers, type SiteFixture, siteName } from '../support/site-fixture.ts'

let opened: SiteFixture | undefined
afterEach(() => opened?.close())

function open(): SiteFixture {
  opened = openSite()
  return opened
}

/** The directory of a round that waits for it, with basel elsewhere in its ledger. */
async function directoryWith(round: SecureRoundOfSite, change: (at: LedgerPosition) => Partial<LedgerPosition>) {
  const directory = round.directory(await round.advertised())
  const sites = directory.sites.map((entry) => {
    if (entry.index !== 1) return entry
    const said = readAdvertisement(entry.body)
    const body = advertisedBody({ ...said, ledger: { ...said.ledger, ...change(said.ledger) } })
    const message = advertiseMessage(Buffer.from(round.hash, 'hex'), 'basel', body)
    return { ...entry, body, signature: signMessage(peers.get('basel')!.identity, message) }
  })
  return { ...directory, sites } satisfies Directory
}

const otherHead = new Uint8Array(32).fill(9)

describe('a peer that was restored', () => {
  /** Round 1 is over; the directory of round 2 waits. `seen` is where basel stood in round 1. */
  async function secondRound(
    change: (at: LedgerPosition, seen: LedgerPosition) => Partial<LedgerPosition>,
    run = 'heart-1',
  ) {
    const site = open()
    // So that there is something to go back to.
    peers.get('basel')!.advertise(secureRound(site, { run: 'heart-0' }).plan)
    const first = secureRound(site)
    await first.unmasked()
    site.coordinator.say({ type: 'round-over', planHash: first.hash, outcome: 'failed', reason: '' })
    const { position: seen } = site.store.sessionLedger.seen('basel', 'heart-1')!
    const round = secureRound(site, run === 'heart-1' ? { round: 2 } : { run })
    site.coordinator.say(await directoryWith(round, (at) => change(at, seen)))
    return { site, round, first, seen }
  }

  test.for<{ what: string; change: (at: LedgerPosition, seen: LedgerPosition) => Partial<LedgerPosition> }>([
    { what: 'goes back', change: (_, { number }) => ({ number: number - 1 }) },
    { what: 'stands at the same number with another head', change: (_, { number }) => ({ number }) },
    { what: 'stands where it stood, for another plan', change: (_, seen) => seen },
    {
      what: 'goes on from another head than it had',
      change: (_, { number }) => ({ number: number + 1, head: otherHead }),
    },
  ])('and $what is refused by name, and no session begins', async ({ change }) => {
    const { site, round, first } = await secondRound(change)
    const refusal = await refusalAt(site)
    expect(refusal).toMatchObject({ planHash: round.hash, code: 'peer-restored', reason: /^basel stands at entry/ })
    const [proof] = site.coordinator.sent.flatMap((message) =>
      message.type === 'known-ledgers' ? message.ledgers : [],
    )
    expect(proof).toMatchObject({ site: 'basel', planHash: first.hash })
    const sent = site.coordinator.sent.filter((message) => 'planHash' in message && message.planHash === round.hash)
    expect(sent.map(({ type }) => type)).not.toContain('share-keys')
    expect(site.coordinator.uploads.has(round.hash)).toBe(false)
  })

  test('control: where nothing was seen of it, in another run, the same directory is answered', async () => {
    const { round } = await secondRound((_, { number }) => ({ number }), 'heart-2')
    expect(await round.sent('share-keys')).toBeDefined()
  })

  test.for<{ what: string; change: (at: LedgerPosition, seen: LedgerPosition) => Partial<LedgerPosition> }>([
    { what: 'goes on', change: (at) => at },
    { what: 'was in other runs meanwhile', change: (_, { number }) => ({ number: number + 9, head: otherHead }) },
    { what: 'was recovered', change: (_, { epoch }) => ({ epoch: epoch + 1, head: otherHead }) },
  ])('one that $what is taken', async ({ change }) => {
    const { site, round } = await secondRound(change)
    expect(await round.sent('share-keys')).toBeDefined()
    expect(site.coordinator.sent.some(({ type }) => type === 'refusal')).toBe(false)
  })

  test('and was recovered does not come back as it was before', async () => {
    const { site, round } = await secondRound(({ epoch }) => ({ epoch: epoch + 1 }))
    await round.sent('share-keys')
    const third = secureRound(site, { round: 3 })
    site.coordinator.say(await directoryWith(third, () => ({})))
    expect(await refusalAt(site)).toMatchObject({ planHash: third.hash, code: 'peer-restored' })
  })
})

test('what a site saw of its peers it tells on every stream, the furthest of each', async () => {
  const site = open()
  const told = () => site.coordinator.sent.filter((message) => message.type === 'known-ledgers')
  expect(told()).toEqual([])
  const first = secureRound(site)
  await first.unmasked()
  const second = secureRound(site, { run: 'heart-2' })
  await second.shared()
  site.coordinator.reconnect()
  expect(
    told()[0]!
      .ledgers.map((ledger) => [ledger.site, ledger.planHash])
      .sort(),
  ).toEqual(second.others.map((name) => [name, second.hash]))
})

describe('this site itself', () => {
  function backUp(site: SiteFixture): string {
    const path = join(site.state, 'copy.sqlite')
    const database = new DatabaseSync(join(site.state, 'agent.sqlite'))
    database.exec(`VACUUM INTO '${path}'`)
    database.close()
    copyFileSync(join(site.state, 'session-keys'), `${path}.keys`)
    return path
  }

  /** The old copy is put back, and the agent started on it. */
  async function restore(site: SiteFixture, copy: string): Promise<void> {
    await site.agent.stop()
    site.store.close()
    Object.assign(site.store, { close: () => undefined })
    for (const suffix of ['-wal', '-shm']) rmSync(join(site.state, `agent.sqlite${suffix}`), { force: true })
    copyFileSync(copy, join(site.state, 'agent.sqlite'))
    copyFileSync(`${copy}.keys`, join(site.state, 'session-keys'))
    site.events.length = 0
    site.coordinator.sent.length = 0
    site.restart()
  }

  async function whole(round: SecureRoundOfSite, site: SiteFixture): Promise<void> {
    await round.unmasked()
    site.coordinator.say({ type: 'round-over', planHash: round.hash, outcome: 'failed', reason: '' })
  }

  /** Backed up in the middle of round 2, it goes on to round 3, and is put back. */
  async function restored() {
    const site = open()
    await whole(secureRound(site), site)
    const second = secureRound(site, { round: 2 })
    await second.advertised()
    const copy = backUp(site)
    const third = secureRound(site, { round: 3 })
    await third.advertised()
    const { body, signature } = await third.sent('advertise')
    const own: SignedLedger = { site: siteName, planHash: third.hash, body, signature }
    await restore(site, copy)
    return { site, second, own }
  }

  test('ends what was open and takes part in nothing, until a person recovers it', async () => {
    const { site, second, own } = await restored()
    expect(findSession(second.hash, site.site)).toBeDefined()
    site.coordinator.say({ type: 'ledger-seen', ledger: own })
    expect(await refusalAt(site)).toMatchObject({ planHash: second.hash, code: 'site-restored' })
    expect(site.events.filter(({ type }) => type === 'restored')).toHaveLength(1)
    expect(site.store.sessions.sealed(second.hash)).toBeUndefined()
    for (const fields of [{ round: 3 }, { round: 3, purpose: 'evaluate' }, { run: 'heart-2', round: 1 }] as const) {
      const { signed, hash } = secureRound(site, fields)
      site.coordinator.sent.length = 0
      site.coordinator.say({ type: 'assignment', plan: signed })
      expect(await refusalAt(site)).toMatchObject({ planHash: hash, code: 'site-restored' })
    }
    expect(site.coordinator.sent.every(({ type }) => ['known-ledgers', 'refusal', 'pinned'].includes(type))).toBe(true)
    // Shown again, and after a restart, it is no news.
    site.coordinator.say({ type: 'ledger-seen', ledger: own })
    site.restart()
    expect(site.store.sessionLedger.restore()).toMatchObject({ seen: { epoch: 1, number: 3 } })
  })

  test('recovered, it trains in the next epoch, and stands out of what is compared', async () => {
    const { site, own } = await restored()
    site.coordinator.say({ type: 'ledger-seen', ledger: own })
    expect(site.store.sessionLedger.recover('it')).toMatchObject({ epoch: 2, number: 4 })
    site.coordinator.say({ type: 'ledger-seen', ledger: own })
    expect(site.store.sessionLedger.restore()).toBeUndefined()

    const fourth = secureRound(site, { run: 'heart-2' })
    await fourth.unmasked()
    const { epoch, number } = readAdvertisement((await fourth.sent('advertise')).body).ledger
    expect({ epoch, number }).toEqual({ epoch: 2, number: 5 })
    for (const fields of [
      { run: 'heart-2', round: 1, purpose: 'evaluate' },
      { run: 'heart-3', round: 0, purpose: 'statistics' },
    ] as const) {
      const { signed, hash } = secureRound(site, fields)
      site.coordinator.sent.length = 0
      site.coordinator.say({ type: 'assignment', plan: signed })
      expect(await refusalAt(site)).toMatchObject({ planHash: hash, code: 'site-restored', reason: /trains only/ })
    }
  })

  describe('and recovered, is told by the lead of a study whom it was among', () => {
    const sets: PartnerChange['sets'] = [{ purpose: 'evaluate', before: fiveSites, after: fiveSites }]

    async function recovered() {
      const { site, own } = await restored()
      site.coordinator.say({ type: 'ledger-seen', ledger: own })
      site.store.sessionLedger.recover('it')
      const study = site.plan().plan.study
      const tell = (fields: Partial<PartnerChange> = {}, by: Identity = lead) => {
        const change = { format: 1, study, number: 1, sets, restored: { site: siteName, epoch: 2 }, ...fields } as const
        site.coordinator.say({ type: 'partner-change', signed: signPartnerChange(change, by), words: [], heard: true })
      }
      return { site, tell }
    }

    async function refused(site: SiteFixture, fields: Parameters<typeof secureRound>[1], code = 'site-restored') {
      const { signed, hash } = secureRound(site, { run: 'heart-2', purpose: 'evaluate', ...fields })
      site.coordinator.sent.length = 0
      site.coordinator.say({ type: 'assignment', plan: signed })
      expect(await refusalAt(site)).toMatchObject({ planHash: hash, code })
    }

    test('it is in these evaluations again, in no others, and still out of the statistics', async () => {
      const { site, tell } = await recovered()
      await refused(site, {})
      tell()
      expect(site.events.filter(({ type }) => type === 'partners-asked' || type === 'trouble')).toEqual([])
      await refused(site, { run: 'heart-3', cohort: fiveSites.filter((name) => name !== 'zurich') }, 'other-partners')
      await refused(site, { run: 'heart-3', purpose: 'statistics', round: 0 })
      await secureRound(site, { run: 'heart-4', purpose: 'evaluate' }).unmasked()
      site.restart()
      await secureRound(site, { run: 'heart-5', purpose: 'evaluate' }).unmasked()
    })

    test.for<[string, Partial<PartnerChange>, Identity?]>([
      ['signed by another lead', {}, generateIdentity()],
      ['for an earlier recovery', { restored: { site: siteName, epoch: 3 } }],
      ['about another site', { restored: { site: 'basel', epoch: 2 } }],
    ])('what is %s changes nothing', async ([, fields, by]) => {
      const { site, tell } = await recovered()
      tell(fields, by)
      await refused(site, {})
    })

    test('said before it is recovered, it counts once it is, whatever was changed since', async () => {
      const { site, own } = await restored()
      site.coordinator.say({ type: 'ledger-seen', ledger: own })
      const study = site.plan().plan.study
      const change = { format: 1, study, number: 1, sets, restored: { site: siteName, epoch: 2 } } as const
      const offer = { type: 'partner-change', signed: signPartnerChange(change, lead), words: [], heard: true } as const
      site.coordinator.say(offer)
      expect(site.events.at(-1)).toMatchObject({ type: 'trouble', code: 'partners-refused' })
      site.store.sessionLedger.recover('it')
      site.coordinator.say(offer)
      await secureRound(site, { run: 'heart-4', purpose: 'evaluate' }).unmasked()
    })

    test('for a peer it changes nothing, and is not counted', async () => {
      const site = open()
      await whole(secureRound(site, { purpose: 'evaluate' }), site)
      site.policy.secure = { ...site.policy.secure, partnerChangesMax: 0 }
      const change = { format: 1, study: site.plan().plan.study, number: 1, sets } as const
      const restoredPeer = { ...change, restored: { site: 'basel', epoch: 2 } }
      site.coordinator.say({
        type: 'partner-change',
        signed: signPartnerChange(restoredPeer, lead),
        words: [],
        heard: true,
      })
      expect(site.store.partnerChanges.list(change.study)).toMatchObject([{ agreed: { by: 'itself' } }])
      expect(site.coordinator.words).toEqual([])
      await whole(secureRound(site, { run: 'heart-2', purpose: 'evaluate' }), site)
    })
  })

  test('is not fooled: what it knows of is no news, and what it did not sign counts for nothing', async () => {
    const site = open()
    const round = secureRound(site)
    const { body, signature } = await round.advertised()
    const own = { site: siteName, planHash: round.hash, body, signature }
    site.coordinator.say({ type: 'ledger-seen', ledger: own })
    const further = { ...readAdvertisement(body), ledger: { epoch: 1, number: 99, head: otherHead } }
    const forged = advertisedBody(further)
    const asBasel = signMessage(
      peers.get('basel')!.identity,
      advertiseMessage(Buffer.from(round.hash, 'hex'), siteName, forged),
    )
    site.coordinator.say({ type: 'ledger-seen', ledger: { ...own, body: forged } })
    site.coordinator.say({ type: 'ledger-seen', ledger: { ...own, body: forged, signature: asBasel } })
    expect(site.events.filter(({ type }) => type === 'trouble')).toMatchObject([
      { code: 'signature-invalid' },
      { code: 'signature-invalid' },
    ])
    expect(site.store.sessionLedger.restore()).toBeUndefined()
    // Control: signed by itself it would count.
    const signed = signMessage(site.identity, advertiseMessage(Buffer.from(round.hash, 'hex'), siteName, forged))
    site.coordinator.say({ type: 'ledger-seen', ledger: { ...own, body: forged, signature: signed } })
    expect(site.store.sessionLedger.restore()).toMatchObject({ seen: { number: 99 } })
  })

  test('on another path than it took before, at a number it has', async () => {
    const site = open()
    await whole(secureRound(site), site)
    const copy = backUp(site)
    const lost = secureRound(site, { round: 2 })
    const { body, signature } = await lost.advertised()
    await restore(site, copy)
    const other = secureRound(site, { run: 'heart-2' })
    await other.advertised()
    expect(site.store.sessionLedger.position().number).toBe(2)
    site.coordinator.say({ type: 'ledger-seen', ledger: { site: siteName, planHash: lost.hash, body, signature } })
    expect(site.store.sessionLedger.restore()).toBeDefined()
  })
})

describe('the ledger', () => {
  test('is chained, numbered over all its epochs, and never changed', async () => {
    const site = open()
    const { sessionLedger } = site.store
    expect(sessionLedger.position()).toMatchObject({ epoch: 1, number: 0 })
    const round = secureRound(site)
    const before = sessionLedger.position().head
    await round.advertised()
    const at = { epoch: 1, number: 1 }
    expect(sessionLedger.position()).toEqual({
      ...at,
      head: nextLedgerHead(before, at, Buffer.from(round.hash, 'hex')),
    })
    const database = new DatabaseSync(join(site.state, 'agent.sqlite'))
    for (const change of ['UPDATE session_ledger SET epoch = 9', 'DELETE FROM session_ledger'])
      expect(() => database.exec(change)).toThrow(/append-only/)
    database.close()
  })

  test('begins no other epoch while nothing asks for it', () => {
    const { store } = open()
    expect(() => store.sessionLedger.recover('it')).toThrow(expect.objectContaining({ code: 'not-restored' }))
    expect(store.sessionLedger.position()).toMatchObject({ epoch: 1, number: 0 })
  })
})
