/** A whole secure round at one site, with an honest coordinator and honest peers around it. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { evaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import { prepareUpdate, quantise, roundingKey } from '@consilium/protos/secagg/fixed-point.ts'
import { encodeHeader, headerTagsAt } from '@consilium/protos/secagg/header.ts'
import { encodeCounts } from '@consilium/protos/secagg/histograms.ts'
import type { Shares } from '@consilium/protos/secagg/messages.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { encodeStatistics } from '@consilium/protos/secagg/statistics.ts'
import { addHeader, areTagsRight, type Lift, sumTagger } from '@consilium/protos/secagg/sum-tags.ts'
import { secureUploadBytes } from '@consilium/protos/secagg/vectors.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { findSession, type SessionSecrets, type SessionState } from '../../site-agent/round/session.ts'
import { copiedStore } from '../support/copied-store.ts'
import { refusalAt } from '../support/refusal.ts'
import { type SecureRoundOfSite, secureRound } from '../support/secure-round.ts'
import { openSite, type SiteFixture, siteSecret } from '../support/site-fixture.ts'

let opened: SiteFixture | undefined
const open = (options: Parameters<typeof openSite>[0] = {}) => {
  opened = openSite(options)
  return opened
}
afterEach(() => opened?.close())

/** This site's own words: the sum less what the peers put in. */
async function ownWords(round: SecureRoundOfSite, vector: number, names = round.others, sharers = round.others) {
  const sum = await round.sum(vector, names, sharers)
  for (const name of names)
    round.wordsOf(name)[vector]!.forEach((word, i) => {
      sum[i] = (sum[i]! - word) | 0
    })
  return sum
}

const untagged = (header: Int32Array) => header.subarray(0, headerTagsAt)

/** The tags in the sum are those of the sum, under the group secret that the site kept past its release. */
async function expectRightTags(round: SecureRoundOfSite, site: SiteFixture, lift: Lift): Promise<void> {
  const { group } = findSession(round.hash, site.site)!.state
  const tagger = sumTagger(group!, round.sid())
  const header = await round.sum(0, round.others, round.others)
  addHeader(tagger, header)
  tagger.add(await round.sum(1, round.others, round.others), lift)
  expect(areTagsRight(header, tagger.tags())).toBe(true)
}

describe('the sum of a round holds this site exactly as it was quantised', () => {
  test('training: clipped, weighed, rounded with a key of its own', async () => {
    const site = open()
    const round = secureRound(site)
    await round.unmasked()
    const { plan } = round
    const numbers = roundQuantisation(plan, site.study.manifest.study)
    const { update } = site.trainer.train
    const key = roundingKey(siteSecret, Buffer.from(round.plan.study, 'hex'), {
      vector: 'update',
      round: 1,
      purpose: 'train',
    })
    const prepared = prepareUpdate(update, 8, numbers, key)
    const expected = new Int32Array(update.length)
    quantise(expected, prepared, 0)
    expect(await ownWords(round, 1)).toEqual(expected)
    const header = { weight: 8, clipped: false, clampedCoordinates: 0, lossSum: 8 * 0.6, contributes: true }
    expect(untagged(await ownWords(round, 0))).toEqual(untagged(encodeHeader(header, numbers)))
    await expectRightTags(round, site, 'centred')
  })

  test('statistics and evaluations: without a loss or with it, in vectors of their own', async () => {
    const site = open()
    const statistics = secureRound(site, { purpose: 'statistics', round: 0 })
    await statistics.unmasked()
    const numbers = roundQuantisation(statistics.plan, site.study.manifest.study)
    const plain = { weight: 8, clipped: false, clampedCoordinates: 0, lossSum: 0, contributes: true }
    expect(await ownWords(statistics, 1)).toEqual(encodeStatistics(site.trainer.statistics.sums))
    expect(untagged(await ownWords(statistics, 0))).toEqual(untagged(encodeHeader(plain, numbers)))
    await expectRightTags(statistics, site, 'centred')

    const evaluation = secureRound(site, { purpose: 'evaluate' })
    await evaluation.unmasked()
    const { examples, lossSum } = site.trainer.evaluate
    expect(await ownWords(evaluation, 1)).toEqual(encodeCounts(evaluationCounts(site.trainer.evaluate), 5))
    expect(await ownWords(evaluation, 0)).toEqual(encodeHeader({ ...plain, weight: 4, lossSum }, numbers))
    // An evaluation steers no model: no tags, and the secret they would hang on is gone with the others.
    expect(findSession(evaluation.hash, site.site)!.state.group).toBeUndefined()
    const found = { run: 'heart-1', round: 1, examples, loss: lossSum / 4, accuracy: 0.75 }
    expect(site.events.find(({ type }) => type === 'evaluated')).toMatchObject(found)
    expect(site.store.records.evaluations(5)).toMatchObject([found])
    expect(JSON.stringify(site.coordinator.sent)).not.toContain('accuracy')
  })

  test('with a peer lost before sharing, and another after it', async () => {
    const lenient = { colluders: 0, survivorsMin: 3 }
    const round = secureRound(open({ study: { aggregation: { mode: 'secure', weightMax: 8, ...lenient } } }), {
      secure: lenient,
    })
    const sharers = round.others.filter((name) => name !== 'basel')
    const survivors = sharers.filter((name) => name !== 'zurich')
    await round.unmasked(survivors, sharers)
    const own = await ownWords(round, 1, survivors, sharers)
    expect(Math.abs(own[0]! / own[2]! - 2)).toBeLessThan(1e-4)
    const { revealed } = await round.sent('unmask')
    expect(revealed.map(({ index, kind }) => `${index}${kind}`)).toEqual(['2b', '3b', '4b', '5s'])
  })
})

test('an upload has 4 bytes a parameter and a header, and leaves signed', async () => {
  const site = open()
  const round = secureRound(site)
  const bytes = await round.uploaded()
  expect(bytes.length).toBe(secureUploadBytes(round.plan.secure!.vectors))
  expect(site.coordinator.masked.get(round.hash)?.vectorHashes).toHaveLength(2)
})

test('masks go over frame by frame, and an upload of many frames stays within 2 % of 4 bytes a parameter', async () => {
  const parameters = 700_001
  const site = open({ layout: [{ name: 'weight', dims: [parameters] }] })
  site.trainer.train = {
    update: Float32Array.from({ length: parameters }, (_, i) => Math.sin(i) / 100),
    examples: 300,
    steps: 1,
    loss: 1,
    zeroShare: 0,
  }
  const round = secureRound(site)
  await round.unmasked()
  const bytes = site.coordinator.uploads.get(round.hash)!
  expect(bytes.length / (4 * parameters)).toBeLessThan(1.02)
  const numbers = roundQuantisation(round.plan, site.study.manifest.study)
  const own = await ownWords(round, 1)
  const key = roundingKey(siteSecret, Buffer.from(round.plan.study, 'hex'), {
    vector: 'update',
    round: 1,
    purpose: 'train',
  })
  const expected = new Int32Array(parameters)
  quantise(expected, prepareUpdate(site.trainer.train.update, 256, numbers, key), 0)
  expect(Buffer.compare(Buffer.from(own.buffer), Buffer.from(expected.buffer))).toBe(0)
})

test('the order in which requests come is kept however early they come', async () => {
  const site = open()
  let work = () => {}
  site.trainer.gate = new Promise((resolve) => {
    work = resolve
  })
  const round = secureRound(site)
  site.coordinator.say({ type: 'assignment', plan: round.signed })
  site.coordinator.say({ type: 'advertise-keys', planHash: round.hash })
  await site.coordinator.until(() => site.trainer.calls.find((call) => call === 'train'))
  work()
  await round.sent('advertise')
  const aside = ['progress', 'pinned', 'known-heads']
  const types = site.coordinator.sent.map(({ type }) => type).filter((type) => !aside.includes(type))
  expect(types).toEqual(['work-done', 'advertise'])
})

test('what comes for a round that is over is not answered', async () => {
  const site = open()
  const round = secureRound(site)
  const shares = await round.sharesDue()
  site.coordinator.say({ type: 'round-over', planHash: round.hash, outcome: 'failed', reason: 'too few' })
  const sent = site.coordinator.sent.length
  site.coordinator.say({ type: 'advertise-keys', planHash: round.hash })
  site.coordinator.say(shares)
  await site.agent.stop()
  expect(site.coordinator.sent).toHaveLength(sent)
  expect(site.coordinator.uploads.size).toBe(0)
})

describe('an update that must not leave', () => {
  test.for([
    { what: 'NaN in the update', update: [Number.NaN, 0, 0], loss: 0.5 },
    { what: 'infinity in the update', update: [Number.POSITIVE_INFINITY, 0, 0], loss: 0.5 },
    { what: 'a loss that is not a number', update: [0, 0, 0], loss: Number.NaN },
  ])('$what: zeros leave in its place', async ({ update, loss }) => {
    const site = open()
    site.trainer.train = { update: Float32Array.from(update), examples: 10, steps: 20, loss, zeroShare: 0 }
    const round = secureRound(site)
    await round.unmasked()
    expect((await ownWords(round, 1)).every((word) => word === 0)).toBe(true)
    expect(site.events.find(({ type }) => type === 'nothing-to-give')).toMatchObject({ code: 'update-invalid' })
  })

  test('an update of another length', async () => {
    const site = open()
    site.trainer.train = { update: Float32Array.of(0, 0), examples: 10, steps: 20, loss: 0.5, zeroShare: 0 }
    site.coordinator.say({ type: 'assignment', plan: secureRound(site).signed })
    expect(await refusalAt(site)).toMatchObject({ code: 'update-invalid' })
    expect(readdirSync(join(site.state, 'outbox')).filter((name) => !name.endsWith('.partial'))).toEqual([])
  })
})

describe('kill -9', () => {
  test.for(['advertised', 'shared', 'committed', 'uploaded', 'confirmed', 'released'] as const)(
    'once %s: the same requests get the same answers, and nothing is done twice',
    async (state) => {
      const site = open()
      const round = secureRound(site)
      const steps = {
        advertised: () => round.advertised(),
        shared: () => round.shared(),
        committed: async () => {
          site.coordinator.answer = new Promise(() => undefined)
          const due = await round.sharesDue()
          site.coordinator.say(due)
          await site.coordinator.until(() => site.coordinator.uploads.get(round.hash))
        },
        uploaded: () => round.uploaded(),
        confirmed: () => round.confirmed(),
        released: () => round.unmasked(),
      }
      await steps[state]()
      const before = [...site.coordinator.sent]
      const upload = site.coordinator.uploads.get(round.hash)
      const masked = site.coordinator.masked.get(round.hash)
      site.coordinator.answer = undefined
      site.coordinator.uploads.clear()
      site.coordinator.sent.length = 0
      site.events.length = 0
      site.restart()

      await unmaskFromStart(round, site)
      const after = site.coordinator.sent
      for (const type of ['advertise', 'share-keys', 'confirm', 'unmask']) {
        const [first, again] = [before.find((m) => m.type === type), after.filter((m) => m.type === type)]
        if (first) expect(again).toEqual([first])
        expect(again).toHaveLength(1)
      }
      if (upload) expect(Buffer.compare(site.coordinator.uploads.get(round.hash)!, upload)).toBe(0)
      if (masked) expect(site.coordinator.masked.get(round.hash)).toEqual(masked)
      expect(site.trainer.calls.filter((call) => call === 'train')).toHaveLength(1)
      expect(after.some(({ type }) => type === 'refusal')).toBe(false)
    },
  )

  test('between the masked bytes and the signature of their root: masked again to the same bytes', async () => {
    const site = open()
    const round = secureRound(site)
    const due = await round.sharesDue()
    const words = readFileSync(site.store.outbox.wordsPath(round.hash))
    const unsigned = site.store.sessions.sealed(round.hash)!
    const first = await round.uploaded()
    site.store.sessions.reseal(round.hash, unsigned)
    writeFileSync(site.store.outbox.wordsPath(round.hash), words)
    await uploadAgain(site, due)
    expect(Buffer.compare(site.coordinator.uploads.get(round.hash)!, first)).toBe(0)
  })

  test('between the signature and the end of the words: the words go, the same bytes leave', async () => {
    const site = open()
    const round = secureRound(site)
    const due = await round.sharesDue()
    const words = readFileSync(site.store.outbox.wordsPath(round.hash))
    const first = await round.uploaded()
    writeFileSync(site.store.outbox.wordsPath(round.hash), words)
    await uploadAgain(site, due)
    expect(Buffer.compare(site.coordinator.uploads.get(round.hash)!, first)).toBe(0)
    expect(site.store.outbox.isReady(round.hash)).toBe(true)
    expect(readdirSync(join(site.state, 'outbox'))).toEqual([`${round.hash}.update`])
  })

  test('and the words lost: the site drops out, and masks no second update', async () => {
    const site = open()
    const round = secureRound(site)
    const due = await round.sharesDue()
    rmSync(site.store.outbox.wordsPath(round.hash))
    site.restart()
    site.coordinator.say(due)
    expect(await refusalAt(site)).toMatchObject({ code: 'session-lost' })
  })

  test('and the journal damaged: the site drops out', async () => {
    const site = open()
    const round = secureRound(site)
    const directory = round.directory(await round.advertised())
    const sealed = site.store.sessions.sealed(round.hash)!
    site.store.sessions.reseal(
      round.hash,
      sealed.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
    )
    site.restart()
    site.coordinator.say(directory)
    expect(await refusalAt(site)).toMatchObject({ code: 'session-lost' })
  })
})

describe('one update, one mask: a site whose outbox was lost', () => {
  /** The site uploads, loses its outbox and is given the round again, in which its training gives something else. */
  async function loseOutbox(meanwhile: (site: SiteFixture, hash: string, unsigned: Uint8Array) => void) {
    const site = open()
    const round = secureRound(site)
    const due = await round.sharesDue()
    const unsigned = site.store.sessions.sealed(round.hash)!
    const first = await round.uploaded()
    rmSync(site.store.outbox.path(round.hash))
    meanwhile(site, round.hash, unsigned)
    site.coordinator.uploads.clear()
    site.coordinator.sent.length = 0
    const { update: trained } = site.trainer.train
    site.trainer.train = { ...site.trainer.train, update: Float32Array.of(0.25, 0.5, -1) }
    return { site, round, due, first, trained }
  }

  test('control: with its keys it masks another update, and the uploads differ by what the updates do', async () => {
    const { site, round, due, first, trained } = await loseOutbox((lost, hash, unsigned) =>
      lost.store.sessions.reseal(hash, unsigned),
    )
    const numbers = roundQuantisation(round.plan, site.study.manifest.study)
    const before = quantisedUpdate(round, numbers, trained)
    site.restart()
    await round.work()
    site.events.length = 0
    site.coordinator.say(due)
    await site.coordinator.until(() => site.events.find(({ type }) => type === 'uploaded'))
    const [one, other] = [first, site.coordinator.uploads.get(round.hash)!].map(updateIn(round))
    const after = quantisedUpdate(round, numbers, site.trainer.train.update)
    expect(one!.map((word, i) => (other![i]! - word) | 0)).toEqual(after.map((word, i) => (word - before[i]!) | 0))
  })

  test('drops out of the round, and nothing leaves', async () => {
    const { site, round, due } = await loseOutbox(() => undefined)
    site.restart()
    site.coordinator.say({ type: 'assignment', plan: round.signed })
    expect(await refusalAt(site)).toMatchObject({ planHash: round.hash, code: 'session-lost' })
    site.coordinator.say(due)
    await site.agent.stop()
    expect(site.coordinator.uploads.size).toBe(0)
    expect(site.trainer.calls.filter((call) => call === 'train')).toHaveLength(1)
  })

  test('and one whose masked bytes were damaged, or put back from elsewhere', async () => {
    const site = open()
    const round = secureRound(site)
    const due = await round.sharesDue()
    const first = await round.uploaded()
    const path = site.store.outbox.path(round.hash)
    writeFileSync(
      path,
      first.map((byte, i) => (i === first.length - 1 ? byte ^ 1 : byte)),
    )
    site.coordinator.uploads.clear()
    site.coordinator.say(due)
    expect(await refusalAt(site)).toMatchObject({ code: 'session-lost', reason: /damaged/ })
    expect(site.coordinator.uploads.size).toBe(0)
  })

  test('a coordinator that asks for the bytes without shares of the masks gets none', async () => {
    const site = open()
    const round = secureRound(site)
    await round.uploaded()
    site.coordinator.uploads.clear()
    site.coordinator.say({ type: 'collect-updates', planHash: round.hash })
    expect(await refusalAt(site)).toMatchObject({ code: 'message-invalid' })
    expect(site.coordinator.uploads.size).toBe(0)
  })
})

describe('a training that gives nothing', () => {
  const gone = new FederationError('data-unreadable', 'heart.csv is gone')
  const broken = new FederationError('data-out-of-range', 'column chol, data row 153: outside the range of the study')
  test.for([
    ['the trainer crashes twice', { crashes: 2 }],
    ['the data have gone', { dataProblem: gone }],
    ['a value breaks the range of the study', { dataProblem: broken }],
  ] as const)('because %s goes through every phase as zeros, and only this site says why', async ([, spoilt]) => {
    const site = open()
    Object.assign(site.trainer, spoilt)
    const round = secureRound(site)
    await round.unmasked()
    expect((await ownWords(round, 1)).every((word) => word === 0)).toBe(true)
    // Four ones, no weight, an update that was not clipped, and no contributor.
    const zeros = Int32Array.from({ length: headerTagsAt }, (_, i) => (i < 4 || i === 5 ? 1 : 0))
    expect(untagged(await ownWords(round, 0))).toEqual(zeros)
    expect(site.coordinator.sent.some(({ type }) => type === 'refusal')).toBe(false)
    expect(site.events.find(({ type }) => type === 'nothing-to-give')).toMatchObject({ round: 1 })
    expect(site.store.records.refusals(1)[0]!.reason).toMatch(/^sent zeros: /)
  })

  test('in an evaluation is a fault without a cause: sums are compared there', async () => {
    const site = open()
    site.trainer.crashes = 2
    const round = secureRound(site, { purpose: 'evaluate' })
    site.coordinator.say({ type: 'assignment', plan: round.signed })
    expect(await refusalAt(site)).toMatchObject({ planHash: round.hash, code: 'site-fault' })
  })
})

describe('erasure', () => {
  test.for(['committed', 'failed', 'dropped'] as const)(
    'a round that is %s leaves no secret of it anywhere',
    async (outcome) => {
      const site = open()
      const round = secureRound(site)
      await round.shared()
      const { secrets, held } = findSession(round.hash, site.site)!.state
      const masking = secretBytes(secrets!, held!, [])
      const blobs = [site.store.sessions.sealed(round.hash)!]
      await round.sent('share-keys')
      site.coordinator.say(round.shares(await round.sent('share-keys'), round.directory(await round.sent('advertise'))))
      await site.coordinator.until(() => site.events.find(({ type }) => type === 'uploaded'))
      blobs.push(site.store.sessions.sealed(round.hash)!)
      // What masked the update is gone with its signature; the shares for the sum stay, sealed.
      expect(findSession(round.hash, site.site)!.state).not.toHaveProperty('secrets')
      expect(foundOnDisk(site, [...masking, ...secretBytes(secrets!, new Map(), blobs.slice(0, 1))])).toEqual([])
      if (outcome === 'committed') {
        site.coordinator.say(await round.survivors())
        const confirm = await round.sent('confirm')
        blobs.push(site.store.sessions.sealed(round.hash)!)
        site.coordinator.say(round.quorum(await round.survivors(), confirm))
        await round.sent('unmask')
        blobs.push(site.store.sessions.sealed(round.hash)!)
        expect(findSession(round.hash, site.site)?.state.held).toBeUndefined()
      }
      expect(foundOnDisk(site, secretBytes(secrets!, held!, blobs))).toEqual([])
      expect(site.store.sessions.sealed(round.hash)).toEqual(blobs.at(-1))
      // Whoever has the database as it is now, and the keys as they will be, opens nothing.
      using copy = copiedStore(site)
      expect(copy.sealed(round.hash)).toEqual(blobs.at(-1))
      site.coordinator.say({ type: 'round-over', planHash: round.hash, outcome, reason: '' })
      expect(foundOnDisk(site, secretBytes(secrets!, held!, blobs))).toEqual([])
      expect([site.store.sessions.sealed(round.hash), copy.sealed(round.hash)]).toEqual([undefined, undefined])
      expect(readdirSync(join(site.state, 'outbox'))).toEqual([])
      // What this site did in it stays.
      const did = outcome === 'committed' ? 'released' : 'committed'
      expect(site.store.sessions.find(round.hash)).toMatchObject({ state: did })
    },
  )

  test('a refusal erases the session too', async () => {
    const site = open()
    const round = secureRound(site)
    const directory = round.directory(await round.advertised())
    site.coordinator.say({ ...directory, sites: directory.sites.slice(2) })
    await refusalAt(site)
    expect(site.store.sessions.sealed(round.hash)).toBeUndefined()
  })
})

async function uploadAgain(site: SiteFixture, due: Shares): Promise<void> {
  site.coordinator.uploads.clear()
  site.events.length = 0
  site.restart()
  site.coordinator.say(due)
  await site.coordinator.until(() => site.events.find(({ type }) => type === 'uploaded'))
}

/** The masked words of the update in an upload. */
function updateIn({ plan }: SecureRoundOfSite) {
  const [header, update] = plan.secure!.vectors
  return (bytes: Uint8Array) => {
    const start = 4 * header!.words
    return new Int32Array(Uint8Array.from(bytes.subarray(start, start + 4 * update!.words)).buffer)
  }
}

function quantisedUpdate(
  { plan }: SecureRoundOfSite,
  numbers: ReturnType<typeof roundQuantisation>,
  update: Float32Array,
): Int32Array {
  const key = roundingKey(siteSecret, Buffer.from(plan.study, 'hex'), { vector: 'update', round: 1, purpose: 'train' })
  const words = new Int32Array(update.length)
  quantise(words, prepareUpdate(update, 8, numbers, key), 0)
  return words
}

async function unmaskFromStart(round: SecureRoundOfSite, site: SiteFixture): Promise<void> {
  await round.unmasked()
  expect(site.store.sessions.find(round.hash)?.state).toBe('released')
}

function secretBytes(secrets: SessionSecrets, held: NonNullable<SessionState['held']>, blobs: readonly Uint8Array[]) {
  const { channelSecretKey, maskSecretKey, selfSeed, group } = secrets
  return [
    ...[channelSecretKey, maskSecretKey, selfSeed, group].map((bytes) => ({ what: 'a secret', bytes })),
    ...[...held.values()].flatMap(({ s, b }) => [s, b]).map((bytes) => ({ what: 'a share', bytes })),
    ...blobs.map((bytes) => ({ what: 'a sealed state', bytes: bytes.subarray(12, 60) })),
  ]
}

/** What of these bytes stands in any file of the state folder. */
function foundOnDisk(site: SiteFixture, secrets: ReturnType<typeof secretBytes>): string[] {
  const files = readdirSync(site.state, { recursive: true })
    .map((name) => join(site.state, String(name)))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path))
  return [
    ...new Set(
      secrets.filter(({ bytes }) => files.some((file) => file.includes(Buffer.from(bytes)))).map(({ what }) => what),
    ),
  ]
}
