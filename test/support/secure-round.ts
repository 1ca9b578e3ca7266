/**
 * One secure round around a site under test: the honest coordinator that a fixture's link stands for, and the site's peers
 * with words of their own. Each step gives the message that is due, for a test to send as it is, or changed.
 */
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { encodeHeader, headerName, readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { addMasks, addVectors } from '@consilium/protos/secagg/mask-stream.ts'
import type {
  Advertise,
  Confirm,
  Directory,
  MaskedInput,
  Quorum,
  SecureFromSite,
  ShareKeysMessage,
  Shares,
  Survivors,
  Unmask,
  VerifySum,
} from '@consilium/protos/secagg/messages.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import type { Replay } from '@consilium/protos/secagg/replay.ts'
import { rebuildSecret } from '@consilium/protos/secagg/shamir.ts'
import { messageHash, shareKeysMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { encodeStatistics, readStatistics } from '@consilium/protos/secagg/statistics.ts'
import { sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { type Removal, removalMasks, removalSeeds } from '@consilium/protos/secagg/unmask.ts'
import { columnsHash } from '@consilium/protos/strategy/made.ts'
import { nextModel } from '@consilium/protos/strategy/next-model.ts'
import { pooledStatistics } from '@consilium/protos/strategy/standardisation.ts'
import { logHead, type PlanFields, peers, type SiteFixture, siteName } from './site-fixture.ts'

export const fiveSites = ['basel', 'hope', siteName, 'saint-anne', 'zurich']

export type SecureRoundOfSite = ReturnType<typeof secureRound>

export function secureRound(site: SiteFixture, fields: PlanFields = {}) {
  const { plan, hash, signed } = site.plan({ cohort: fiveSites, ...fields })
  const index = plan.cohort.indexOf(siteName) + 1
  const others = plan.cohort.filter((name) => name !== siteName)
  const peer = (name: string) => peers.get(name)!
  const indexOf = (name: string) => plan.cohort.indexOf(name) + 1
  const inputs = new Map<string, { readonly bytes: Uint8Array; readonly masked: MaskedInput }>()
  const { coordinator } = site

  /** What the site sent of a type for this plan, the nth of them. */
  function sent<Type extends SecureFromSite['type']>(
    type: Type,
    nth = 1,
  ): Promise<Extract<SecureFromSite, { type: Type }>> {
    return coordinator.until(
      () => coordinator.sent.filter((m) => m.type === type && 'planHash' in m && m.planHash === hash)[nth - 1],
    ) as Promise<Extract<SecureFromSite, { type: Type }>>
  }

  const round = {
    plan,
    hash,
    signed,
    index,
    others,
    inputs,
    sent,
    wordsOf: (name: string) => peerWords(name, plan),
    /** Assigns the plan and waits for its work. */
    async work(): Promise<void> {
      coordinator.say({ type: 'assignment', plan: signed })
      await coordinator.until(() => coordinator.sent.find((m) => m.type === 'work-done' && m.planHash === hash))
    },
    async advertised(): Promise<Advertise> {
      await round.work()
      coordinator.say({ type: 'advertise-keys', planHash: hash })
      return sent('advertise')
    },
    /** U1: this site with what it advertised, and these peers. */
    directory(own: Pick<Advertise, 'body' | 'signature'>, names = others): Directory {
      const all = names.map((name) => ({ index: indexOf(name), ...pick(peer(name).advertise(plan)) }))
      return { type: 'directory', planHash: hash, sites: ascending([...all, { index, ...pick(own) }]) }
    },
    async shared(): Promise<ShareKeysMessage> {
      coordinator.say(round.directory(await round.advertised()))
      return sent('share-keys')
    },
    /** U2 as `to` is told of it: this site, which shared `own`, and these peers. */
    shares(own: ShareKeysMessage, directory: Directory, names = others, to = siteName): Shares {
      const dealt = new Map([...names.map((name) => [name, peer(name).shareKeys(directory)] as const), [siteName, own]])
      const sid = peer(names[0]!).session(hash)!.sid!
      const sharers = [...dealt].map(([name, keys]) => ({
        index: indexOf(name),
        shareKeysHash: messageHash(shareKeysMessage(sid, indexOf(name), keys, keys.rows)),
        signature: keys.signature,
      }))
      const received = [...dealt]
        .filter(([name]) => name !== to)
        .map(([name, { rows, groupCommitment }]) => {
          return { ...rows.find((row) => row.index === indexOf(to))!, index: indexOf(name), groupCommitment }
        })
      return { type: 'shares', planHash: hash, sharers: ascending(sharers), received: ascending(received) }
    },
    /** Everything up to the shares that ask for this site's update. */
    async sharesDue(names = others): Promise<Shares> {
      const own = await round.shared()
      return round.shares(own, round.directory(await sent('advertise')), names)
    },
    async uploaded(names = others): Promise<Uint8Array> {
      coordinator.say(await round.sharesDue(names))
      await coordinator.until(() => site.events.find((e) => e.type === 'uploaded' && e.planHash === hash))
      return coordinator.uploads.get(hash)!
    },
    /** U3: this site, and these peers with words of their own. */
    async survivors(names = others, sharers = others): Promise<Survivors> {
      const [own, directory] = [await sent('share-keys'), round.directory(await sent('advertise'))]
      for (const name of sharers)
        inputs.set(
          name,
          inputs.get(name) ?? peer(name).mask(round.shares(own, directory, sharers, name), peerWords(name, plan)),
        )
      const ownInput = coordinator.masked.get(hash)!
      const all = names.map((name) => ({ index: indexOf(name), ...rootOf(inputs.get(name)!.masked) }))
      return {
        type: 'survivors',
        planHash: hash,
        survivors: ascending([...all, { index, ...rootOf(ownInput) }]),
        logHead,
      }
    },
    async confirmed(names = others, sharers = others): Promise<Confirm> {
      await round.uploaded(sharers)
      coordinator.say(await round.survivors(names, sharers))
      return sent('confirm')
    },
    /** Confirmations of these peers and this site. */
    quorum(survivors: Survivors, own: Confirm, names = others): Quorum {
      const all = names.map((name) => ({ index: indexOf(name), signature: peer(name).confirm(survivors).signature }))
      const confirmations = ascending([...all, { index, signature: own.signature }])
      return { type: 'quorum', planHash: hash, confirmations }
    },
    async unmasked(names = others, sharers = others): Promise<Unmask> {
      const own = await round.confirmed(names, sharers)
      coordinator.say(round.quorum(await round.survivors(names, sharers), own, names))
      return sent('unmask')
    },
    /** The session, once the peers are in it. */
    sid: () => peer(others[0]!).session(hash)!.sid!,
    /** The words of one vector added up over the survivors, all of whom have revealed their shares. */
    /** What the sum makes, by a computation of its own, and the request to verify it. */
    async verifySum(names = others, sharers = others): Promise<VerifySum & { readonly words: Uint8Array }> {
      const vectors = [await round.sum(0, names, sharers), await round.sum(1, names, sharers)]
      const words = Buffer.concat(vectors.map(({ buffer }) => new Uint8Array(buffer)))
      const made = madeOf(vectors[0]!, vectors[1]!, names.length + 1, plan, site)
      const replay = await round.replay(names, sharers)
      return { type: 'verify-sum', planHash: hash, sums: sha256Hex(words), made, words, replay }
    },
    /** What the sum was made of. */
    async replay(names = others, sharers = others): Promise<Replay> {
      const { survivors, dropouts } = removalOf(round, await round.own(sharers), names, await round.revealed(names))
      const uploads = new Map(names.map((name) => [indexOf(name), inputs.get(name)!.bytes]))
      uploads.set(index, coordinator.uploads.get(hash)!)
      return {
        selfSeeds: survivors.map(({ selfSeed }) => selfSeed),
        maskSecretKeys: dropouts.map(({ maskSecretKey }) => maskSecretKey),
        uploads: survivors.map((survivor) => uploads.get(survivor.index)!),
      }
    },
    async own(sharers = others): Promise<Own> {
      const directory = round.directory(await sent('advertise'))
      const shares = round.shares(await sent('share-keys'), directory, sharers)
      return { upload: coordinator.uploads.get(hash)!, directory, shares }
    },
    /** By index, of this site and these peers. */
    async revealed(names = others): Promise<ReadonlyMap<number, Unmask>> {
      const releases = names.map((name) => [indexOf(name), peer(name).unmask(hash)] as const)
      return new Map([[index, await sent('unmask')] as const, ...releases])
    },
    async sum(vector: number, names = others, sharers = others): Promise<Int32Array> {
      return sumOf(round, await round.own(sharers), vector, names, await round.revealed(names))
    },
  }
  return round
}

type Own = { readonly upload: Uint8Array; readonly directory: Directory; readonly shares: Shares }

/** The secrets that the revealed shares give away, in ascending order of the sites. */
function removalOf(
  { plan, hash }: Pick<SecureRoundOfSite, 'plan' | 'hash'>,
  own: Own,
  names: readonly string[],
  revealed: ReadonlyMap<number, Unmask>,
): Removal {
  const { sid } = peers.get(names[0]!)!.session(hash)!
  const { threshold } = sessionThresholds(own.directory.sites.length, plan.secure!)
  const keyOf = (index: number) => readAdvertisement(own.directory.sites.find((it) => it.index === index)!.body).maskKey
  const rebuilt = own.shares.sharers.map(({ index }) => {
    const all = [...revealed].map(([from, { revealed: shares }]) => ({
      index: from,
      bytes: shares.find((share) => share.index === index)!.share,
    }))
    return { index, secret: rebuildSecret(all.slice(0, threshold)) }
  })
  return {
    sid: sid!,
    survivors: rebuilt
      .filter(({ index }) => revealed.has(index))
      .map(({ index, secret }) => ({ index, maskKey: keyOf(index), selfSeed: secret })),
    dropouts: rebuilt
      .filter(({ index }) => !revealed.has(index))
      .map(({ index, secret }) => ({ index, maskSecretKey: secret })),
  }
}

/** Adds up the uploads and takes off the masks that the revealed shares give away. */
function sumOf(
  round: Pick<SecureRoundOfSite, 'plan' | 'hash' | 'inputs'>,
  own: Own,
  vector: number,
  names: readonly string[],
  revealed: ReadonlyMap<number, Unmask>,
): Int32Array {
  const { plan, hash, inputs } = round
  const { u2Hash } = peers.get(names[0]!)!.session(hash)!
  const seeds = removalSeeds(removalOf(round, own, names, revealed))
  const { vectors } = plan.secure!
  const start = 4 * vectors.slice(0, vector).reduce((sum, { words }) => sum + words, 0)
  const slices = [own.upload, ...names.map((name) => inputs.get(name)!.bytes)].map(
    (bytes) => new Int32Array(Uint8Array.from(bytes.subarray(start, start + 4 * vectors[vector]!.words)).buffer),
  )
  const sum = new Int32Array(vectors[vector]!.words)
  addVectors(sum, slices)
  addMasks(sum, removalMasks(seeds, vectors[vector]!.name, u2Hash!), 0)
  return sum
}

/** What an honest peer with data of its own gives. */
function peerWords(name: string, { secure, cohort, purpose }: RoundPlan): Int32Array[] {
  const salt = name.charCodeAt(0) * 1000 + name.length
  const header = { weight: 4, clipped: false, clampedCoordinates: 0, lossSum: salt / 1024, contributes: true }
  return secure!.vectors.map(({ name: vector, words }) => {
    if (vector === headerName) return encodeHeader(header, { cohort: cohort.length, weightMax: 8 })
    // As many rows in every column, and squares enough for their sums.
    if (purpose === 'statistics')
      return encodeStatistics(Float64Array.from({ length: words / 4 }, (_, i) => (3 * i < words / 4 ? 10 : salt % 97)))
    return Int32Array.from({ length: words }, (_, i) => Math.imul(salt + i, 0x9e3779b1) >>> 15)
  })
}

/** SHA-256 of what an honest coordinator makes of a sum, or of nothing where it makes nothing. */
function madeOf(header: Int32Array, content: Int32Array, survivors: number, plan: RoundPlan, site: SiteFixture) {
  if (plan.purpose === 'evaluate') return sha256Hex(Buffer.alloc(0))
  if (plan.purpose === 'statistics')
    return columnsHash(pooledStatistics(readStatistics(content), plan.columns!, survivors)!.columns)
  const quantised = roundQuantisation(plan, site.study.manifest.study)
  const { weight } = readHeaderSum(header, survivors, quantised)
  const global = new Float32Array(new Uint8Array(site.coordinator.objects.get(plan.model)!).buffer)
  const next = nextModel({ survivors, weight, quantised }).next(global, content)
  return sha256Hex(new Uint8Array(next.buffer))
}

function pick<T extends { readonly body: Uint8Array; readonly signature: Uint8Array }>({ body, signature }: T) {
  return { body, signature }
}

function rootOf({ root, signature }: MaskedInput) {
  return { root, signature }
}

function ascending<T extends { readonly index: number }>(sites: readonly T[]): T[] {
  return [...sites].sort((a, b) => a.index - b.index)
}
