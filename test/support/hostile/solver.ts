/**
 * What a hostile coordinator can make of all it was ever sent, and of all that sites who collude with it know: it rebuilds
 * every secret that any combination of shares gives, and takes every mask it then knows off every combination of uploads.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { agree, maskKey, pairSeed } from '@consilium/protos/secagg/keys.ts'
import { pairSign } from '@consilium/protos/secagg/mask.ts'
import { addMasks, type Mask } from '@consilium/protos/secagg/mask-stream.ts'
import { rebuildSecret } from '@consilium/protos/secagg/shamir.ts'
import {
  rosterHash,
  type ShareKind,
  selfCommitment,
  sessionId,
  sharersHash,
} from '@consilium/protos/secagg/transcript.ts'
import type { SecureSite } from '../secure-sites.ts'
import { plansOf, type Recorded, type Uploaded } from './recorded.ts'

/** A sum of uploads with every known mask taken off. */
export type Candidate = {
  /** Of the first upload. */
  readonly plan: RoundPlan
  readonly sites: readonly SiteName[]
  /** Words by the vector's name. */
  readonly vectors: ReadonlyMap<string, Int32Array>
}

export type Secret = {
  readonly plan: Sha256
  readonly site: SiteName
  readonly kind: ShareKind
  readonly bytes: Uint8Array
}

/** Sites from which the coordinator has a share of this secret. */
export type Holders = {
  readonly plan: Sha256
  readonly site: SiteName
  readonly s: ReadonlySet<number>
  readonly b: ReadonlySet<number>
}

export type Solution = {
  readonly candidates: readonly Candidate[]
  readonly secrets: readonly Secret[]
  readonly holders: readonly Holders[]
}

export function solve(recorded: Recorded, colluders: readonly SecureSite[] = []): Solution {
  const plans = plansOf(recorded)
  const holders: Holders[] = []
  const secrets: Secret[] = []
  for (const [hash, plan] of plans) {
    const shares = sharesOf(recorded, hash, plan, colluders)
    plan.cohort.forEach((site, i) => {
      const ofSite = shares.filter(({ of }) => of === i + 1)
      const from = (kind: ShareKind) => new Set(ofSite.flatMap((share) => (share.kind === kind ? [share.from] : [])))
      holders.push({ plan: hash, site, s: from('s'), b: from('b') })
      secrets.push(...rebuild(recorded, hash, plan, site, ofSite))
    })
    for (const { name, session } of colluders) {
      const own = session(hash)
      if (own) secrets.push({ plan: hash, site: name, kind: 's', bytes: own.mask.secretKey })
      if (own) secrets.push({ plan: hash, site: name, kind: 'b', bytes: own.selfSeed })
    }
  }
  const opened = recorded.uploads.flatMap((upload) => unmask(recorded, plans, upload, secrets))
  const ofRound = Map.groupBy(opened, ({ plan: { run, round, purpose } }) => `${run} ${round} ${purpose}`)
  const candidates = [...ofRound.values()].flatMap((uploads) => subsets(uploads).map(sum))
  return { candidates, secrets, holders }
}

type Share = { readonly from: number; readonly of: number; readonly kind: ShareKind; readonly share: Uint8Array }

/** Every share that was revealed, and both of every dealer's that a colluding site holds. */
function sharesOf(
  { heard }: Recorded,
  hash: Sha256,
  plan: RoundPlan,
  colluders: readonly SecureSite[],
): readonly Share[] {
  const revealed = heard.flatMap(({ site, message }) => {
    if (message.type !== 'unmask' || message.planHash !== hash) return []
    const from = plan.cohort.indexOf(site) + 1
    return message.revealed.map(({ index: of, kind, share }) => ({ from, of, kind, share }))
  })
  const held = colluders.flatMap(({ name, session }) => {
    const from = plan.cohort.indexOf(name) + 1
    return [...(session(hash)?.held ?? [])].flatMap(([of, { s, b }]): Share[] => [
      { from, of, kind: 's', share: s },
      { from, of, kind: 'b', share: b },
    ])
  })
  const all = [...revealed, ...held]
  const named = new Map(all.map((one) => [`${one.from} ${one.of} ${Buffer.from(one.share).toString('hex')}`, one]))
  return [...named.values()]
}

/** The secrets of one site that some combination of its shares, of whatever kinds, gives. */
function rebuild(recorded: Recorded, plan: Sha256, of: RoundPlan, site: SiteName, shares: readonly Share[]): Secret[] {
  const found = new Map<ShareKind, Secret>()
  const index = of.cohort.indexOf(site) + 1
  const keys = maskKeysOf(recorded, plan, site)
  const commitments = commitmentsOf(recorded, plan, site)
  const sids = of.cohort.flatMap((other) => sessionsShown(recorded, plan, of, other))
  for (const some of subsets(shares)) {
    if (some.length < 2 || new Set(some.map(({ from }) => from)).size !== some.length) continue
    const bytes = rebuildSecret(some.map(({ from, share }) => ({ index: from, bytes: share })))
    if (!found.has('s') && keys.some((key) => key.equals(publicKeyOf(bytes))))
      found.set('s', { plan, site, kind: 's', bytes })
    const isSeed = () => sids.some((sid) => commitments.some((one) => one.equals(selfCommitment(sid, index, bytes))))
    if (!found.has('b') && isSeed()) found.set('b', { plan, site, kind: 'b', bytes })
  }
  return [...found.values()]
}

type Opened = Candidate & { readonly plan: RoundPlan }

/** One upload without the masks that are known, once for each set of sharers the site was ever shown. */
function unmask(
  recorded: Recorded,
  plans: ReadonlyMap<Sha256, RoundPlan>,
  { site, planHash: hash, bytes }: Uploaded,
  secrets: readonly Secret[],
): Opened[] {
  const plan = plans.get(hash)
  if (!plan) return []
  const index = plan.cohort.indexOf(site) + 1
  return sharersShown(recorded, hash, plan, site).map((shown) => {
    const vectors = new Map<string, Int32Array>()
    let at = 0
    for (const { name, words: length } of plan.secure!.vectors) {
      const whole = Buffer.alloc(4 * length)
      bytes.copy(whole, 0, at, at + 4 * length)
      at += 4 * length
      const words = new Int32Array(new Uint8Array(whole).buffer)
      addMasks(words, knownMasks(recorded, hash, plan, index, shown, name, secrets), 0)
      vectors.set(name, words)
    }
    return { plan, sites: [site], vectors }
  })
}

/** One site's view of a session, as the coordinator showed it. */
export type Shown = { readonly sid: Uint8Array; readonly u2Hash: Uint8Array; readonly sharers: readonly number[] }

/** With the sign that takes them off. */
function knownMasks(
  recorded: Recorded,
  hash: Sha256,
  { cohort }: RoundPlan,
  index: number,
  { sid, u2Hash, sharers }: Shown,
  vector: string,
  secrets: readonly Secret[],
): Mask[] {
  const known = (of: number, kind: ShareKind) =>
    secrets.filter((one) => one.plan === hash && one.kind === kind && one.site === cohort[of - 1])[0]?.bytes
  const own = known(index, 'b')
  const selves: Mask[] = own ? [{ key: maskKey(own, 'self', vector, u2Hash), sign: -1 }] : []
  const pairs = sharers.flatMap((peer): Mask[] => {
    if (peer === index) return []
    const holder = known(index, 's') ? index : peer
    const secret = known(holder, 's')
    const key = secret && maskKeysOf(recorded, hash, cohort[(holder === index ? peer : index) - 1]!)[0]
    if (!key) return []
    const seed = pairSeed(agree(secret, key), sid, index, peer)
    return [{ key: maskKey(seed, 'pair', vector, u2Hash), sign: pairSign(index, peer) === 1 ? -1 : 1 }]
  })
  return [...selves, ...pairs]
}

function sum(uploads: readonly Opened[]): Candidate {
  const { plan, vectors } = uploads[0]!
  const total = new Map([...vectors].map(([name, words]) => [name, words.slice()]))
  for (const other of uploads.slice(1))
    for (const [name, words] of total)
      other.vectors.get(name)?.forEach((word, i) => {
        if (i < words.length) words[i] = words[i]! + word
      })
  return { plan, sites: uploads.flatMap(({ sites }) => sites).sort(), vectors: total }
}

function maskKeysOf({ heard }: Recorded, hash: Sha256, site: SiteName): Buffer[] {
  return distinct(
    heard.flatMap(({ site: from, message }) =>
      from === site && message.type === 'advertise' && message.planHash === hash
        ? attempt(() => readAdvertisement(message.body).maskKey)
        : [],
    ),
  )
}

function commitmentsOf({ heard }: Recorded, hash: Sha256, site: SiteName): Buffer[] {
  return distinct(
    heard.flatMap(({ site: from, message }) =>
      from === site && message.type === 'share-keys' && message.planHash === hash ? [message.selfCommitment] : [],
    ),
  )
}

function sessionsShown({ told }: Recorded, hash: Sha256, plan: RoundPlan, site: SiteName): Buffer[] {
  const entries = plan.cohort.map((name, i) => ({
    index: i + 1,
    name,
    publicKey: Buffer.from(plan.secure!.roster[i]!, 'base64'),
  }))
  return distinct(
    told.flatMap(({ site: to, message }) =>
      to === site && message.type === 'directory' && message.planHash === hash
        ? attempt(() => sessionId(Buffer.from(hash, 'hex'), rosterHash(entries), message.sites))
        : [],
    ),
  )
}

export function sharersShown(recorded: Recorded, hash: Sha256, plan: RoundPlan, site: SiteName): Shown[] {
  const lists = recorded.told.flatMap(({ site: to, message }) =>
    to === site && message.type === 'shares' && message.planHash === hash ? [message.sharers] : [],
  )
  const shown = sessionsShown(recorded, hash, plan, site).flatMap((sid) =>
    lists.flatMap((sharers) =>
      attempt(() => ({ sid, u2Hash: sharersHash(sid, sharers), sharers: sharers.map(({ index }) => index) })),
    ),
  )
  return [...new Map(shown.map((one) => [Buffer.from(one.u2Hash).toString('hex'), one])).values()]
}

function publicKeyOf(secretKey: Uint8Array): Buffer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secretKey])
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-32)
}

/** What the coordinator told may be no list at all: then it leads nowhere. */
function attempt<Value>(make: () => Value): Value[] {
  try {
    return [make()]
  } catch {
    return []
  }
}

function distinct(all: readonly Uint8Array[]): Buffer[] {
  return [...new Set(all.map((one) => Buffer.from(one).toString('hex')))].map((hex) => Buffer.from(hex, 'hex'))
}

/** All but the empty one; of at most 10 things. */
function subsets<Thing>(all: readonly Thing[]): Thing[][] {
  const few = all.slice(0, 10)
  return Array.from({ length: 2 ** few.length - 1 }, (_, i) => few.filter((_, bit) => ((i + 1) >> bit) & 1))
}
