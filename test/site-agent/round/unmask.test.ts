/** S6 (fedsum, A.4): what the quorum must satisfy before a site reveals shares, one of each sharer, once. */
import type { Confirmation } from '@consilium/protos/secagg/messages.ts'
import { confirmMessage, signMessage, unmaskMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { secureCohort } from '../../../site-agent/round/session.ts'
import { checkQuorum } from '../../../site-agent/round/unmask.ts'
import { refusalAt } from '../../support/refusal.ts'
import { fiveSites, secureRound } from '../../support/secure-round.ts'
import { openSite, peers, type SiteFixture, siteName } from '../../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (...options: Parameters<typeof openSite>) => {
  opened = openSite(...options)
  return opened
}
afterEach(() => opened?.close())

const refusal = (site: SiteFixture) => refusalAt(site)

describe('a quorum', () => {
  const confirmed = {
    u3Hash: new Uint8Array(32).fill(3),
    logRoot: new Uint8Array(32).fill(4),
    survivors: [1, 2, 3, 4, 5],
    threshold: 4,
  }
  const confirmation = (index: number, { u3Hash, logRoot } = confirmed): Confirmation => {
    const { identity } = peers.get(fiveSites[index - 1]!)!
    return { index, signature: signMessage(identity, confirmMessage(u3Hash, logRoot)) }
  }
  const four = () => [1, 2, 4, 5].map((index) => confirmation(index))
  const check = (confirmations: readonly Confirmation[], survivors = confirmed.survivors) => {
    const site = open()
    const { plan } = site.plan({ cohort: fiveSites })
    checkQuorum(confirmations, { ...confirmed, survivors }, secureCohort({ plan }, siteName))
  }

  test('of a threshold of survivors suffices, with this site or without it', () => {
    expect(() => check(four())).not.toThrow()
  })

  test.for<{ what: string; confirmations: () => readonly Confirmation[]; says: RegExp }>([
    { what: 'that is empty', confirmations: () => [], says: /empty/ },
    { what: 'of too few', confirmations: () => four().slice(1), says: /3 sites confirmed the survivors, 4 are needed/ },
    {
      what: 'that counts a site twice',
      confirmations: () => [...four().slice(0, 3), confirmation(4)],
      says: /named twice/,
    },
    { what: 'out of order', confirmations: () => four().reverse(), says: /out of order/ },
    {
      what: 'over other survivors',
      confirmations: () => [...four().slice(0, 3), confirmation(5, { ...confirmed, u3Hash: new Uint8Array(32) })],
      says: /zurich did not confirm the survivors/,
    },
    {
      what: 'over another log',
      confirmations: () => [...four().slice(0, 3), confirmation(5, { ...confirmed, logRoot: new Uint8Array(32) })],
      says: /zurich did not confirm the survivors/,
    },
    {
      what: 'with the signature of another',
      confirmations: () => [...four().slice(0, 3), { ...confirmation(4), index: 5 }],
      says: /zurich did not confirm/,
    },
    {
      what: 'with a site that is not in the cohort',
      confirmations: () => [...four(), { ...confirmation(5), index: 6 }],
      says: /site 6 .* is no survivor/,
    },
  ])('$what is refused as quorum-invalid', ({ confirmations, says }) => {
    expect(() => check(confirmations())).toThrow(
      expect.objectContaining({ code: 'quorum-invalid', message: expect.stringMatching(says) }),
    )
  })

  test('with a site that dropped out is refused', () => {
    expect(() => check(four(), [1, 2, 3, 4])).toThrow(expect.objectContaining({ code: 'quorum-invalid' }))
  })
})

describe('on the wire', () => {
  test('a share of the self-mask seed of every survivor and of the mask key of every dropout, and no other', async () => {
    const lenient = { colluders: 0, survivorsMin: 3 }
    const site = open({ study: { aggregation: { mode: 'secure', ...lenient } } })
    const round = secureRound(site, { secure: lenient })
    const survivors = round.others.filter((name) => name !== 'zurich')
    const { revealed, signature } = await round.unmasked(survivors)
    expect(revealed.map(({ index, kind }) => `${index}${kind}`)).toEqual(['1b', '2b', '3b', '4b', '5s'])
    const { sid, u3Hash } = site.store.sessions.find(round.hash)!
    const message = unmaskMessage(Buffer.from(sid, 'hex'), Buffer.from(u3Hash, 'hex'), round.index, revealed)
    expect(verifyMessage(site.identity.publicKey, signature, message)).toBe(true)
  })

  test('the release is on the disk before a share leaves, and asked again the very same shares do', async () => {
    const site = open()
    const round = secureRound(site)
    const states: (string | undefined)[] = []
    const { send } = site.coordinator.link
    Object.assign(site.coordinator.link, {
      send: (...[message, study]: Parameters<typeof send>) => {
        if (message.type === 'unmask') states.push(site.store.sessions.find(round.hash)?.state)
        send(message, study)
      },
    })
    const first = await round.unmasked()
    site.coordinator.say(round.quorum(await round.survivors(), await round.sent('confirm')))
    expect(await round.sent('unmask', 2)).toEqual(first)
    expect(states).toEqual(['released', 'released'])
  })

  test('shares of survivors that this site never confirmed are not revealed', async () => {
    const site = open()
    const round = secureRound(site)
    await round.uploaded()
    const survivors = await round.survivors()
    site.coordinator.say(
      round.quorum(survivors, { type: 'confirm', planHash: round.hash, signature: new Uint8Array(64) }),
    )
    expect(await refusal(site)).toMatchObject({ code: 'quorum-invalid', reason: /confirmed no survivors/ })
    expect(site.coordinator.sent.some((m) => m.type === 'unmask')).toBe(false)
  })

  test('too few confirmations reveal nothing', async () => {
    const site = open()
    const round = secureRound(site)
    const own = await round.confirmed()
    const quorum = round.quorum(await round.survivors(), own)
    site.coordinator.say({ ...quorum, confirmations: quorum.confirmations.slice(0, 3) })
    expect(await refusal(site)).toMatchObject({ planHash: round.hash, code: 'quorum-invalid' })
    expect(site.coordinator.sent.some((m) => m.type === 'unmask')).toBe(false)
  })
})
