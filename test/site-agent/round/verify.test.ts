/** A site goes on only from what it computed itself from a sum that it checked, or what enough pinned peers signed. */
import { sha256Hex } from '@consilium/protos/hash.ts'
import { generateIdentity } from '@consilium/protos/identity.ts'
import type { VerifySum } from '@consilium/protos/secagg/messages.ts'
import { signMessage, verdictMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { addHeader, areTagsRight, sumTagger, withTags } from '@consilium/protos/secagg/sum-tags.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { findSession } from '../../../site-agent/round/session.ts'
import { refusalAt } from '../../support/refusal.ts'
import { type SecureRoundOfSite, secureRound } from '../../support/secure-round.ts'
import { openSite, type PlanFields, provenBy, type SiteFixture } from '../../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = () => {
  opened = openSite()
  return opened
}
afterEach(() => opened?.close())

/** A round that this site has helped to unmask, and the request to verify its sum. */
async function summed(site: SiteFixture, fields: PlanFields = {}) {
  const round = secureRound(site, fields)
  await round.unmasked()
  return { round, due: await round.verifySum() }
}

const statistics = { purpose: 'statistics', round: 0 } as const
const rounds: readonly (readonly [string, PlanFields])[] = [
  ['training', {}],
  ['statistics', statistics],
]

function isSigned(
  site: SiteFixture,
  { plan }: SecureRoundOfSite,
  type: 'verified' | 'sum-not-verified',
  due: VerifySum,
) {
  const { run, purpose } = plan
  const answer = site.coordinator.sent.findLast((message) => message.type === type)
  if (answer?.type !== type) throw new Error(`the site said no ${type}`)
  const signed = verdictMessage(type, { run, purpose, planHash: due.planHash, sums: due.sums, made: due.made })
  return verifyMessage(site.identity.publicKey, answer.signature, signed)
}

describe.for(rounds)('%s', ([, fields]) => {
  test('a sum that is right is verified, once and for all, and what its tags hang on is erased', async () => {
    const site = open()
    const { round, due } = await summed(site, fields)
    expect(findSession(round.hash, site.site)!.state.group).toBeDefined()
    site.coordinator.say(due)
    await round.sent('verified')
    expect(isSigned(site, round, 'verified', due)).toBe(true)
    expect(findSession(round.hash, site.site)!.state.group).toBeUndefined()
    expect(site.store.results.find(round.hash)).toMatchObject({ sums: due.sums, made: due.made, how: 'verified' })

    site.restart()
    site.coordinator.say(due)
    expect(await round.sent('verified', 2)).toEqual(await round.sent('verified'))
    // Of one round there is one result.
    site.coordinator.say({ ...due, made: '12'.repeat(32) })
    await round.sent('sum-not-verified')
  })

  test('kill -9 before the sum is checked: it is checked then', async () => {
    const site = open()
    const { round, due } = await summed(site, fields)
    site.restart()
    site.coordinator.say(due)
    await round.sent('verified')
  })

  const forgeries: readonly (readonly [string, (words: Int32Array) => void])[] = [
    ['the weight', (words) => (words[4]! ^= 1)],
    ['the clipped updates', (words) => (words[5]! ^= 1)],
    ['the loss', (words) => (words[8]! ^= 1)],
    ['the contributors', (words) => (words[11]! -= 1)],
    ['a tag', (words) => (words[14]! ^= 1)],
    ['the first word of the content', (words) => (words[16]! ^= 1)],
    ['the last word of the content', (words) => (words[words.length - 1]! ^= 1 << 20)],
  ]
  test.for(forgeries)('one bit of %s changed is refused, and said so under the site’s name', async ([what, forge]) => {
    const site = open()
    const { round, due } = await summed(site, fields)
    const words = new Int32Array(Uint8Array.from(due.words).buffer)
    forge(words)
    const bytes = new Uint8Array(words.buffer)
    const forged = { ...due, words: bytes, sums: sha256Hex(bytes) }
    site.coordinator.say(forged)
    await round.sent('sum-not-verified')
    expect(isSigned(site, round, 'sum-not-verified', forged)).toBe(true)
    if (what.endsWith('the content')) expect(site.store.records.refusals(1)[0]!.reason).toMatch(/its tags/)
    expect(site.store.results.find(round.hash)).toBeUndefined()
    expect(site.events.findLast(({ type }) => type === 'refused')).toMatchObject({ code: 'sum-not-verified' })
    // The right one is accepted all the same: somebody may have damaged it on the way.
    site.coordinator.say(due)
    await round.sent('verified')
  })

  test('a right sum of which something else is said to be made is refused', async () => {
    const site = open()
    const { round, due } = await summed(site, fields)
    site.coordinator.say({ ...due, made: sha256Hex(Buffer.from('another')) })
    await round.sent('sum-not-verified')
  })

  test('a sum that is not the one named, or of another length, is refused', async () => {
    const site = open()
    const { round, due } = await summed(site, fields)
    site.coordinator.say({ ...due, sums: 'ab'.repeat(32) })
    await round.sent('sum-not-verified')
    const short = due.words.subarray(4)
    site.coordinator.say({ ...due, words: short, sums: sha256Hex(short) })
    await round.sent('sum-not-verified', 2)
  })
})

describe('a sum is made again from the uploads', () => {
  /** As somebody forges it who has the group secret: its tags are right. */
  async function forgedWithSecret(site: SiteFixture) {
    const { round, due } = await summed(site)
    const words = new Int32Array(Uint8Array.from(due.words).buffer)
    words[16]! += 4096
    const { group } = findSession(round.hash, site.site)!.state
    const tagger = sumTagger(group!, round.sid())
    addHeader(tagger, words.subarray(0, 16))
    tagger.add(words.subarray(16), 'centred')
    words.set(withTags(words.subarray(0, 16), tagger.tags()))
    expect(areTagsRight(words.subarray(0, 16), tagger.tags())).toBe(true)
    const bytes = new Uint8Array(words.buffer)
    return { round, due, forged: { ...due, words: bytes, sums: sha256Hex(bytes) } }
  }
  const reason = (site: SiteFixture) => site.store.records.refusals(1)[0]!.reason

  test('so one that was forged with the group secret, and has the right tags, is refused', async () => {
    const site = open()
    const { round, due, forged } = await forgedWithSecret(site)
    site.coordinator.say(forged)
    await round.sent('sum-not-verified')
    expect(reason(site)).toMatch(/add up to another sum than the coordinator committed/)
    site.coordinator.say(due)
    await round.sent('verified')
  })

  test('so one that comes without them is refused', async () => {
    const site = open()
    const { round, forged } = await forgedWithSecret(site)
    const { replay: _, ...kept } = forged
    site.coordinator.say(kept)
    await round.sent('sum-not-verified')
    expect(reason(site)).toMatch(/came without the uploads/)
  })

  test('another upload, seed or key than a site signed, had or advertised is refused by its site', async () => {
    const site = open()
    const round = secureRound(site)
    // Zurich shared its keys and dropped out.
    const names = round.others.slice(0, -1)
    await round.unmasked(names, round.others)
    const due = await round.verifySum(names, round.others)
    const { replay } = due
    expect(replay!.maskSecretKeys).toHaveLength(1)
    const flip = (list: readonly Uint8Array[], i: number) =>
      list.with(
        i,
        Uint8Array.from(list[i]!, (byte) => byte ^ 1),
      )
    const lies = [
      [{ uploads: flip(replay!.uploads, 1) }, /the upload of site 2 is not the one that it signed/],
      [{ selfSeeds: flip(replay!.selfSeeds, 0) }, /add up to another sum/],
      [{ maskSecretKeys: flip(replay!.maskSecretKeys, 0) }, /the mask key of site 5 is not the one that it advertised/],
    ] as const
    for (const [i, [changed, why]] of lies.entries()) {
      site.coordinator.say({ ...due, replay: { ...replay!, ...changed } })
      await round.sent('sum-not-verified', i + 1)
      expect(reason(site)).toMatch(why)
    }
    site.coordinator.say(due)
    await round.sent('verified')
  })
})

test('a sum too long for the message is fetched, and the model that it makes is not', async () => {
  const site = open()
  const { round, due } = await summed(site)
  const { words, ...named } = due
  site.coordinator.addObject(words)
  site.coordinator.say(named)
  await round.sent('verified')
  expect(site.coordinator.fetched).toContain(due.sums)
  site.coordinator.say({ type: 'round-over', planHash: round.hash, outcome: 'committed', reason: '' })
  expect(site.store.objects.read(due.sums)).toBeUndefined()
  expect(site.store.objects.read(due.made)).toBeDefined()
})

test('an evaluation makes nothing that is verified', async () => {
  const site = open()
  const { due } = await summed(site, { purpose: 'evaluate' })
  site.coordinator.say(due)
  expect(await refusalAt(site)).toMatchObject({ code: 'message-invalid' })
})

test('a sum with too few contributors makes no model here, whatever the coordinator says', async () => {
  const site = open()
  site.trainer.crashes = 2
  const round = secureRound(site, { cohort: ['basel', 'hope', 'mercy'], secure: { survivorsMin: 3, colluders: 0 } })
  await round.unmasked()
  site.coordinator.say(await round.verifySum())
  await round.sent('sum-not-verified')
  expect(site.store.records.refusals(1)[0]!.reason).toMatch(/2 of 3 sites contributed/)
  expect(site.store.standOuts.list()).toMatchObject([{ purpose: 'all', code: 'too-few-contributors' }])
})

describe('a plan whose standardisation', () => {
  const fields = { standardisation: { means: [1, 2], standardDeviations: [3, 4] } }
  const refused = async (site: SiteFixture, proven: object) => {
    site.coordinator.say({ type: 'assignment', plan: secureRound(site, { ...fields, ...proven }).signed })
    return refusalAt(site)
  }
  const proven = () => provenBy({ run: 'heart-1', model: 'aa'.repeat(32), ...fields }).columns![0]!

  test('nobody signed is refused', async () => {
    expect(await refused(open(), { proven: {} })).toMatchObject({ code: 'sum-not-verified' })
  })

  test('one site alone signed is refused, also where it signed twice', async () => {
    const by = proven()
    const [first] = by.verified
    const twice = { ...by, verified: [first!, first!] }
    expect(await refused(open(), { proven: { columns: [twice] } })).toMatchObject({ code: 'sum-not-verified' })
  })

  test('others signed in another run, or for another sum, is refused', async () => {
    const elsewhere = { columns: [{ ...proven(), run: 'heart-2' }] }
    expect(await refused(open(), { proven: elsewhere })).toMatchObject({ code: 'sum-not-verified' })
    await opened?.close()
    const other = { columns: [{ ...proven(), sums: '00'.repeat(32) }] }
    expect(await refused(open(), { proven: other })).toMatchObject({ code: 'sum-not-verified' })
  })

  test('sites signed that nobody pinned here is refused', async () => {
    const by = proven()
    const stranger = generateIdentity()
    const sum = { planHash: by.planHash, sums: by.sums, run: 'heart-1', purpose: 'statistics' } as const
    const message = verdictMessage('verified', { ...sum, made: 'bb'.repeat(32) })
    const signature = Buffer.from(signMessage(stranger, message)).toString('base64')
    const verified = ['nowhere', 'elsewhere', 'basel'].map((site) => ({ site, signature }))
    const forged = { columns: [{ ...by, verified }] }
    expect(await refused(open(), { proven: forged })).toMatchObject({ code: 'sum-not-verified' })
  })

  test('two of five sites signed, of which one may collude, is worked with', async () => {
    const site = open()
    const by = proven()
    const two = { columns: [{ ...by, verified: by.verified.slice(0, 2) }] }
    await secureRound(site, { ...fields, proven: two }).advertised()
    expect(site.store.columns.mean('chol')).toMatchObject({ column: { means: [2] }, run: 'heart-1', vouchers: 2 })
  })
})
