/** S1 and S7 (fedsum, A.4): what the plan of a secure round must satisfy before a site works for it. */
import { generateIdentity } from '@consilium/protos/identity.ts'
import { signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { recruit } from '../../../site-agent/round/recruit.ts'
import { fiveSites, secureRound } from '../../support/secure-round.ts'
import {
  cohort,
  coordinator,
  openSite,
  type PlanFields,
  peers,
  type SiteFixture,
  sealed,
  siteName,
} from '../../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (...options: Parameters<typeof openSite>) => {
  opened = openSite(...options)
  return opened
}
afterEach(() => opened?.close())

const secureStudy = (fields: object) => ({ study: { aggregation: { mode: 'secure', ...fields } as const } })
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const strangeKey = generateIdentity().publicKey

const limits = {
  partners: 'evaluations',
  trainExposuresMax: 25,
  evaluateExposuresMax: 3,
  partnerChangesMax: 2,
} as const

test('a study approved as secure is not worked for without masks, nor a sealed one with them', () => {
  const site = open()
  const { secure, ...plain } = site.plan().plan
  const bare = signRoundPlan(plain, coordinator)
  expect(() => recruit(bare, site.site)).toThrow(expect.objectContaining({ code: 'message-invalid' }))
  void site.close()
  const other = open({ study: sealed })
  const masked = signRoundPlan({ ...other.plan().plan, secure: secure! }, coordinator)
  expect(() => recruit(masked, other.site)).toThrow(/adds its updates sealed/)
})

test.for<{ what: string; fields: (site: SiteFixture) => PlanFields; code: string; says: RegExp }>([
  {
    what: 'with a key to seal updates to beside the masks',
    fields: () => ({ runPublicKey: base64(strangeKey) }),
    code: 'message-invalid',
    says: /adds its updates under masks/,
  },
  {
    what: 'whose cohort is out of order',
    fields: () => ({ cohort: [...cohort].reverse() }),
    code: 'message-invalid',
    says: /order of the names/,
  },
  {
    what: 'with more identities than sites',
    fields: () => ({ secure: { roster: Array.from({ length: 4 }, () => base64(strangeKey)) } }),
    code: 'message-invalid',
    says: /3 sites and 4 identities/,
  },
  {
    what: 'with another key for a peer than the pinned one',
    fields: ({ identity }) => ({
      secure: { roster: [strangeKey, identity.publicKey, peers.get('saint-anne')!.identity.publicKey].map(base64) },
    }),
    code: 'roster-mismatch',
    says: /identity of hope, this site has pinned SHA256:.*site-agent roster approve hope SHA256:/,
  },
  {
    what: 'with another key for this very site',
    fields: () => ({
      secure: { roster: ['hope', 'zurich', 'saint-anne'].map((name) => base64(peers.get(name)!.identity.publicKey)) },
    }),
    code: 'roster-mismatch',
    says: /another identity for this site/,
  },
  {
    what: 'with a site that nobody here approved',
    fields: () => ({ cohort: ['hope', siteName, 'sybil'] }),
    code: 'roster-mismatch',
    says: /identity of sybil, SHA256:.*not approved here.*site-agent roster approve sybil SHA256:/,
  },
  {
    what: 'that lets too few sites make a sum',
    fields: () => ({ cohort: fiveSites, secure: { survivorsMin: 3 } }),
    code: 'thresholds-refused',
    says: /adds 3 sites at least.*ask for 4/,
  },
  {
    what: 'that allows for too few colluding sites',
    fields: () => ({ cohort: fiveSites, secure: { colluders: 0 } }),
    code: 'thresholds-refused',
    says: /0 colluding sites.*ask for 1/,
  },
  {
    what: 'whose thresholds its cohort cannot meet',
    fields: () => ({ secure: { survivorsMin: 4 } }),
    code: 'thresholds-refused',
    says: /needs 4/,
  },
  {
    what: 'with a vector that the purpose does not have',
    fields: ({ study }) => ({
      secure: {
        vectors: [
          { name: 'hdr', words: 16 },
          { name: 'update', words: 3 },
          { name: 'statistics', words: 8 * study.manifest.study.features.length },
        ],
      },
    }),
    code: 'message-invalid',
    says: /takes hdr of 16 words and update of 3 words/,
  },
  {
    what: 'with a vector of another length',
    fields: () => ({
      secure: {
        vectors: [
          { name: 'hdr', words: 16 },
          { name: 'update', words: 2 },
        ],
      },
    }),
    code: 'message-invalid',
    says: /takes hdr of 16 words and update of 3 words/,
  },
])('a plan $what is refused as $code', ({ fields, code, says }) => {
  const site = open()
  expect(() => recruit(site.plan(fields(site)).signed, site.site)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(says) }),
  )
})

test('a plan that this study and roster allow is taken up', () => {
  const site = open()
  expect(recruit(site.plan({ cohort: fiveSites }).signed, site.site).plan.secure?.survivorsMin).toBe(4)
  expect(recruit(site.plan({ cohort: fiveSites, secure: { survivorsMin: 5 } }).signed, site.site).plan.round).toBe(1)
})

test('a study may name thresholds of its own, and a plan may be stricter', () => {
  const site = open(secureStudy({ colluders: 0, survivorsMin: 3 }))
  const plan = (secure: PlanFields['secure']) => site.plan({ cohort: fiveSites, ...(secure && { secure }) }).signed
  expect(recruit(plan({ colluders: 0, survivorsMin: 3 }), site.site).plan.secure).toMatchObject({ survivorsMin: 3 })
  expect(recruit(plan({ colluders: 1, survivorsMin: 4 }), site.site).plan.secure).toMatchObject({ survivorsMin: 4 })
})

test('a site asks for more than the study by its policy', () => {
  const site = open()
  const { signed } = site.plan({ cohort: fiveSites })
  site.policy.secure = { ...limits, survivorsMin: 5 }
  expect(() => recruit(signed, site.site)).toThrow(expect.objectContaining({ code: 'thresholds-refused' }))
  site.policy.secure = { ...limits, colluders: 2 }
  expect(() => recruit(signed, site.site)).toThrow(expect.objectContaining({ code: 'thresholds-refused' }))
  site.policy.secure = { ...limits }
  expect(recruit(signed, site.site).plan.cohort).toEqual(fiveSites)
})

describe('S7', () => {
  test('another plan for a round that this site has masked an update to is refused as already-uploaded', async () => {
    const site = open()
    await secureRound(site).uploaded()
    const other = site.plan({ cohort })
    expect(() => recruit(other.signed, site.site)).toThrow(expect.objectContaining({ code: 'already-uploaded' }))
  })

  test('a round that is over is not worked again, nor one before the newest', async () => {
    const site = open()
    const round = secureRound(site)
    await round.work()
    site.coordinator.say({ type: 'round-over', planHash: round.hash, outcome: 'failed', reason: 'too few' })
    expect(() => recruit(round.signed, site.site)).toThrow(expect.objectContaining({ code: 'stale-round' }))
    await secureRound(site, { round: 3 }).work()
    expect(() => recruit(site.plan({ round: 2 }).signed, site.site)).toThrow(
      expect.objectContaining({ code: 'stale-round' }),
    )
  })
})
