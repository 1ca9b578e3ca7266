/**
 * Looks for one honest site's update in all that a hostile coordinator ever had: among the solver's candidates and their
 * differences, and byte for byte in its store, its log and the messages that passed. An empty list is what every attack
 * on an update must end with.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { headerName } from '@consilium/protos/secagg/header.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { updateName } from '@consilium/protos/secagg/vectors.ts'
import { madeUpTraining } from '../made-up-trainer.ts'
import { type HostileFederation, siteNames } from './federation.ts'
import { plansOf } from './recorded.ts'
import { type Candidate, type Holders, solve } from './solver.ts'
import { exactWords } from './words.ts'

/**
 * What the coordinator can find out that it must not, a sentence each. Sites that are no agents collude with it, unless
 * others are named.
 */
export async function leaks(
  federation: HostileFederation,
  colluding: readonly SiteName[] = [...federation.hostile.keys()],
): Promise<string[]> {
  const { recorded, hostile } = federation
  const colluders = colluding.map((site) => hostile.get(site)!.me)
  const { candidates, secrets, holders } = solve(recorded, colluders)
  const isHonest = (site: SiteName) => siteNames.includes(site) && !colluding.includes(site)
  const bothRebuilt = secrets
    .filter(({ plan, site, kind }) => {
      const other = secrets.some((one) => one.plan === plan && one.site === site && one.kind === 'b')
      return kind === 's' && isHonest(site) && other
    })
    .map(({ site }) => `both secrets of ${site}`)
  return [
    ...bothRebuilt,
    ...holders.filter(({ site }) => isHonest(site)).flatMap((held) => thresholdOfBoth(federation, held)),
    ...candidates.flatMap((candidate) => tooFew(candidate, isHonest)),
    ...updatesAmong(federation, candidates, isHonest),
    ...(await updatesInDump(federation, isHonest)),
  ]
}

/** By the smallest threshold that a session of this plan could have. */
function thresholdOfBoth({ recorded }: HostileFederation, { plan: hash, site, s, b }: Holders): string[] {
  const { secure, cohort } = plansOf(recorded).get(hash)!
  const sizes = recorded.told.flatMap(({ message }) =>
    message.type === 'directory' && message.planHash === hash && message.sites.length >= 3
      ? [message.sites.length]
      : [],
  )
  const sites = Math.min(cohort.length, ...sizes)
  const threshold = Math.floor((sites + secure!.colluders) / 2) + 1
  return s.size >= threshold && b.size >= threshold ? [`a threshold of shares of both secrets of ${site}`] : []
}

/** The header's ones tell whether every mask of a sum is gone; then it must be of two honest sites or more. */
function tooFew({ sites, vectors }: Candidate, isHonest: (site: SiteName) => boolean): string[] {
  const ones = vectors.get(headerName)!.subarray(0, 4)
  const isOpen = ones[0] !== 0 && Math.abs(ones[0]!) <= sites.length && ones.every((word) => word === ones[0])
  if (!isOpen || sites.filter(isHonest).length >= 2) return []
  return sites.some(isHonest) ? [`the open header of ${sites.join(' and ')}`] : []
}

/** Candidates, and differences of two on the same parameters, that are one honest site's update. */
function updatesAmong(
  { manifests }: HostileFederation,
  candidates: readonly Candidate[],
  isHonest: (site: SiteName) => boolean,
): string[] {
  const trained = candidates.filter(({ vectors }) => vectors.has(updateName))
  const values = trained.map(({ plan, sites, vectors }) => {
    const { scale } = roundQuantisation(plan, manifests.get(plan.study)!.study)
    const mean = Float64Array.from(vectors.get(updateName)!, (word) => word / scale)
    return { plan, sites, mean, level: 1 / scale }
  })
  const found = new Set<string>()
  for (const [i, one] of values.entries()) {
    const others = values.slice(0, i).filter(({ plan }) => plan.model === one.plan.model && plan !== one.plan)
    const differences = others.map(({ sites, mean }) => ({
      of: `${one.sites.join('+')} less ${sites.join('+')}`,
      mean: one.mean.map((value, k) => value - mean[k]!),
    }))
    for (const { of, mean } of [{ of: one.sites.join('+'), mean: one.mean }, ...differences])
      for (const site of one.plan.cohort.filter(isHonest))
        if (isUpdate(mean, site, one.plan, one.level, manifests))
          found.add(`the update of ${site} in round ${one.plan.round} is ${of}`)
  }
  return [...found]
}

function isUpdate(
  mean: Float64Array,
  site: SiteName,
  plan: RoundPlan,
  level: number,
  manifests: HostileFederation['manifests'],
): boolean {
  const exact = exactWords(siteNames.indexOf(site), plan, manifests.get(plan.study)!)
  const close = (sign: 1 | -1) =>
    mean.filter((value, i) => Math.abs(sign * value - exact[i]! * level) <= 6 * level).length
  return Math.max(close(1), close(-1)) > mean.length / 2
}

/** Runs of numbers of the update, as floats or as levels, anywhere in what the coordinator has. */
async function updatesInDump(federation: HostileFederation, isHonest: (site: SiteName) => boolean): Promise<string[]> {
  const { recorded, manifests } = federation
  const kept = [recorded.heard, recorded.uploads, [...recorded.stored.values()], await federation.allEntries()]
  const dump = Buffer.concat(kept.flatMap(bytesIn).flatMap((bytes) => [bytes, Buffer.alloc(4)]))
  const aligned = [0, 1, 2, 3].map((from) => {
    const length = Math.floor((dump.length - from) / 4)
    return new Int32Array(new Uint8Array(dump.subarray(from, from + 4 * length)).buffer)
  })
  // A forged plan of an unknown study is one that nobody can have worked for.
  const trained = [...plansOf(recorded).values()].filter(
    ({ purpose, study }) => purpose === 'train' && manifests.has(study),
  )
  const distinct = new Map(trained.map((plan) => [`${plan.study} ${plan.model} ${plan.cohort.length}`, plan]))
  return [...distinct.values()].flatMap((plan) =>
    plan.cohort.filter(isHonest).flatMap((site) => {
      const manifest = manifests.get(plan.study)!
      const number = siteNames.indexOf(site)
      const { update } = madeUpTraining(number, plan.model, manifest)
      const words = exactWords(number, plan, manifest)
      return holdsFloats(dump, update) || aligned.some((all) => holdsWords(all, words))
        ? [`the update of ${site} in round ${plan.round} stands in what the coordinator keeps`]
        : []
    }),
  )
}

const runLength = 6

function holdsFloats(dump: Buffer, update: Float32Array): boolean {
  const all = Buffer.from(update.buffer, update.byteOffset, update.byteLength)
  return [0, 80].some((from) => dump.includes(all.subarray(from, from + 4 * runLength)))
}

/** Three levels off at most. */
function holdsWords(all: Int32Array, words: Float64Array): boolean {
  const [first, next] = [words[0]!, words.subarray(1, runLength)]
  for (let at = 0; at <= all.length - runLength; at++)
    if (Math.abs(all[at]! - first) <= 3 && next.every((word, i) => Math.abs(all[at + 1 + i]! - word) <= 3)) return true
  return false
}

/** Every byte string in a value, and what its texts encode, where it is long enough to hold a run. */
function bytesIn(value: unknown): Buffer[] {
  if (value instanceof Uint8Array) return value.length < 4 * runLength ? [] : [Buffer.from(value)]
  if (typeof value === 'string')
    return [Buffer.from(value), Buffer.from(value, 'base64'), Buffer.from(value, 'hex')].flatMap(bytesIn)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(bytesIn)
  return []
}
