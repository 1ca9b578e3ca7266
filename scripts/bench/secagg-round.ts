/**
 * The arithmetic of one secure round as both ends do it: keys, shares, masks, sums, hashes and signatures, chunk by chunk,
 * no transport. Site 1 is played in full; the others only as far as site 1 and the coordinator have to do with them. Every
 * round is checked: its unmasked header must count the survivors.
 */
import { createHash, randomBytes } from 'node:crypto'
import { generateIdentity } from '@consilium/protos/identity.ts'
import {
  dequantise,
  prepareUpdate,
  type Quantisation,
  quantisation,
  quantise,
} from '@consilium/protos/secagg/fixed-point.ts'
import { encodeHeader, headerName, readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { agree, channelKey, generateAgreementKeys, pairSeed } from '@consilium/protos/secagg/keys.ts'
import { siteMasks } from '@consilium/protos/secagg/mask.ts'
import { addMasks, addVectors, type Mask } from '@consilium/protos/secagg/mask-stream.ts'
import { dealShares, type HeldShare, openShare, type ShareKeys } from '@consilium/protos/secagg/sealed-share.ts'
import { confirmMessage, signMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { defaultColluders, defaultSurvivorsMin, sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { rebuildChecked, removalMasks, removalSeeds, sharesToReveal } from '@consilium/protos/secagg/unmask.ts'
import { updateName } from '@consilium/protos/secagg/vectors.ts'
import { type Stopwatch, stopwatch, timed } from './processor-time.ts'

export type Case = { readonly sites: number; readonly parameters: number; readonly dropouts: number }

/** Seconds of processor time. */
export type Cost = {
  /** Keys, shares and signatures of one site. */
  readonly keys: number
  /** Its update: clipped, quantised, masked, hashed. */
  readonly site: number
  readonly coordinator: number
}

/** The frames in which an upload travels: 1 MiB. */
export const frameWords = 256 * 1024
const sid = new Uint8Array(32).fill(1)
const u2Hash = new Uint8Array(32).fill(2)
const weight = 512
const weightMax = 1024

/** The last sites drop out while uploading. */
export function playRound({ sites, parameters, dropouts }: Case): Cost {
  const plan = { colluders: defaultColluders(sites), survivorsMin: defaultSurvivorsMin(sites) }
  const { threshold } = sessionThresholds(sites, plan)
  const all = Array.from({ length: sites }, (_, i) => aSite(i + 1))
  const survivors = all.slice(0, sites - dropouts)
  const keyed = all.map((site) => ({ ...site, ...pairwise(site, all) }))
  const dealt = keyed.map(({ channels, ...site }) => deal(site, channels, all, threshold))
  const [keys] = timed(() => keysPhase(all[0]!, all, dealt, threshold))
  const quantised = quantisation({ cohort: sites, updateNormMax: 1, weightMax, rounding: 'stochastic' })
  const [site, coordinator] = [stopwatch(), stopwatch()]
  const frameOfSite = uploadOf(keyed[0]!, randomUpdate(parameters), quantised, site)
  const hashes = survivors.map(() => createHash('sha256'))
  const revealed = revealedBy(survivors, dealt, keyed)
  coordinator(() => verifySignatures(all[0]!, signaturesOfSite * sites))
  const seeds = coordinator(() => recover(all, survivors, dealt, threshold, revealed))
  const masks = removalMasks(seeds, updateName, u2Hash)
  const mean = new Float64Array(frameWords)
  const noise = randomWords(frameWords)
  // Made once: what the garbage collector does for frames that a bench makes up is not the coordinator's work.
  const others = survivors.slice(1).map(() => noise.slice())
  const sums = new Int32Array(frameWords)
  for (let from = 0; from < parameters; from += frameWords) {
    const length = Math.min(frameWords, parameters - from)
    // To add, hash and unmask costs the same whatever the words are: those of the other sites are random.
    const frames = [frameOfSite(from, length), ...others.map((frame) => frame.subarray(0, length))]
    coordinator(() => {
      const sum = sums.subarray(0, length).fill(0)
      frames.forEach((frame, i) => {
        hashes[i]!.update(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength))
      })
      addVectors(sum, frames)
      addMasks(sum, masks, from)
      dequantise(mean.subarray(0, length), sum, quantised, weight * survivors.length)
    })
  }
  checkHeaders(
    keyed.slice(0, survivors.length).map((one) => maskedHeader(one, sites)),
    removalMasks(seeds, headerName, u2Hash),
    sites,
  )
  return { keys, site: site.seconds(), coordinator: coordinator.seconds() }
}

type Site = ReturnType<typeof aSite>
type Keyed = { readonly index: number; readonly channels: ReturnType<typeof pairwise>['channels'] }

function aSite(index: number) {
  const [identity, channel, mask] = [generateIdentity(), generateAgreementKeys(), generateAgreementKeys()]
  return {
    index,
    identity,
    channel,
    mask,
    selfSeed: new Uint8Array(randomBytes(32)),
    group: new Uint8Array(randomBytes(32)),
  }
}

/** Channel keys to every peer, and the seeds of the masks shared with them. */
function pairwise(site: Site, all: readonly Site[]) {
  const peers = all.filter(({ index }) => index !== site.index)
  const channels = new Map(
    peers.map(({ index, channel }) => {
      const shared = agree(site.channel.secretKey, channel.publicKey)
      const to = channelKey(shared, sid, site.index, index)
      return [index, { to, from: channelKey(shared, sid, index, site.index) }]
    }),
  )
  const pairs = new Map(
    peers.map(({ index, mask }) => [
      index,
      pairSeed(agree(site.mask.secretKey, mask.publicKey), sid, site.index, index),
    ]),
  )
  return { channels, pairs }
}

function deal(
  site: Site,
  channels: ReturnType<typeof pairwise>['channels'],
  all: readonly Site[],
  threshold: number,
): ShareKeys {
  const { index, mask, selfSeed, group } = site
  const sites = all.map(({ index: to }) =>
    to === index ? { index: to } : { index: to, channelKey: channels.get(to)!.to },
  )
  return dealShares({ sid, index, maskSecretKey: mask.secretKey, selfSeed, group, threshold, sites })
}

/** Advertise, share keys, masked input, confirm, unmask. */
const signaturesOfSite = 5

/** What one site computes besides its upload: agreement, shares, its signatures, three verifications a peer. */
function keysPhase(site: Site, all: readonly Site[], dealt: readonly ShareKeys[], threshold: number): void {
  const { channels } = pairwise(site, all)
  deal(site, channels, all, threshold)
  for (let i = 0; i < signaturesOfSite; i++) signMessage(site.identity, confirmMessage(sid, u2Hash))
  verifySignatures(site, 3 * all.length)
  all.forEach(({ index }, i) => {
    if (index === site.index) return
    const { rows, groupCommitment } = dealt[i]!
    const row = rows.find((one) => one.index === site.index)!
    if (!openShare(sid, index, site.index, channels.get(index)!.from, row, groupCommitment).held)
      throw new Error('a share does not open')
  })
}

function verifySignatures({ identity }: Site, count: number): void {
  const message = confirmMessage(sid, u2Hash)
  const signature = signMessage(identity, message)
  for (let i = 0; i < count; i++)
    if (!verifyMessage(identity.publicKey, signature, message)) throw new Error('a signature does not verify')
}

type Seeded = { readonly index: number; readonly selfSeed: Uint8Array; readonly pairs: ReadonlyMap<number, Uint8Array> }

/** Clips, quantises, masks and hashes, a frame at a time. */
function uploadOf(
  { index, selfSeed, pairs }: Seeded,
  update: Float32Array,
  quantised: Quantisation,
  watch: Stopwatch,
): (from: number, length: number) => Int32Array {
  const prepared = watch(() => prepareUpdate(update, weight, quantised, randomBytes(32)))
  const masks = siteMasks({ index, self: selfSeed, pairs }, updateName, u2Hash)
  const hash = createHash('sha256')
  return (from, length) =>
    watch(() => {
      const words = new Int32Array(length)
      quantise(words, prepared, from)
      addMasks(words, masks, from)
      hash.update(new Uint8Array(words.buffer))
      return words
    })
}

function maskedHeader({ index, selfSeed, pairs }: Seeded, cohort: number): Int32Array {
  const plain = { weight, clipped: false, clampedCoordinates: 0, lossSum: 1, contributes: true }
  const header = encodeHeader(plain, { cohort, weightMax })
  addMasks(header, siteMasks({ index, self: selfSeed, pairs }, headerName, u2Hash), 0)
  return header
}

/** What every survivor reveals. */
function revealedBy(survivors: readonly Site[], dealt: readonly ShareKeys[], keyed: readonly Keyed[]) {
  const indices = survivors.map(({ index }) => index)
  const sharers = keyed.map(({ index }) => index)
  return keyed.slice(0, survivors.length).map(({ index: to, channels }) => {
    const held = new Map(
      dealt.map(({ rows, own, groupCommitment }, i): [number, HeldShare] => {
        const from = sharers[i]!
        const row = rows.find(({ index }) => index === to)!
        return [
          from,
          from === to ? own : openShare(sid, from, to, channels.get(from)!.from, row, groupCommitment).held!,
        ]
      }),
    )
    return { from: to, shares: sharesToReveal(sharers, indices, held) }
  })
}

/** The survivors' self-mask seeds and the dropouts' mask keys, from what the survivors reveal. */
function recover(
  all: readonly Site[],
  survivors: readonly Site[],
  dealt: readonly ShareKeys[],
  threshold: number,
  revealed: ReturnType<typeof revealedBy>,
) {
  const indices = survivors.map(({ index }) => index)
  const secrets = all.map(({ index, mask }, i) => {
    const { rows, selfCommitment } = dealt[i]!
    const survived = indices.includes(index)
    const commitments = new Map(rows.map((r) => [r.index, survived ? r.selfCommitment : r.keyCommitment]))
    const shares = revealed.map(({ from, shares }) => ({ from, share: shares[i]!.share }))
    const kind = survived ? { kind: 'b' as const, selfCommitment } : { kind: 's' as const, maskKey: mask.publicKey }
    return rebuildChecked({ sid, index, threshold, commitments, ...kind }, shares).secret!
  })
  return removalSeeds({
    sid,
    survivors: survivors.map(({ index, mask }, i) => ({ index, maskKey: mask.publicKey, selfSeed: secrets[i]! })),
    dropouts: all
      .slice(survivors.length)
      .map(({ index }, i) => ({ index, maskSecretKey: secrets[survivors.length + i]! })),
  })
}

function checkHeaders(headers: readonly Int32Array[], masks: readonly Mask[], cohort: number): void {
  const sum = new Int32Array(headers[0]!.length)
  addVectors(sum, headers)
  addMasks(sum, masks, 0)
  const { weight: total } = readHeaderSum(sum, headers.length, { cohort, weightMax })
  if (total !== headers.length * weight) throw new Error('the sum of the weights is wrong')
}

function randomUpdate(parameters: number): Float32Array {
  return Float32Array.from({ length: parameters }, () => (Math.random() - 0.5) / Math.sqrt(parameters))
}

function randomWords(words: number): Int32Array {
  return new Int32Array(new Uint8Array(randomBytes(4 * words)).buffer)
}
