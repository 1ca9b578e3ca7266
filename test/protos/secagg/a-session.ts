/**
 * A secure round of any size in one process, phase by phase as both ends will run it, without transport and signatures:
 * what drops out, who lies and what is added up are the test's choice.
 */
import { createHash } from 'node:crypto'
import { encodeHeader, type HeaderPlan, headerName } from '@consilium/protos/secagg/header.ts'
import {
  type AgreementKeyPair,
  agree,
  channelKey,
  generateAgreementKeys,
  pairSeed,
} from '@consilium/protos/secagg/keys.ts'
import { siteMasks } from '@consilium/protos/secagg/mask.ts'
import { addMasks, addVectors } from '@consilium/protos/secagg/mask-stream.ts'
import { dealShares, type HeldShare, openShare, type ShareKeys } from '@consilium/protos/secagg/sealed-share.ts'
import {
  advertisedBody,
  messageHash,
  type Revealed,
  shareKeysMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { sessionThresholds, type Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import { sessionId, sharersHash } from '@consilium/protos/secagg/transcript.ts'
import {
  type Culprit,
  rebuildChecked,
  removalMasks,
  removalSeeds,
  sharesToReveal,
} from '@consilium/protos/secagg/unmask.ts'

export const vectors = [headerName, 'update'] as const
export type Words = Readonly<Record<(typeof vectors)[number], Int32Array>>

type SiteKeys = Readonly<Record<'channel' | 'mask', AgreementKeyPair> & Record<'selfSeed' | 'group', Uint8Array>>

/** Key agreement is the slow part: the keys are drawn once, and what two of them agree on is kept. */
const keysByIndex = new Map<number, SiteKeys>()
const agreed = new Map<string, Uint8Array>()

export function keysOf(index: number): SiteKeys {
  const known = keysByIndex.get(index)
  if (known) return known
  const drawn = (what: string) => new Uint8Array(createHash('sha256').update(`${what} ${index}`).digest())
  const [selfSeed, group] = [drawn('self seed'), drawn('group')]
  const keys = { channel: generateAgreementKeys(), mask: generateAgreementKeys(), selfSeed, group }
  keysByIndex.set(index, keys)
  return keys
}

function agreedBy(which: 'channel' | 'mask', one: number, other: number): Uint8Array {
  const [low, high] = [Math.min(one, other), Math.max(one, other)]
  const name = `${which} ${low} ${high}`
  const known = agreed.get(name)
  if (known) return known
  const shared = agree(keysOf(low)[which].secretKey, keysOf(high)[which].publicKey)
  agreed.set(name, shared)
  return shared
}

export type Sharing = {
  readonly sid: Uint8Array
  readonly thresholds: Thresholds
  readonly sharers: readonly number[]
  readonly u2Hash: Uint8Array
  readonly dealt: ReadonlyMap<number, ShareKeys>
  /** By holder, then by dealer. */
  readonly held: ReadonlyMap<number, ReadonlyMap<number, HeldShare>>
}

/** Advertise keys and share keys: U1 advertised, U2 shared. Throws where the thresholds refuse U1. */
export function shareKeys(
  u1: readonly number[],
  sharers: readonly number[],
  plan: { readonly colluders: number; readonly survivorsMin: number },
  salt: number,
): Sharing {
  const thresholds = sessionThresholds(u1.length, plan)
  const sid = sessionId(
    filled(1),
    filled(2),
    u1.map((index) => advertisement(index, salt)),
  )
  const dealt = new Map(sharers.map((index) => [index, deal(sid, index, u1, thresholds.threshold)]))
  const hashes = sharers.map((index) => {
    const keys = dealt.get(index)!
    return { index, shareKeysHash: messageHash(shareKeysMessage(sid, index, keys, keys.rows)) }
  })
  const held = new Map(sharers.map((to) => [to, openAll(sid, to, dealt)]))
  return { sid, thresholds, sharers, u2Hash: sharersHash(sid, hashes), dealt, held }
}

/** Collect updates: the words of one site under its masks. */
export function maskedBy(index: number, words: Words, { sid, sharers, u2Hash }: Omit<Sharing, 'thresholds'>): Words {
  const peers = sharers.filter((peer) => peer !== index)
  const pairs = new Map(peers.map((peer) => [peer, pairSeed(agreedBy('mask', index, peer), sid, index, peer)]))
  const seeds = { index, self: keysOf(index).selfSeed, pairs }
  const mask = (vector: keyof Words) => {
    const masked = words[vector].slice()
    addMasks(masked, siteMasks(seeds, vector, u2Hash), 0)
    return masked
  }
  return { hdr: mask('hdr'), update: mask('update') }
}

/** Unmask, first half: what each of `revealers` reveals. */
export function reveal(
  sharing: Sharing,
  survivors: readonly number[],
  revealers: readonly number[],
): Map<number, Revealed[]> {
  return new Map(
    revealers.map((index) => [index, sharesToReveal(sharing.sharers, survivors, sharing.held.get(index)!)]),
  )
}

export type Unmasked = { readonly sum: Words | undefined; readonly culprits: readonly Culprit[] }

/** Unmask, second half, at the coordinator: the sum of the survivors without masks, or nothing. */
export function unmask(
  sharing: Sharing,
  uploads: ReadonlyMap<number, Words>,
  revealed: ReadonlyMap<number, readonly Revealed[]>,
): Unmasked {
  const { sid, sharers, u2Hash } = sharing
  const rebuilt = new Map(sharers.map((index) => [index, rebuild(sharing, index, uploads.has(index), revealed)]))
  const culprits = [...rebuilt.values()].flatMap((one) => one.culprits)
  if ([...rebuilt.values()].some(({ secret }) => !secret)) return { sum: undefined, culprits }
  const secretOf = (index: number) => rebuilt.get(index)!.secret!
  const seeds = removalSeeds({
    sid,
    survivors: [...uploads.keys()].map((index) => ({
      index,
      maskKey: keysOf(index).mask.publicKey,
      selfSeed: secretOf(index),
    })),
    dropouts: sharers
      .filter((index) => !uploads.has(index))
      .map((index) => ({ index, maskSecretKey: secretOf(index) })),
  })
  const sumOf = (vector: keyof Words) => {
    const masked = [...uploads.values()].map((words) => words[vector])
    const sum = new Int32Array(masked[0]!.length)
    addVectors(sum, masked)
    addMasks(sum, removalMasks(seeds, vector, u2Hash), 0)
    return sum
  }
  return { sum: { hdr: sumOf('hdr'), update: sumOf('update') }, culprits }
}

/** The secret that the round rebuilds of one sharer. */
export function rebuild(
  { sid, thresholds, dealt }: Sharing,
  index: number,
  survived: boolean,
  revealed: ReadonlyMap<number, readonly Revealed[]>,
) {
  const { rows, selfCommitment } = dealt.get(index)!
  const shares = [...revealed].flatMap(([from, all]) =>
    all.filter((one) => one.index === index).map(({ share }) => ({ from, share })),
  )
  const common = { sid, index, threshold: thresholds.threshold }
  return survived
    ? rebuildChecked(
        { ...common, kind: 'b', selfCommitment, commitments: new Map(rows.map((r) => [r.index, r.selfCommitment])) },
        shares,
      )
    : rebuildChecked(
        {
          ...common,
          kind: 's',
          maskKey: keysOf(index).mask.publicKey,
          commitments: new Map(rows.map((r) => [r.index, r.keyCommitment])),
        },
        shares,
      )
}

export const headerPlan: HeaderPlan = { cohort: 30, weightMax: 1000 }

/** Words that no masking may disturb: a header, and full 32-bit values that depend on site and place. */
export function wordsOf(index: number, length: number, salt: number): Words {
  const header = {
    weight: 1 + ((index * 37) % 1000),
    clipped: index % 3 === 0,
    clampedCoordinates: index,
    lossSum: index / 4,
    contributes: true,
  }
  const update = new Int32Array(length)
  for (let i = 0; i < length; i++) update[i] = Math.imul(index * 1000 + i + salt, 0x9e3779b1)
  return { hdr: encodeHeader(header, headerPlan), update }
}

export function sumOfWords(all: readonly Words[]): Words {
  const sum = { hdr: new Int32Array(all[0]!.hdr.length), update: new Int32Array(all[0]!.update.length) }
  for (const vector of vectors)
    for (const words of all) for (let i = 0; i < sum[vector].length; i++) sum[vector][i]! += words[vector][i]!
  return sum
}

function advertisement(index: number, salt: number) {
  const { channel, mask } = keysOf(index)
  const nonce = new Uint8Array(16).fill(salt)
  const ledger = { epoch: 1, number: 1, head: filled(5) }
  const body = { index, channelKey: channel.publicKey, maskKey: mask.publicKey, nonce, modelHash: filled(4), ledger }
  return { index, body: advertisedBody(body), signature: new Uint8Array(64) }
}

function deal(sid: Uint8Array, index: number, u1: readonly number[], threshold: number): ShareKeys {
  const { mask, selfSeed, group } = keysOf(index)
  const sites = u1.map((to) =>
    to === index
      ? { index: to }
      : { index: to, channelKey: channelKey(agreedBy('channel', index, to), sid, index, to) },
  )
  return dealShares({ sid, index, maskSecretKey: mask.secretKey, selfSeed, group, threshold, sites })
}

function openAll(sid: Uint8Array, to: number, dealt: ReadonlyMap<number, ShareKeys>): Map<number, HeldShare> {
  return new Map(
    [...dealt].map(([from, { rows, own, groupCommitment }]) => {
      if (from === to) return [from, own]
      const row = rows.find(({ index }) => index === to)!
      const channel = channelKey(agreedBy('channel', from, to), sid, from, to)
      return [from, openShare(sid, from, to, channel, row, groupCommitment).held!]
    }),
  )
}

function filled(value: number): Uint8Array {
  return new Uint8Array(32).fill(value)
}
