/**
 * What secure aggregation costs in processor time, at one site and at the coordinator, against cohort size and parameter
 * count, with and without a dropout: keys, masks, sums, hashes and signatures, chunk by chunk as in a round, no transport.
 * Every round played here is checked: its unmasked header must count the survivors.
 */
import { createHash, randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { dequantise, prepareUpdate, quantisation, quantise } from '@consilium/protos/secagg/fixed-point.ts'
import { encodeHeader, headerName, readHeaderSum } from '@consilium/protos/secagg/header.ts'
import {
  agreementFor,
  agreeWithNode,
  channelKey,
  generateAgreementKeys,
  pairSeed,
} from '@consilium/protos/secagg/keys.ts'
import { siteMasks } from '@consilium/protos/secagg/mask.ts'
import { addMasks, addVectors, type Mask } from '@consilium/protos/secagg/mask-stream.ts'
import { dealShares, type HeldShare, openShare, type ShareKeys } from '@consilium/protos/secagg/sealed-share.ts'
import { confirmMessage, signMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { defaultColluders, defaultSurvivorsMin, sessionThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { rebuildChecked, removalMasks, removalSeeds, sharesToReveal } from '@consilium/protos/secagg/unmask.ts'
import type { BenchOptions, BenchResult } from './main.ts'

type Case = { readonly sites: number; readonly parameters: number; readonly dropouts: number }
type Cost = { readonly keys: number; readonly site: number; readonly coordinator: number }

const cases: readonly Case[] = [
  { sites: 4, parameters: 1_000_000, dropouts: 0 },
  { sites: 10, parameters: 1_000_000, dropouts: 0 },
  { sites: 10, parameters: 1_000_000, dropouts: 1 },
  { sites: 20, parameters: 1_000_000, dropouts: 1 },
  { sites: 50, parameters: 1_000_000, dropouts: 1 },
  { sites: 10, parameters: 10_000_000, dropouts: 0 },
  { sites: 10, parameters: 10_000_000, dropouts: 1 },
]
const repeats = 3
/** The frames in which an upload travels: 1 MiB. */
const frameWords = 256 * 1024
const sid = new Uint8Array(32).fill(1)
const u2Hash = new Uint8Array(32).fill(2)
const weight = 512
const weightMax = 1024

export async function run({ json }: BenchOptions): Promise<BenchResult> {
  playRound({ sites: 4, parameters: 500_000, dropouts: 1 })
  const rows: Record<string, string | number>[] = [maskingRow(8, 11_700_000), summingRow(8, 11_700_000)]
  for (const benchCase of cases) {
    const costs = Array.from({ length: repeats }, () => playRound(benchCase))
    rows.push({
      what: 'round',
      ...benchCase,
      'site keys s': median(costs.map(({ keys }) => keys)),
      'site s': median(costs.map(({ keys, site }) => keys + site)),
      'coordinator s': median(costs.map(({ coordinator }) => coordinator)),
    })
    if (!json) console.error(`${benchCase.sites} sites, ${benchCase.parameters} parameters: done`)
  }
  return {
    name: 'secagg',
    rows,
    notes: [
      `Seconds of processor time (user and system, all threads) in one process, median of ${repeats}; ${cpus()[0]?.model ?? 'unknown processor'}.`,
      'Site: key agreement, sealing and opening shares, signing and verifying (site keys), then clipping, quantising with stochastic rounding, masking, SHA-256. Coordinator: SHA-256 of every upload, sums, rebuilding secrets, taking masks off, the weighted mean.',
      'An upload has 4 bytes a parameter and 64 bytes of header vector; no transport is measured here.',
    ],
  }
}

/** A site's vector masked among `sites`, quantised beforehand. */
function maskingRow(sites: number, parameters: number): Record<string, string | number> {
  const pairs = new Map(Array.from({ length: sites - 1 }, (_, i) => [i + 2, randomBytes(32)]))
  const masks = siteMasks({ index: 1, self: randomBytes(32), pairs }, 'update', u2Hash)
  const words = new Int32Array(parameters)
  const seconds = repeated(() => addMasks(words, masks, 0))
  return { what: 'masking alone', sites, parameters, 'site s': seconds }
}

function summingRow(sites: number, parameters: number): Record<string, string | number> {
  const uploads = Array.from({ length: sites }, (_, i) => new Int32Array(parameters).fill(i + 1))
  const sum = new Int32Array(parameters)
  const seconds = repeated(() => {
    for (let from = 0; from < parameters; from += frameWords)
      addVectors(
        sum.subarray(from, from + frameWords),
        uploads.map((words) => words.subarray(from, from + frameWords)),
      )
  })
  return { what: 'sum alone', sites, parameters, 'coordinator s': seconds }
}

/** One round; site 1 stands for the sites, the last ones drop out while uploading. */
function playRound({ sites, parameters, dropouts }: Case): Cost {
  const plan = { colluders: defaultColluders(sites), survivorsMin: defaultSurvivorsMin(sites) }
  const { threshold } = sessionThresholds(sites, plan)
  const all = Array.from({ length: sites }, (_, i) => aSite(i + 1))
  const survivors = all.slice(0, sites - dropouts)
  const keyed = all.map((site) => ({ ...site, ...pairwise(site, all, agreeWithNode) }))
  const dealt = keyed.map(({ channels, ...site }) => deal(site, channels, all, threshold))
  const [keysOfSite] = timed(() => keysPhase(all[0]!, all, dealt, threshold))
  const [update, work] = [randomUpdate(parameters), uploadOf(survivors.length, parameters)]
  const site = stopwatch()
  const coordinator = stopwatch()
  const uploads = keyed.slice(0, survivors.length).map((one, i) => work(one, update, i === 0 ? site : undefined))
  const hashes = survivors.map(() => createHash('sha256'))
  const revealed = revealedBy(survivors, dealt, keyed)
  const seeds = coordinator(() => recover(all, survivors, dealt, threshold, revealed))
  const masks = removalMasks(seeds, 'update', u2Hash)
  const mean = new Float64Array(frameWords)
  const { quantised } = work
  for (let from = 0; from < parameters; from += frameWords) {
    const length = Math.min(frameWords, parameters - from)
    const frames = uploads.map(({ frame }) => frame(from, length))
    coordinator(() => {
      const sum = new Int32Array(length)
      frames.forEach((frame, i) => {
        hashes[i]!.update(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength))
      })
      addVectors(sum, frames)
      addMasks(sum, masks, from)
      dequantise(mean.subarray(0, length), sum, quantised, weight * survivors.length)
    })
  }
  checkHeaders(
    uploads.map(({ header }) => header),
    removalMasks(seeds, headerName, u2Hash),
  )
  return { keys: keysOfSite, site: site.seconds(), coordinator: coordinator.seconds() }
}

type Site = ReturnType<typeof aSite>
type Keyed = { readonly index: number; readonly channels: ReturnType<typeof pairwise>['channels'] }

function aSite(index: number) {
  const [identity, channel, mask] = [generateIdentity(), generateAgreementKeys(), generateAgreementKeys()]
  return { index, identity, channel, mask, selfSeed: new Uint8Array(randomBytes(32)) }
}

/** Channel keys to every peer, and the seeds of the masks shared with them. */
function pairwise(site: Site, all: readonly Site[], agree: typeof agreeWithNode) {
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
  const { index, mask, selfSeed } = site
  const sites = all.map(({ index: to }) =>
    to === index ? { index: to } : { index: to, channelKey: channels.get(to)!.to },
  )
  return dealShares({ sid, index, maskSecretKey: mask.secretKey, selfSeed, threshold, sites })
}

/** What one site computes besides its upload: agreement, shares, five signatures, three verifications a peer. */
function keysPhase(site: Site, all: readonly Site[], dealt: readonly ShareKeys[], threshold: number): void {
  const { channels } = pairwise(site, all, agreementFor(all.length - 1))
  deal(site, channels, all, threshold)
  const message = confirmMessage(sid, u2Hash)
  const signature = signMessage(site.identity, message)
  for (let i = 1; i < 5; i++) signMessage(site.identity, message)
  all.forEach(({ index }, i) => {
    for (let kind = 0; kind < 3; kind++) verifyMessage(site.identity.publicKey, signature, message)
    if (index === site.index) return
    const row = dealt[i]!.rows.find((one) => one.index === site.index)!
    if (!openShare(sid, index, site.index, channels.get(index)!.from, row).held)
      throw new Error('a share does not open')
  })
}

/** Clips, quantises, masks and hashes frame by frame. */
function uploadOf(cohort: number, parameters: number) {
  const quantised = quantisation({ cohort, updateNormMax: 1, weightMax, rounding: 'stochastic' })
  const start = (
    site: { index: number; selfSeed: Uint8Array; pairs: ReadonlyMap<number, Uint8Array> },
    update: Float32Array,
    watch: Stopwatch = stopwatch(),
  ) => {
    const seeds = { index: site.index, self: site.selfSeed, pairs: site.pairs }
    const prepared = watch(() => prepareUpdate(update, weight, quantised, randomBytes(32)))
    const masks = siteMasks(seeds, 'update', u2Hash)
    const hash = createHash('sha256')
    const header = encodeHeader({ weight, clipped: false, clampedCoordinates: 0, loss: 1 }, headerPlanOf(cohort))
    addMasks(header, siteMasks(seeds, headerName, u2Hash), 0)
    const frame = (from: number, length: number) =>
      watch(() => {
        const words = new Int32Array(length)
        quantise(words, prepared, from)
        addMasks(words, masks, from)
        hash.update(new Uint8Array(words.buffer))
        return words
      })
    return { header, frame, parameters }
  }
  return Object.assign(start, { quantised })
}

/** What every survivor reveals. */
function revealedBy(survivors: readonly Site[], dealt: readonly ShareKeys[], keyed: readonly Keyed[]) {
  const indices = survivors.map(({ index }) => index)
  const sharers = keyed.map(({ index }) => index)
  return keyed.slice(0, survivors.length).map(({ index: to, channels }) => {
    const held = new Map(
      dealt.map(({ rows, own }, i): [number, HeldShare] => {
        const from = sharers[i]!
        const row = rows.find(({ index }) => index === to)!
        return [from, from === to ? own : openShare(sid, from, to, channels.get(from)!.from, row).held!]
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

function checkHeaders(headers: readonly Int32Array[], masks: readonly Mask[]): void {
  const sum = new Int32Array(headers[0]!.length)
  addVectors(sum, headers)
  addMasks(sum, masks, 0)
  const { weight: total } = readHeaderSum(sum, headers.length, headerPlanOf(headers.length))
  if (total !== headers.length * weight) throw new Error('the sum of the weights is wrong')
}

function headerPlanOf(cohort: number) {
  return { cohort, weightMax, lossMax: 100 }
}

function randomUpdate(parameters: number): Float32Array {
  return Float32Array.from({ length: parameters }, () => (Math.random() - 0.5) / Math.sqrt(parameters))
}

type Stopwatch = ReturnType<typeof stopwatch>

/** Adds up the processor time of what it is given to run. */
function stopwatch() {
  let total = 0
  const watch = <T>(work: () => T): T => {
    const [seconds, result] = timed(work)
    total += seconds
    return result
  }
  return Object.assign(watch, { seconds: () => total })
}

function timed<T>(work: () => T): [number, T] {
  const start = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(start)
  return [(user + system) / 1e6, result]
}

function repeated(work: () => void): number {
  work()
  return median(Array.from({ length: 2 * repeats + 1 }, () => timed(work)[0]))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Number(sorted[Math.floor(sorted.length / 2)]!.toFixed(3))
}
