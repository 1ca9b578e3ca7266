/**
 * Secure rounds on a coordinator in this process: what should happen: the model of federated averaging over whoever
 * survived, after any crash and any tolerated dropout. What should not: a sum with masks left in it, a sum longer than it
 * can be, a site blamed for another's shares.
 */
import { randomBytes } from 'node:crypto'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import type { ShareKeysMessage } from '@consilium/protos/secagg/messages.ts'
import { shareKeysMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { rosterHash, sessionId } from '@consilium/protos/secagg/transcript.ts'
import { describe, expect, test } from 'vitest'
import type { RunView } from '../../coordinator/services.ts'
import { collect } from '../support/collect.ts'
import {
  type CoordinatorFixture,
  coordinatorFixture,
  hasEnded,
  makeStudy,
  sealed,
  siteNames,
} from '../support/coordinator-fixture.ts'
import { contributionOf, type FakeSite } from '../support/fake-site.ts'
import type { SecureSite } from '../support/secure-sites.ts'

const oneRound = { standardisation: 'none', rounds: 1 } as const

/** The parameters after one round of federated averaging over these sites, naively and in double precision. */
function naiveParameters(numbers: readonly number[]): number[] {
  const { manifest, objects } = makeStudy()
  const contributions = numbers.map((number) =>
    contributionOf(number, { purpose: 'train', round: 1 } as RoundPlan, manifest),
  )
  const total = contributions.reduce((sum, { header }) => sum + header.examples, 0)
  return [...new Float32Array(objects[1]!.slice().buffer)].map(
    (value, i) =>
      value + contributions.reduce((sum, { header, vector }) => sum + (header.examples / total) * vector[i]!, 0),
  )
}

async function parametersOf({ objects }: CoordinatorFixture, view: RunView): Promise<Float32Array> {
  return new Float32Array(new Uint8Array(await objects.get(view.parametersSha256!)).buffer)
}

async function typesOf({ eventLog }: CoordinatorFixture, run: string): Promise<string[]> {
  return (await collect(eventLog.read(`run/${run}`))).map(({ type }) => type)
}

describe('killed at an append of a secure round, the coordinator ends it with the same parameters', () => {
  /** The first append is the federation's; then come the run's start, the round's 32 events, and the next round. */
  const appends = Array.from({ length: 34 }, (_, i) => i + 2)

  test.for(appends)('append %i', async (append) => {
    const fixture = await coordinatorFixture()
    const sites = await fixture.sites()
    const { hash } = await fixture.createStudy(oneRound)
    await fixture.studyWhere(hash, ({ decisions }) => decisions.length === sites.length)
    const killed = fixture.killAfter(append)
    await fixture.admin.startRun(hash).catch(() => undefined)
    await killed
    await fixture.restart()
    for (const site of sites) site.attend()
    const view = await fixture.runWhere('heart-disease-1', ({ rounds }) => rounds[0]?.parametersSha256 !== undefined)
    await fixture.killAfter(0)
    const naive = naiveParameters([0, 1, 2, 3])
    // The very bits: four sites of these weights add up without rounding.
    expect([...(await parametersOf(fixture, view))]).toEqual(naive.map(Math.fround))
    const types = await typesOf(fixture, view.run)
    expect(types.filter((type) => type === 'run-resumed')).toHaveLength(1)
    expect(types.slice(0, types.indexOf('round-committed')).filter((type) => type === 'survivors-fixed')).toHaveLength(
      1,
    )
    for (const { worked } of sites) expect(new Set(worked).size).toBe(worked.length)
  })
})

describe('a site that is lost', () => {
  test('before it advertised is no part of the session', async () => {
    const { fixture, sites, run } = await started(({ ignores }) => ignores.add('advertise-keys'))
    await sites[3]!.until(({ heard }) => heard.find(({ type }) => type === 'advertise-keys'))
    sites[3]!.leave()
    await roundAfter(fixture, run, 10_000, { phase: 'advertise-keys', reason: 'absent' })
  })

  test('after its work, while another still works, is in the session when it is back in time', async () => {
    const fixture = await coordinatorFixture()
    const sites = await fixture.sites()
    const [basel, zurich] = [sites[0]!, sites[3]!]
    const inState = (wanted: string) =>
      fixture.runWhere(run, ({ current }) => current?.sites.filter(({ state }) => state === wanted).length === 3)
    basel.works = false
    const { run } = await fixture.startRun(oneRound)
    await inState('done')
    zurich.leave()
    await fixture.pass(400_000)
    basel.works = true
    basel.leave()
    basel.attend()
    await inState('advertised')
    // Long after what a site may be away for otherwise, and after what the phase waits for one that is there.
    await fixture.pass(190_000)
    expect((await fixture.admin.showRun(run)).current).toMatchObject({ phase: 'advertise-keys' })
    zurich.attend()
    const view = await fixture.runWhere(run, ({ rounds }) => rounds[0]?.parametersSha256 !== undefined)
    expect(view.rounds[0]).toMatchObject({ survivors: sites.map(({ name }) => name), dropouts: [] })
  }, 30_000)

  test('before it shared its keys is masked with by nobody', async () => {
    const { fixture, sites, run } = await started(({ ignores }) => ignores.add('directory'))
    await sites[3]!.until(({ heard }) => heard.find(({ type }) => type === 'directory'))
    sites[3]!.leave()
    await roundAfter(fixture, run, 10_000, { phase: 'share-keys', reason: 'absent' })
  })

  test('before its upload is unmasked by the survivors, and its late upload is refused', async () => {
    const { fixture, sites, run } = await started((site) => {
      site.uploads = false
    })
    const asked = await sites[3]!.until(({ heard }) => heard.find((message) => message.type === 'shares'))
    sites[3]!.leave()
    await roundAfter(fixture, run, 10_000, { phase: 'collect-updates', reason: 'absent' })
    await expect(sites[3]!.upload(asked.planHash)).rejects.toMatchObject({ code: 'stale-round' })
  })

  test('after its upload stays in the sum', async () => {
    const { fixture, sites, run } = await started(({ ignores }) => ignores.add('survivors'))
    await sites[3]!.until(({ heard }) => heard.find(({ type }) => type === 'survivors'))
    sites[3]!.leave()
    const view = await fixture.runWhere(run, ({ rounds }) => rounds[0]?.parametersSha256 !== undefined)
    expect(view.rounds[0]!.survivors).toHaveLength(4)
    expect([...(await parametersOf(fixture, view))]).toEqual(naiveParameters([0, 1, 2, 3]).map(Math.fround))
  })

  test('while it unmasks leaves the round open until enough are back, also of a coordinator that was killed', async () => {
    const { fixture, sites, run } = await started(() => {})
    for (const site of sites) site.ignores.add('quorum')
    for (const site of sites) await site.until(({ heard }) => heard.find(({ type }) => type === 'quorum'))
    for (const site of sites.slice(1)) site.leave()
    await fixture.pass(86_400_000)
    expect((await fixture.admin.showRun(run)).current).toMatchObject({ phase: 'unmask' })
    await fixture.restart()
    for (const site of sites) {
      site.ignores.clear()
      site.attend()
    }
    const view = await fixture.runWhere(run, hasEnded)
    expect(view.state).toBe('finished')
    expect([...(await parametersOf(fixture, view))]).toEqual(naiveParameters([0, 1, 2, 3]).map(Math.fround))
  })

  /** A run in which the last site is prepared before its first round. */
  async function started(prepare: (zurich: FakeSite) => void) {
    const fixture = await coordinatorFixture()
    const sites = await fixture.sites()
    prepare(sites[3]!)
    const { run } = await fixture.startRun(oneRound)
    return { fixture, sites, run }
  }

  async function roundAfter(
    fixture: CoordinatorFixture,
    run: string,
    ms: number,
    dropout: { phase: string; reason: string },
  ) {
    await fixture.pass(ms)
    const view = await fixture.runWhere(run, ({ rounds }) => rounds[0]?.parametersSha256 !== undefined)
    const { phase, reason } = dropout
    expect(view.rounds[0]).toMatchObject({
      survivors: ['basel', 'cleveland', 'hungary'],
      dropouts: [{ site: 'zurich', phase, reason: expect.stringContaining(reason) }],
    })
    const naive = naiveParameters([0, 1, 2])
    const parameters = await parametersOf(fixture, view)
    parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(naive[i]!, 6)
    })
  }
})

describe('a site that does what no agent does', () => {
  test('reveals a wrong share: it is out, and the others are enough', async () => {
    const { fixture, sites, run } = await withOdd((honest) => ({
      ...honest,
      unmask(planHash) {
        const message = honest.unmask(planHash)
        const [first, ...others] = message.revealed
        return { ...message, revealed: [{ ...first!, share: randomBytes(32) }, ...others] }
      },
    }))
    // So that the others' releases are not enough before this one is looked at.
    sites[0]!.ignores.add('quorum')
    await sites[3]!.until(({ heard }) => heard.find(({ type }) => type === 'round-over'))
    sites[0]!.ignores.clear()
    sites[0]!.attend()
    const view = await fixture.runWhere(run, ({ rounds }) => rounds[0]?.parametersSha256 !== undefined)
    expect(view.rounds[0]).toMatchObject({
      survivors: ['basel', 'cleveland', 'hungary', 'zurich'],
      dropouts: [{ site: 'zurich', phase: 'unmask', reason: expect.stringContaining('basel committed to') }],
    })
    expect([...(await parametersOf(fixture, view))]).toEqual(naiveParameters([0, 1, 2, 3]).map(Math.fround))
  })

  test('commits to another self-mask seed than it shares: the round fails and names it', async () => {
    const { fixture, run } = await withOdd((honest, zurich) => {
      let plan: RoundPlan
      return {
        ...honest,
        advertise(of) {
          plan = of
          return honest.advertise(of)
        },
        shareKeys: (directory) => {
          const roster = plan.cohort.map((name, i) => ({
            index: i + 1,
            name,
            publicKey: Buffer.from(plan.secure!.roster[i]!, 'base64'),
          }))
          const sid = sessionId(Buffer.from(directory.planHash, 'hex'), rosterHash(roster), directory.sites)
          return otherSelfCommitment(zurich, sid, honest.shareKeys(directory))
        },
      }
    })
    const view = await fixture.runWhere(run, hasEnded)
    expect(view).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('zurich dealt shares of another secret'),
    })
    const failed = (await collect(fixture.eventLog.read(`run/${run}`))).find(({ type }) => type === 'round-failed')
    expect(failed!.body.code).toBe('shares-invalid')
  })

  test.for([
    {
      what: 'counts itself twice',
      spoil: ([header]: readonly Int32Array[]) => header!.set([2]),
      says: 'masks are left',
    },
    {
      what: 'sends an update beyond its norm',
      spoil: ([, update]: readonly Int32Array[]) => update!.fill(2 ** 30),
      says: 'as long as it can be',
    },
  ])('$what: the round fails and no model comes of it', async ({ spoil, says }) => {
    const { fixture, run } = await withOdd((honest) => ({
      ...honest,
      mask(shares, words) {
        spoil(words)
        return honest.mask(shares, words)
      },
    }))
    const view = await fixture.runWhere(run, hasEnded)
    expect(view).toMatchObject({ state: 'failed', reason: expect.stringContaining(says) })
    const [study] = await fixture.admin.listStudies()
    expect(view.parametersSha256).toBe(readSignedStudy(study!.signedStudy).manifest.initialParameters.sha256)
  })

  const nothing = ([header, update]: readonly Int32Array[]) => [
    header!.map((word, i) => (i < 4 ? word : 0)),
    update!.map(() => 0),
  ]

  test('a site that has nothing to give is counted, not named, and changes no weight of the others', async () => {
    const { fixture, run } = await withOdd((honest) => ({
      ...honest,
      mask: (shares, words) => honest.mask(shares, nothing(words)),
    }))
    const view = await fixture.runWhere(run, hasEnded)
    expect(view).toMatchObject({ state: 'finished', rounds: [{ contributors: 3, survivors: siteNames }] })
    expect([...(await parametersOf(fixture, view))]).toEqual(naiveParameters([0, 1, 2]).map(Math.fround))
  })

  test('a sum to which too few contribute makes no model and ends the run', async () => {
    const fixture = await coordinatorFixture()
    for (const site of (await fixture.sites()).slice(2)) {
      const honest = site.secure
      site.secure = { ...honest, mask: (shares, words) => honest.mask(shares, nothing(words)) }
    }
    const { run } = await fixture.startRun(oneRound)
    const view = await fixture.runWhere(run, hasEnded)
    expect(view).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/2 of 4 sites contributed.* 3 have to/),
    })
    const [study] = await fixture.admin.listStudies()
    expect(view.parametersSha256).toBe(readSignedStudy(study!.signedStudy).manifest.initialParameters.sha256)
  })

  /** A run whose last site is another than it seems. */
  async function withOdd(odd: (honest: SecureSite, zurich: FakeSite) => SecureSite) {
    const fixture = await coordinatorFixture()
    const sites = await fixture.sites()
    sites[3]!.secure = odd(sites[3]!.secure, sites[3]!)
    const { run } = await fixture.startRun(oneRound)
    return { fixture, sites, run }
  }

  function otherSelfCommitment(site: FakeSite, sid: Uint8Array, message: ShareKeysMessage): ShareKeysMessage {
    const selfCommitment = randomBytes(32)
    const other = { ...message, selfCommitment }
    const signature = signMessage(site.identity, shareKeysMessage(sid, site.number + 1, other, message.rows))
    return { ...other, signature }
  }
})

test('a secure round agrees with a sealed one within one level a survivor and coordinate', async () => {
  const updateNormMax = 7
  const weightMax = 100
  const secure = { aggregation: { mode: 'secure', weights: 'exact', weightMax }, updateNormMax } as const
  const [masked, open] = await Promise.all(
    [secure, { ...sealed, updateNormMax }].map(async (study) => {
      const fixture = await coordinatorFixture()
      for (const site of await fixture.sites())
        site.contribution = (plan, manifest) => {
          const contribution = contributionOf(site.number, plan, manifest)
          return { ...contribution, vector: contribution.vector.map((value) => value / Math.E) }
        }
      const { run } = await fixture.startRun({ ...oneRound, ...study })
      return parametersOf(
        fixture,
        await fixture.runWhere(run, ({ rounds }) => rounds[0]?.parametersSha256 !== undefined),
      )
    }),
  )
  // A.5: |error| <= survivors * 1 level / S * Wmax / sum of weights, and both are rounded to float32 once.
  const scale = Math.floor((2 ** 31 - 1) / 4) / updateNormMax
  const bound = ((4 / scale) * weightMax) / (10 + 20 + 30 + 40)
  masked!.forEach((value, i) => {
    expect(Math.abs(value - open![i]!)).toBeLessThanOrEqual(bound + 2 ** -23 * Math.abs(value))
  })
  expect(masked).not.toEqual(open)
})
