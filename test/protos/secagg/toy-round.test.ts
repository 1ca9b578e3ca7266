/**
 * Every hash, key, mask, share, tag and sum of a round of five sites, in which one drops out before it shares its keys and
 * one after, as an independent implementation in Python made it (test/vectors/make_secagg_round.py): byte for byte.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { dequantise, prepareUpdate, quantisation, quantise } from '@consilium/protos/secagg/fixed-point.ts'
import { encodeHeader } from '@consilium/protos/secagg/header.ts'
import { agree, agreementPublicKey, channelKey, maskKey, pairSeed } from '@consilium/protos/secagg/keys.ts'
import { siteMasks } from '@consilium/protos/secagg/mask.ts'
import { addMasks, addVectors, keystream } from '@consilium/protos/secagg/mask-stream.ts'
import { dealShares, type HeldShare, openShare, type ReceivedKeys } from '@consilium/protos/secagg/sealed-share.ts'
import { nextLedgerHead } from '@consilium/protos/secagg/session-ledger.ts'
import { interpolate, rebuildSecret } from '@consilium/protos/secagg/shamir.ts'
import {
  advertisedBody,
  advertiseMessage,
  confirmMessage,
  inputMessage,
  messageHash,
  type SharedTo,
  type SignedMessage,
  shareKeysMessage,
  signMessage,
  verifyMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { addHeader, areTagsRight, groupSecret, sumTagger, withTags } from '@consilium/protos/secagg/sum-tags.ts'
import {
  groupCommitment,
  rosterHash,
  selfCommitment,
  sessionId,
  sharersHash,
  survivorsHash,
  uploadRoot,
} from '@consilium/protos/secagg/transcript.ts'
import { rebuildChecked, removalMasks, removalSeeds, sharesToReveal } from '@consilium/protos/secagg/unmask.ts'
import { describe, expect, test } from 'vitest'

type Site = Readonly<
  Record<
    | 'ed25519_seed'
    | 'ed25519_pub'
    | 'c_sk'
    | 'c_pk'
    | 's_sk'
    | 's_pk'
    | 'b'
    | 'g'
    | 'nonce'
    | 'ledger_before'
    | 'ledger_head'
    | 'advertise_hash'
    | 'advertise_sig',
    string
  >
> & { readonly index: number; readonly ledger_epoch: number; readonly ledger_number: number }
type By<T> = Readonly<Record<string, T>>
type Toy = {
  readonly ids: readonly string[]
  readonly t: number
  readonly U2: readonly string[]
  readonly U3: readonly string[]
  readonly model: string
  readonly sites: By<Site>
  readonly sharekeys: By<{
    /** The random bytes that the site drew, in order: coefficients, then the nonces of its boxes. */
    readonly draws: readonly string[]
    readonly self_commit: string
    readonly group_commit: string
    readonly ciphertext: By<string>
    readonly commit: By<readonly [string, string]>
    readonly hash: string
    readonly sig: string
  }>
  readonly pair_seed: By<string>
  readonly mask_first16: By<string>
  readonly quantise: { readonly W: By<number>; readonly Wmax: number; readonly nmax: number; readonly S: number }
  readonly input: By<{
    readonly x: readonly number[]
    readonly hdr: readonly number[]
    readonly update: readonly number[]
    readonly loss: number
    readonly tags: readonly number[]
    readonly scale: number
    readonly omega: number
    readonly q: readonly number[]
  }>
  readonly masked: By<{ readonly hdr: readonly number[]; readonly update: readonly number[] }>
  readonly upload_root: By<string>
  readonly input_sig: By<string>
  readonly confirm_sig: By<string>
  readonly unmask: By<By<readonly ['b' | 's', string]>>
  readonly sum: { readonly hdr: readonly number[]; readonly update: readonly number[] }
  readonly sum_tags: readonly number[]
  readonly sum_centred: readonly number[]
  readonly weighted_mean: readonly number[]
  readonly exact_weighted_mean: readonly number[]
} & Readonly<
  Record<'modelHash' | 'planHash' | 'rosterHash' | 'sid' | 'U2hash' | 'U3hash' | 'auditHead' | 'group', string>
>

const toy = JSON.parse(readFileSync(new URL('../../vectors/secagg_round.json', import.meta.url), 'utf8')) as Toy
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')
const sha256 = (data: Uint8Array) => new Uint8Array(createHash('sha256').update(data).digest())
const words = (values: readonly number[]) => Int32Array.from(values, (value) => value | 0)
const unsigned = (values: Int32Array) => [...values].map((value) => value >>> 0)

const [sid, planHash, u2Hash, u3Hash] = [toy.sid, toy.planHash, toy.U2hash, toy.U3hash].map(bytes) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
]
const site = (name: string) => toy.sites[name]!
const indexOf = (name: string) => site(name).index
const bodyOf = (name: string) => {
  const { index, c_pk, s_pk, nonce } = site(name)
  const keys = { channelKey: bytes(c_pk), maskKey: bytes(s_pk), nonce: bytes(nonce), modelHash: bytes(toy.modelHash) }
  return advertisedBody({ index, ...keys, ledger: ledgerOf(name) })
}
const ledgerOf = (name: string) => {
  const { ledger_epoch: epoch, ledger_number: number, ledger_before: before } = site(name)
  return { epoch, number, head: nextLedgerHead(bytes(before), { epoch, number }, planHash) }
}
/** The key from `from` to `to`, as the first of them or the second computes it. */
const channelOf = (from: string, to: string, at: 'from' | 'to') => {
  const [own, peer] = at === 'from' ? [from, to] : [to, from]
  return channelKey(agree(bytes(site(own).c_sk), bytes(site(peer).c_pk)), sid, indexOf(from), indexOf(to))
}
const pairSeedOf = (one: string, other: string) =>
  pairSeed(agree(bytes(site(one).s_sk), bytes(site(other).s_pk)), sid, indexOf(one), indexOf(other))
/** What the vector says `from` sent about `to`. */
const rowOf = (from: string, to: string): SharedTo => ({
  index: indexOf(to),
  keyCommitment: bytes(toy.sharekeys[from]!.commit[to]![0]),
  selfCommitment: bytes(toy.sharekeys[from]!.commit[to]![1]),
  sealed: bytes(toy.sharekeys[from]!.ciphertext[to] ?? ''),
})

function expectSigned(name: string, message: SignedMessage, signature: string): void {
  const identity = identityFromSeed(bytes(site(name).ed25519_seed))
  expect(hex(signMessage(identity, message))).toBe(signature)
  expect(verifyMessage(bytes(site(name).ed25519_pub), bytes(signature), message)).toBe(true)
}

describe('advertise keys', () => {
  test.for(toy.ids)('%s has the public keys of its secrets', (name) => {
    const { ed25519_seed, ed25519_pub, c_sk, c_pk, s_sk, s_pk } = site(name)
    expect(hex(identityFromSeed(bytes(ed25519_seed)).publicKey)).toBe(ed25519_pub)
    expect([c_sk, s_sk].map((secret) => hex(agreementPublicKey(bytes(secret))))).toEqual([c_pk, s_pk])
  })

  test.for(toy.ids)("%s has the head of the vector in its sessions' ledger", (name) => {
    expect(hex(ledgerOf(name).head)).toBe(site(name).ledger_head)
  })

  test.for(toy.ids)('%s advertises the hash and signature of the vector', (name) => {
    const message = advertiseMessage(planHash, name, bodyOf(name))
    expect(hex(messageHash(message))).toBe(site(name).advertise_hash)
    expectSigned(name, message, site(name).advertise_sig)
  })

  test('model, roster and session have the hashes of the vector', () => {
    expect(hex(sha256(bytes(toy.model)))).toBe(toy.modelHash)
    const roster = toy.ids.map((name) => ({ index: indexOf(name), name, publicKey: bytes(site(name).ed25519_pub) }))
    expect(hex(rosterHash(roster))).toBe(toy.rosterHash)
    const advertised = toy.ids.map((name) => ({
      index: indexOf(name),
      body: bodyOf(name),
      signature: bytes(site(name).advertise_sig),
    }))
    expect(hex(sessionId(planHash, bytes(toy.rosterHash), advertised))).toBe(toy.sid)
  })
})

describe('share keys', () => {
  test.for(toy.U2)('%s deals what the vector says it dealt', (name) => {
    const dealt = dealShares(
      {
        sid,
        index: indexOf(name),
        maskSecretKey: bytes(site(name).s_sk),
        selfSeed: bytes(site(name).b),
        group: bytes(site(name).g),
        threshold: toy.t,
        sites: toy.ids.map((peer) =>
          peer === name
            ? { index: indexOf(peer) }
            : { index: indexOf(peer), channelKey: channelOf(name, peer, 'from') },
        ),
      },
      drawsOf(name),
    )
    expect(hex(dealt.selfCommitment)).toBe(toy.sharekeys[name]!.self_commit)
    expect(dealt.selfCommitment).toEqual(selfCommitment(sid, indexOf(name), bytes(site(name).b)))
    expect(dealt.rows.map(plainRow)).toEqual(toy.ids.map((peer) => plainRow(rowOf(name, peer))))
    expect(hex(dealt.groupCommitment)).toBe(toy.sharekeys[name]!.group_commit)
    expect(dealt.groupCommitment).toEqual(groupCommitment(sid, indexOf(name), bytes(site(name).g)))
    const message = shareKeysMessage(sid, indexOf(name), dealt, dealt.rows)
    expect(hex(messageHash(message))).toBe(toy.sharekeys[name]!.hash)
    expectSigned(name, message, toy.sharekeys[name]!.sig)
  })

  test('every sealed share opens to what its recipient reveals later', () => {
    for (const to of toy.U3)
      for (const from of toy.U2.filter((name) => name !== to)) {
        const held = opened(from, to)
        const [kind, share] = toy.unmask[to]![from]!
        expect(hex(held[kind])).toBe(share)
        expect(hex(held.group)).toBe(site(from).g)
      }
  })

  test('the sharers have the hash of the vector', () => {
    const sharers = toy.U2.map((name) => ({ index: indexOf(name), shareKeysHash: bytes(toy.sharekeys[name]!.hash) }))
    expect(hex(sharersHash(sid, sharers))).toBe(toy.U2hash)
  })
})

describe('collect updates', () => {
  const quantised = quantisation({
    cohort: toy.quantise.nmax,
    updateNormMax: 1,
    weightMax: toy.quantise.Wmax,
    rounding: 'truncate',
  })

  test('the scale is that of the vector', () => {
    expect(quantised.scale).toBe(toy.quantise.S)
  })

  test.for(toy.U2)('%s quantises as the vector', (name) => {
    const { x, scale, omega, q, update } = toy.input[name]!
    const prepared = prepareUpdate(Float32Array.from(x), toy.quantise.W[name]!, quantised)
    expect([prepared.clipScale, prepared.share, prepared.clipped]).toEqual([scale, omega, true])
    const quantisedWords = new Int32Array(x.length)
    quantise(quantisedWords, prepared, 0)
    expect([...quantisedWords]).toEqual(q)
    expect(unsigned(quantisedWords)).toEqual(update)
  })

  test('the group secret is that of the vector, and of all sharers', () => {
    const parts = toy.U2.map((name) => ({ index: indexOf(name), part: bytes(site(name).g) }))
    expect(hex(groupSecret(parts))).toBe(toy.group)
  })

  test.for(toy.U2)('%s has the header and the tags of the vector', (name) => {
    const { loss, tags, hdr, update } = toy.input[name]!
    const weight = toy.quantise.W[name]!
    const fields = { weight, clipped: true, clampedCoordinates: 0, lossSum: loss * weight, contributes: true }
    const header = encodeHeader(fields, { cohort: toy.quantise.nmax, weightMax: toy.quantise.Wmax })
    expect(tagsOf(header, words(update))).toEqual(tags)
    expect(unsigned(withTags(header, tags))).toEqual(hdr)
  })

  test.for(Object.entries(toy.pair_seed))('the pair %s has its seed', ([pair, seed]) => {
    const [one, other] = pair.split('|') as [string, string]
    expect(hex(pairSeedOf(one, other))).toBe(seed)
    expect(hex(pairSeedOf(other, one))).toBe(seed)
  })

  test.for(Object.entries(toy.mask_first16))('the stream %s starts as in the vector', ([which, first16]) => {
    const [, name, vector] = which.split('|') as [string, string, string]
    const key = maskKey(bytes(site(name).b), 'self', vector, u2Hash)
    expect(Buffer.from(keystream(key, 0)(4).buffer, 0, 16).toString('hex')).toBe(first16)
  })

  test.for(toy.U3)('%s uploads the masked vectors, root and signature of the vector', (name) => {
    const peers = toy.U2.filter((peer) => peer !== name)
    const seeds = {
      index: indexOf(name),
      self: bytes(site(name).b),
      pairs: new Map(peers.map((peer) => [indexOf(peer), pairSeedOf(name, peer)])),
    }
    const vectors = (['hdr', 'update'] as const).map((vector) => {
      const masked = words(toy.input[name]![vector])
      addMasks(masked, siteMasks(seeds, vector, u2Hash), 0)
      expect(unsigned(masked)).toEqual(toy.masked[name]![vector])
      return { name: vector, sha256: sha256(new Uint8Array(masked.buffer)) }
    })
    const root = uploadRoot(sid, indexOf(name), vectors)
    expect(hex(root)).toBe(toy.upload_root[name])
    expectSigned(name, inputMessage(sid, u2Hash, indexOf(name), root), toy.input_sig[name]!)
  })
})

describe('confirm survivors', () => {
  test('the survivors have the hash of the vector', () => {
    const survivors = toy.U3.map((name) => ({ index: indexOf(name), root: bytes(toy.upload_root[name]!) }))
    expect(hex(survivorsHash(sid, u2Hash, survivors))).toBe(toy.U3hash)
  })

  test.for(toy.U3)('%s confirms with the signature of the vector', (name) => {
    expectSigned(name, confirmMessage(u3Hash, bytes(toy.auditHead)), toy.confirm_sig[name]!)
  })
})

describe('unmask', () => {
  const sharers = toy.U2.map(indexOf)
  const survivors = toy.U3.map(indexOf)

  test.for(toy.U3)('%s reveals the one share of each sharer that the vector says', (name) => {
    const held = new Map(toy.U2.map((from) => [indexOf(from), heldBy(from, name)]))
    expect(sharesToReveal(sharers, survivors, held).map(({ kind, share }) => [kind, hex(share)])).toEqual(
      toy.U2.map((from) => toy.unmask[name]![from]),
    )
  })

  test('the secrets rebuilt are those of the sites, and the sum without masks is that of the vector', () => {
    const secrets = new Map(toy.U2.map((of) => [of, rebuilt(of)]))
    const seeds = removalSeeds({
      sid,
      survivors: toy.U3.map((name) => ({
        index: indexOf(name),
        maskKey: bytes(site(name).s_pk),
        selfSeed: secrets.get(name)!,
      })),
      dropouts: [{ index: indexOf('hospital-d'), maskSecretKey: secrets.get('hospital-d')! }],
    })
    for (const vector of ['hdr', 'update'] as const) {
      const sum = new Int32Array(toy.sum[vector].length)
      addVectors(
        sum,
        toy.U3.map((name) => words(toy.masked[name]![vector])),
      )
      addMasks(sum, removalMasks(seeds, vector, u2Hash), 0)
      expect(unsigned(sum)).toEqual(toy.sum[vector])
    }
  })

  test('the tags of the sum are those of the vector, and the sum of the tags', () => {
    const [header, update] = [words(toy.sum.hdr), words(toy.sum.update)]
    expect(tagsOf(header, update)).toEqual(toy.sum_tags)
    expect(areTagsRight(header, toy.sum_tags)).toBe(true)
  })

  test('the weighted mean is that of the vector, within the bound of quantisation of the exact one', () => {
    const mean = new Float64Array(toy.sum_centred.length)
    const { S, Wmax } = toy.quantise
    dequantise(mean, words(toy.sum.update), { scale: S, weightMax: Wmax }, toy.sum.hdr[4]!)
    expect([...words(toy.sum.update)]).toEqual(toy.sum_centred)
    expect([...mean]).toEqual(toy.weighted_mean)
    const bound = (toy.U3.length * Wmax) / (S * toy.sum.hdr[4]!)
    mean.forEach((value, i) => {
      expect(Math.abs(value - toy.exact_weighted_mean[i]!)).toBeLessThan(bound)
    })
  })

  /** As the coordinator does it, from what the survivors revealed and the dealer had committed to. */
  function rebuilt(of: string): Uint8Array {
    const kind = toy.U3.includes(of) ? 'b' : 's'
    const position = kind === 's' ? 0 : 1
    const commitments = new Map(toy.ids.map((to) => [indexOf(to), bytes(toy.sharekeys[of]!.commit[to]![position])]))
    const revealed = toy.U3.map((from) => ({ from: indexOf(from), share: bytes(toy.unmask[from]![of]![1]) }))
    const common = { sid, index: indexOf(of), threshold: toy.t, commitments }
    const { secret, culprits } = rebuildChecked(
      kind === 's'
        ? { ...common, kind, maskKey: bytes(site(of).s_pk) }
        : { ...common, kind, selfCommitment: bytes(toy.sharekeys[of]!.self_commit) },
      revealed,
    )
    expect(culprits).toEqual([])
    expect(hex(secret!)).toBe(kind === 's' ? site(of).s_sk : site(of).b)
    return secret!
  }
})

const plainRow = ({ index, keyCommitment, selfCommitment, sealed }: SharedTo) => [
  index,
  ...[keyCommitment, selfCommitment, sealed].map(hex),
]
/** What `to` finds in what `from` sealed for it. */
function opened(from: string, to: string): ReceivedKeys {
  const committed = bytes(toy.sharekeys[from]!.group_commit)
  const channel = channelOf(from, to, 'to')
  return openShare(sid, indexOf(from), indexOf(to), channel, rowOf(from, to), committed).held!
}

/** The share of `from` that `to` holds: opened, or for its own one computed from three that others hold. */
function heldBy(from: string, to: string): HeldShare {
  if (from !== to) return opened(from, to)
  const shares = toy.ids
    .filter((name) => name !== from)
    .slice(0, toy.t)
    .map((name) => {
      const { s, b } = opened(from, name)
      return { index: indexOf(name), bytes: new Uint8Array([...s, ...b]) }
    })
  expect(hex(rebuildSecret(shares))).toBe(site(from).s_sk + site(from).b)
  const own = interpolate(shares, indexOf(to))
  return { s: own.slice(0, 32), b: own.slice(32) }
}

function drawsOf(name: string): (length: number) => Uint8Array {
  const draws = toy.sharekeys[name]!.draws.map(bytes)
  return () => draws.shift()!
}

function tagsOf(header: Int32Array, update: Int32Array): number[] {
  const tagger = sumTagger(bytes(toy.group), sid)
  addHeader(tagger, header)
  tagger.add(update, 'centred')
  return tagger.tags()
}
