/** S2 (fedsum, A.4): what the directory of U1 must satisfy before a site shares its secrets among those in it. */
import { generateIdentity } from '@consilium/protos/identity.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import type { Advertised } from '@consilium/protos/secagg/messages.ts'
import {
  type Advertisement,
  advertisedBody,
  advertiseMessage,
  signMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Assignment } from '../../../site-agent/round/assignment.ts'
import { checkDirectory } from '../../../site-agent/round/share-keys.ts'
import { refusalAt } from '../../support/refusal.ts'
import { type SecureRoundOfSite, secureRound } from '../../support/secure-round.ts'
import { openSite, peers, type SiteFixture, siteName } from '../../support/site-fixture.ts'

let site: SiteFixture
let round: SecureRoundOfSite
let honest: readonly Advertised[]
let assignment: Assignment
beforeAll(async () => {
  site = openSite()
  round = secureRound(site)
  honest = round.directory(await round.advertised()).sites
  const { plan, hash: planHash } = round
  assignment = { planHash, plan, study: { hash: plan.study, manifest: site.study.manifest } }
})
afterAll(() => site.close())

const own = () => honest.find(({ index }) => index === round.index)!
const check = (sites: readonly Advertised[]) => checkDirectory(sites, own(), assignment, siteName)

/** The directory with one peer's entry changed. */
function changed(name: string, change: (entry: Advertised) => Advertised): Advertised[] {
  const index = round.plan.cohort.indexOf(name) + 1
  return honest.map((entry) => (entry.index === index ? change(entry) : entry))
}

/** As the peer itself would sign it: with a changed body, name or plan. */
function signedAnew(name: string, fields: Partial<Advertisement>, { plan = round.hash, as = name } = {}) {
  return (entry: Advertised): Advertised => {
    const body = advertisedBody({ ...readAdvertisement(entry.body), ...fields })
    const { identity } = peers.get(name)!
    return { ...entry, body, signature: signMessage(identity, advertiseMessage(Buffer.from(plan, 'hex'), as, body)) }
  }
}

test('the honest directory gives the session and a threshold that follows from it', () => {
  const { thresholds, advertised } = check(honest)
  expect(thresholds).toEqual({ sites: 5, colluders: 1, threshold: 4, survivorsMin: 4 })
  expect([...advertised.keys()]).toEqual([1, 2, 3, 4, 5])
})

test('one site fewer is another session, with no lower number of colluders', () => {
  const fewer = check(honest.filter(({ index }) => index !== 1))
  expect(fewer.thresholds).toMatchObject({ sites: 4, colluders: 1, survivorsMin: 4 })
  expect(Buffer.compare(fewer.sid, check(honest).sid)).not.toBe(0)
})

const stranger = generateIdentity()
const keyOf = (name: string) => readAdvertisement(honest[round.plan.cohort.indexOf(name)]!.body)

test.for<{ what: string; sites: () => readonly Advertised[]; says: RegExp }>([
  { what: 'an empty directory', sites: () => [], says: /empty/ },
  { what: 'a site twice', sites: () => [...honest, honest[4]!], says: /named twice/ },
  { what: 'sites out of order', sites: () => [...honest].reverse(), says: /out of order/ },
  {
    what: 'a site that is not in the cohort',
    sites: () => [...honest, { ...honest[0]!, index: 6 }],
    says: /site 6 is not in the cohort/,
  },
  {
    what: 'keys that a stranger signed',
    sites: () =>
      changed('hope', (entry) => ({
        ...entry,
        signature: signMessage(stranger, advertiseMessage(Buffer.from(round.hash, 'hex'), 'hope', entry.body)),
      })),
    says: /keys of hope are not signed with its identity/,
  },
  {
    what: 'keys swapped under an old signature',
    sites: () => changed('hope', (entry) => ({ ...entry, body: honest[0]!.body })),
    says: /keys of hope are not signed/,
  },
  {
    what: 'keys advertised for another plan',
    sites: () => changed('hope', signedAnew('hope', {}, { plan: 'c'.repeat(64) })),
    says: /not signed with its identity for this plan/,
  },
  {
    what: 'keys signed under the name of another site',
    sites: () => changed('hope', signedAnew('hope', {}, { as: 'basel' })),
    says: /keys of hope are not signed/,
  },
  {
    what: 'the keys of another site in its place',
    sites: () => changed('hope', signedAnew('hope', { index: 1 })),
    says: /keys of hope are those of site 1/,
  },
  {
    what: 'a site that was given another model',
    sites: () => changed('zurich', signedAnew('zurich', { modelHash: new Uint8Array(32) })),
    says: /zurich was given another global model/,
  },
  {
    what: 'a mask key of low order',
    sites: () => changed('hope', signedAnew('hope', { maskKey: new Uint8Array(32) })),
    says: /low order/,
  },
  {
    what: 'a channel key of low order',
    sites: () => changed('hope', signedAnew('hope', { channelKey: Uint8Array.of(1, ...new Uint8Array(31)) })),
    says: /low order/,
  },
  {
    what: 'a key that another site has too',
    sites: () => changed('hope', signedAnew('hope', { maskKey: keyOf('basel').maskKey })),
    says: /stands in the directory twice/,
  },
  {
    what: 'a body that ends early',
    sites: () => {
      const body = honest[1]!.body.slice(0, 100)
      const message = advertiseMessage(Buffer.from(round.hash, 'hex'), 'hope', body)
      return changed('hope', (entry) => ({
        ...entry,
        body,
        signature: signMessage(peers.get('hope')!.identity, message),
      }))
    },
    says: /cut short/,
  },
  {
    what: 'a directory without this site',
    sites: () => honest.filter(({ index }) => index !== round.index),
    says: /this site advertised are not in the directory/,
  },
  {
    what: 'other keys of this site, though it signed them',
    sites: () =>
      honest.map((entry) => {
        if (entry.index !== round.index) return entry
        const body = advertisedBody({ ...readAdvertisement(entry.body), nonce: new Uint8Array(16) })
        const message = advertiseMessage(Buffer.from(round.hash, 'hex'), siteName, body)
        return { ...entry, body, signature: signMessage(site.identity, message) }
      }),
    says: /this site advertised are not in the directory/,
  },
  { what: 'too few sites for the plan', sites: () => honest.slice(2), says: /needs/ },
])('$what is refused as directory-invalid', ({ sites, says }) => {
  expect(() => check(sites())).toThrow(
    expect.objectContaining({ code: 'directory-invalid', message: expect.stringMatching(says) }),
  )
})

describe('on the wire', () => {
  test('the same directory again gets the same shares; another one ends this site in the round', async () => {
    const fixture = openSite()
    try {
      const due = secureRound(fixture)
      const directory = due.directory(await due.advertised())
      fixture.coordinator.say(directory)
      const first = await due.sent('share-keys')
      fixture.coordinator.say(directory)
      expect(await due.sent('share-keys', 2)).toEqual(first)
      fixture.coordinator.say(due.directory(await due.sent('advertise'), ['hope', 'saint-anne', 'zurich']))
      const refusal = await refusalAt(fixture)
      expect(refusal).toMatchObject({ planHash: due.hash, code: 'directory-invalid', reason: /another directory/ })
      expect(fixture.coordinator.sent.filter((m) => m.type === 'share-keys')).toHaveLength(2)
    } finally {
      await fixture.close()
    }
  })

  test('shares go to nobody before the directory is checked', async () => {
    const fixture = openSite()
    try {
      const due = secureRound(fixture)
      const directory = due.directory(await due.advertised())
      fixture.coordinator.say({ ...directory, sites: [...directory.sites].reverse() })
      const refusal = await refusalAt(fixture)
      expect(refusal).toMatchObject({ planHash: due.hash, code: 'directory-invalid' })
      expect(fixture.coordinator.sent.some((m) => m.type === 'share-keys')).toBe(false)
      expect(fixture.store.records.refusals(1)).toMatchObject([{ code: 'directory-invalid' }])
    } finally {
      await fixture.close()
    }
  })
})
