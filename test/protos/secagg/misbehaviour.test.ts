/** Sites and coordinators that lie: whoever dealt or revealed a wrong share is named, and a split view ends in garbage. */
import { labelledHash } from '@consilium/protos/hash.ts'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { channelKey, pairSeed } from '@consilium/protos/secagg/keys.ts'
import { pairSign, siteMasks } from '@consilium/protos/secagg/mask.ts'
import { addMasks } from '@consilium/protos/secagg/mask-stream.ts'
import { dealShares, openShare } from '@consilium/protos/secagg/sealed-share.ts'
import { splitSecret } from '@consilium/protos/secagg/shamir.ts'
import {
  advertisedBody,
  advertiseMessage,
  complaintMessage,
  confirmMessage,
  inputMessage,
  type Revealed,
  shareKeysMessage,
  signMessage,
  unmaskMessage,
  verifyMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import {
  rosterHash,
  sessionId,
  shareCommitment,
  sharersHash,
  survivorsHash,
  uploadRoot,
} from '@consilium/protos/secagg/transcript.ts'
import { rebuildChecked, removalSeeds, sharesToReveal } from '@consilium/protos/secagg/unmask.ts'
import { describe, expect, test } from 'vitest'
import {
  headerPlan,
  keysOf,
  maskedBy,
  rebuild,
  reveal,
  type Sharing,
  shareKeys,
  sumOfWords,
  unmask,
  wordsOf,
} from './a-session.ts'

const sites = [1, 2, 3, 4, 5, 6]
/** Six sites, c = 1: t = 4; site 6 drops out while uploading. */
const plan = { colluders: 1, survivorsMin: 3 }
const survivors = sites.slice(0, 5)
const bytes32 = (fill: number) => new Uint8Array(32).fill(fill)

const sharing = shareKeys(sites, sites, plan, 7)
const words = new Map(survivors.map((index) => [index, wordsOf(index, 20, 7)]))
const uploads = new Map(survivors.map((index) => [index, maskedBy(index, words.get(index)!, sharing)]))
const malformed = expect.objectContaining({ code: 'message-invalid' })

function flipped(bytes: Uint8Array, at = 0): Uint8Array {
  return bytes.with(at, bytes[at]! ^ 1)
}

/** What the survivors reveal, with the shares of site `of` altered by those who lie. */
function revealedWithLies(liars: readonly number[], of: number): Map<number, Revealed[]> {
  const revealed = reveal(sharing, survivors, survivors)
  for (const liar of liars)
    revealed.set(
      liar,
      revealed.get(liar)!.map((one) => (one.index === of ? { ...one, share: flipped(one.share, 31) } : one)),
    )
  return revealed
}

describe('a site that reveals a wrong share', () => {
  test.for([1, 6])('of site %i is named, and the round goes on with the others', (of) => {
    const { sum, culprits } = unmask(sharing, uploads, revealedWithLies([3], of))
    expect(culprits).toEqual([{ index: 3, reason: 'share-differs-from-commitment' }])
    expect(sum).toEqual(sumOfWords([...words.values()]))
  })

  test('is named with its accomplice, and the round gives nothing where too few are right', () => {
    const { sum, culprits } = unmask(sharing, uploads, revealedWithLies([2, 4], 6))
    expect(culprits.map(({ index }) => index)).toEqual([2, 4])
    expect(sum).toBeUndefined()
  })

  test.for([
    ['truncated', (share: Uint8Array) => share.subarray(1)],
    ['too long', () => new Uint8Array(33)],
    ['empty', () => new Uint8Array()],
  ] as const)('that is %s is named', ([, alter]) => {
    const revealed = reveal(sharing, survivors, survivors)
    revealed.set(
      5,
      revealed.get(5)!.map((one) => (one.index === 6 ? { ...one, share: alter(one.share) } : one)),
    )
    expect(unmask(sharing, uploads, revealed).culprits).toEqual([{ index: 5, reason: 'share-differs-from-commitment' }])
  })

  test('of which it never got one, or twice, does not count', () => {
    const shares = [...reveal(sharing, survivors, survivors)].map(([from, all]) => ({ from, share: all[0]!.share }))
    const wanted = {
      sid: sharing.sid,
      index: 1,
      threshold: 4,
      kind: 'b' as const,
      selfCommitment: sharing.dealt.get(1)!.selfCommitment,
      commitments: new Map(sharing.dealt.get(1)!.rows.map((row) => [row.index, row.selfCommitment])),
    }
    expect(rebuildChecked(wanted, [...shares, { from: 9, share: bytes32(1) }])).toMatchObject({
      secret: keysOf(1).selfSeed,
      culprits: [{ index: 9 }],
    })
    expect(() => rebuildChecked(wanted, [...shares, shares[0]!])).toThrow(malformed)
  })

  test('of the other kind, too, is a wrong share: the commitments keep the kinds apart', () => {
    const other = sharing.sharers.map((index) => ({
      index,
      kind: 's' as const,
      share: sharing.held.get(2)!.get(index)!.s,
    }))
    const revealed = reveal(sharing, survivors, survivors).set(2, other)
    const { secret, culprits } = rebuild(sharing, 1, true, revealed)
    expect(culprits).toEqual([{ index: 2, reason: 'share-differs-from-commitment' }])
    expect(secret).toEqual(keysOf(1).selfSeed)
  })
})

describe('a site that deals', () => {
  /** Site 6 commits to shares of another mask key than the one it advertised. */
  function dealtFalsely(): Sharing {
    const secret = new Uint8Array([...bytes32(77), ...keysOf(6).selfSeed])
    const shares = splitSecret(secret, sharing.thresholds.threshold, sites)
    const honest = sharing.dealt.get(6)!
    const rows = honest.rows.map((row, i) => ({
      ...row,
      keyCommitment: shareCommitment('s', sharing.sid, 6, row.index, shares[i]!.bytes.slice(0, 32)),
    }))
    const held = new Map(
      sites.map((to, i) => {
        const own = new Map(sharing.held.get(to)!)
        return [to, own.set(6, { s: shares[i]!.bytes.slice(0, 32), b: own.get(6)!.b })]
      }),
    )
    return { ...sharing, dealt: new Map(sharing.dealt).set(6, { ...honest, rows }), held }
  }

  test('shares of another key than it advertised is named, and the round gives nothing', () => {
    const lie = dealtFalsely()
    const { sum, culprits } = unmask(lie, uploads, reveal(lie, survivors, survivors))
    expect(culprits).toEqual([{ index: 6, reason: 'shares-rebuild-another-secret' }])
    expect(sum).toBeUndefined()
  })

  const row = sharing.dealt.get(1)!.rows[1]!
  const channel = bytes32(5)
  const dealtUnder = (key: Uint8Array) =>
    dealShares({
      sid: sharing.sid,
      index: 1,
      maskSecretKey: bytes32(1),
      selfSeed: bytes32(2),
      group: bytes32(3),
      threshold: 2,
      sites: [{ index: 1 }, { index: 2, channelKey: key }],
    })
  const sealedUnder = (key: Uint8Array) => dealtUnder(key).rows[1]!
  const { groupCommitment } = dealtUnder(channel)

  test.for([
    ['a flipped bit', { ...sealedUnder(channel), sealed: flipped(sealedUnder(channel).sealed, 50) }],
    ['a flipped nonce', { ...sealedUnder(channel), sealed: flipped(sealedUnder(channel).sealed, 0) }],
    ['a truncated share', { ...sealedUnder(channel), sealed: sealedUnder(channel).sealed.subarray(0, 135) }],
    ['a longer share', { ...sealedUnder(channel), sealed: new Uint8Array(137) }],
    ['nothing', { ...sealedUnder(channel), sealed: new Uint8Array() }],
    ['a share for another channel', row],
  ] as const)('%s draws the complaint that it does not open', ([, bad]) => {
    expect(openShare(sharing.sid, 1, 2, channel, bad, groupCommitment)).toEqual({ complaint: 'share-does-not-open' })
  })

  test('another share than it committed to draws the complaint of that, for either half', () => {
    const good = sealedUnder(channel)
    expect(openShare(sharing.sid, 1, 2, channel, good, groupCommitment).held).toMatchObject({ group: bytes32(3) })
    for (const half of ['keyCommitment', 'selfCommitment'] as const)
      expect(openShare(sharing.sid, 1, 2, channel, { ...good, [half]: flipped(good[half]) }, groupCommitment)).toEqual({
        complaint: 'share-differs-from-commitment',
      })
    expect(openShare(sharing.sid, 1, 2, channel, good, flipped(groupCommitment))).toEqual({
      complaint: 'group-differs-from-commitment',
    })
    // Bound to session, sender and recipient.
    for (const [sid, from, to] of [
      [bytes32(9), 1, 2],
      [sharing.sid, 3, 2],
      [sharing.sid, 1, 4],
    ] as const)
      expect(openShare(sid, from, to, channel, good, groupCommitment)).toEqual({
        complaint: 'share-differs-from-commitment',
      })
  })

  test('cannot be answered with its own sealed share: each way has a key of its own', () => {
    const shared = bytes32(8)
    expect(channelKey(shared, sharing.sid, 1, 2)).not.toEqual(channelKey(shared, sharing.sid, 2, 1))
    expect(pairSeed(shared, sharing.sid, 1, 2)).toEqual(pairSeed(shared, sharing.sid, 2, 1))
  })

  test('without a channel key, not among the sites, or with a short key is refused', () => {
    const secrets = { maskSecretKey: bytes32(1), selfSeed: bytes32(2), group: bytes32(3) }
    const dealer = { sid: sharing.sid, index: 1, ...secrets, threshold: 2 }
    const badArgument = expect.objectContaining({ code: 'invalid-argument' })
    expect(() => dealShares({ ...dealer, sites: [{ index: 1 }, { index: 2 }] })).toThrow(badArgument)
    const others = [2, 3].map((index) => ({ index, channelKey: channel }))
    expect(() => dealShares({ ...dealer, sites: others })).toThrow(badArgument)
    expect(() => dealShares({ ...dealer, selfSeed: bytes32(2).subarray(1), sites: [{ index: 1 }, ...others] })).toThrow(
      malformed,
    )
  })
})

describe('a coordinator', () => {
  test('that asks for the unmasking of a site that never shared, or names one twice, gets no share', () => {
    const held = sharing.held.get(1)!
    expect(() => sharesToReveal([1, 2, 3, 4], [1, 2, 3, 5], held)).toThrow(malformed)
    expect(() => sharesToReveal([1, 2, 3, 4], [1, 2, 2], held)).toThrow(malformed)
    expect(() => sharesToReveal([1, 2, 3, 9], [1, 2, 3], held)).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    )
  })

  test('gets exactly one share of every sharer from a site', () => {
    const revealed = sharesToReveal(sites, survivors, sharing.held.get(1)!)
    expect(revealed.map(({ index, kind }) => `${index}${kind}`)).toEqual(['1b', '2b', '3b', '4b', '5b', '6s'])
  })

  test.for([
    ['plan', () => shareKeys(sites, sites, plan, 8)],
    ['list of sharers', () => shareKeys(sites, sites.slice(0, 5), plan, 7)],
  ] as const)('that shows one site another %s gets garbage that the header gives away', ([, view]) => {
    const split = new Map(uploads).set(2, maskedBy(2, words.get(2)!, view()))
    const { sum } = unmask(sharing, split, reveal(sharing, survivors, survivors))
    expect(sum).not.toEqual(sumOfWords([...words.values()]))
    expect(() => readHeaderSum(sum!.hdr, survivors.length, headerPlan)).toThrow(
      expect.objectContaining({ code: 'update-invalid' }),
    )
  })

  test('that counts a dropout as a survivor in the sum gets garbage', () => {
    const late = new Map(uploads).set(6, maskedBy(6, wordsOf(6, 20, 7), sharing))
    const revealed = reveal(sharing, survivors, survivors)
    const { sum } = unmask(sharing, late, revealed)
    expect(sum).toBeUndefined()
  })

  test('sees in a masked vector nothing but noise: its bytes pass chi-squared, though the words are all zero', () => {
    const zero = { hdr: new Int32Array(16), update: new Int32Array(16_384) }
    const masked = maskedBy(1, zero, sharing)
    const counts = new Float64Array(256)
    for (const byte of new Uint8Array(masked.update.buffer)) counts[byte]! += 1
    const chiSquared = counts.reduce((sum, count) => sum + (count - 256) ** 2 / 256, 0)
    // 255 degrees of freedom: beyond 420 with probability below 1e-9. Every mask counts in it.
    expect(chiSquared).toBeLessThan(420)
  })

  test('that offers a low-order key in a dropout’s pair gets no seed', () => {
    const removal = {
      sid: sharing.sid,
      survivors: [{ index: 1, maskKey: new Uint8Array(32), selfSeed: bytes32(1) }],
      dropouts: [{ index: 2, maskSecretKey: bytes32(3) }],
    }
    expect(() => removalSeeds(removal)).toThrow(malformed)
  })
})

describe('malformed lists and messages', () => {
  const sid = bytes32(1)
  const entry = (index: number) => ({ index, root: bytes32(2), shareKeysHash: bytes32(3) })
  const commitments = { selfCommitment: bytes32(4), groupCommitment: bytes32(5) }
  const sharedTo = (index: number, sealedBytes: number) => ({
    index,
    keyCommitment: bytes32(4),
    selfCommitment: bytes32(4),
    sealed: new Uint8Array(sealedBytes),
  })
  const body = {
    index: 1,
    channelKey: bytes32(1),
    maskKey: bytes32(2),
    nonce: new Uint8Array(16),
    modelHash: bytes32(3),
    ledger: { epoch: 1, number: 7, head: bytes32(4) },
  }

  test.for([
    ['an empty list of sharers', () => sharersHash(sid, [])],
    ['a survivor twice', () => survivorsHash(sid, sid, [entry(1), entry(1)])],
    ['survivors out of order', () => survivorsHash(sid, sid, [entry(2), entry(1)])],
    ['a survivor 0', () => survivorsHash(sid, sid, [entry(0)])],
    ['a survivor 256', () => survivorsHash(sid, sid, [entry(256)])],
    ['a survivor 1.5', () => survivorsHash(sid, sid, [entry(1.5)])],
    ['a short root', () => survivorsHash(sid, sid, [{ index: 1, root: new Uint8Array(31) }])],
    ['a short session', () => sharersHash(sid.subarray(1), [entry(1)])],
    ['an advertisement twice', () => sessionId(sid, sid, [advert(1), advert(1)])],
    ['an advertisement with a short signature', () => sessionId(sid, sid, [{ ...advert(1), signature: bytes32(1) }])],
    ['a name twice in the roster', () => rosterHash([rosterEntry(1, 'a'), rosterEntry(2, 'a')])],
    ['a roster out of order', () => rosterHash([rosterEntry(1, 'b'), rosterEntry(2, 'a')])],
    ['an upload without vectors', () => uploadRoot(sid, 1, [])],
    ['an upload with a vector twice', () => uploadRoot(sid, 1, [vector('update'), vector('update')])],
    ['a short nonce', () => advertisedBody({ ...body, nonce: new Uint8Array(15) })],
    ['a short key', () => advertisedBody({ ...body, maskKey: new Uint8Array(31) })],
    ['a truncated sealed share', () => shareKeysMessage(sid, 1, commitments, [sharedTo(1, 0), sharedTo(2, 135)])],
    ['a sealed share for the dealer itself', () => shareKeysMessage(sid, 1, commitments, [sharedTo(1, 136)])],
    ['a recipient twice', () => shareKeysMessage(sid, 1, commitments, [sharedTo(2, 136), sharedTo(2, 136)])],
    [
      'a revealed share of 31 bytes',
      () => unmaskMessage(sid, sid, 1, [{ index: 2, kind: 'b', share: sid.subarray(1) }]),
    ],
    ['a complaint of oneself', () => complaintMessage(sid, 2, 2, 'share-does-not-open')],
    ['an audit head of 31 bytes', () => confirmMessage(sid, sid.subarray(1))],
  ] as const)('refused: %s', ([, call]) => {
    expect(call).toThrow(malformed)
  })

  test('a signature of one message verifies no other', () => {
    const identity = generateIdentity()
    const messages = [
      advertiseMessage(sid, 'site-a', advertisedBody(body)),
      advertiseMessage(sid, 'site-b', advertisedBody(body)),
      advertiseMessage(sid, 'site-a', advertisedBody({ ...body, ledger: { ...body.ledger, number: 8 } })),
      advertiseMessage(sid, 'site-a', advertisedBody({ ...body, previousAttempt: { planHash: sid, released: false } })),
      advertiseMessage(sid, 'site-a', advertisedBody({ ...body, previousAttempt: { planHash: sid, released: true } })),
      shareKeysMessage(sid, 1, commitments, [sharedTo(1, 0), sharedTo(2, 136)]),
      inputMessage(sid, sid, 1, sid),
      confirmMessage(sid, sid),
      unmaskMessage(sid, sid, 1, [{ index: 2, kind: 'b', share: sid }]),
      unmaskMessage(sid, sid, 1, [{ index: 2, kind: 's', share: sid }]),
      complaintMessage(sid, 1, 2, 'share-does-not-open'),
      complaintMessage(sid, 1, 2, 'share-differs-from-commitment'),
    ]
    messages.forEach((message, i) => {
      const signature = signMessage(identity, message)
      const verified = messages.map((other) => verifyMessage(identity.publicKey, signature, other))
      expect(verified).toEqual(messages.map((_, j) => i === j))
    })
  })

  test('a site alone, or one masking with itself, has no masks', () => {
    expect(() => siteMasks({ index: 1, self: sid, pairs: new Map() }, 'update', sid)).toThrow(
      expect.objectContaining({ code: 'cohort-too-small' }),
    )
    expect(() => pairSign(3, 3)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    const masks = siteMasks(
      {
        index: 2,
        self: sid,
        pairs: new Map([
          [1, sid],
          [3, sid],
        ]),
      },
      'update',
      sid,
    )
    expect(masks.map(({ sign }) => sign)).toEqual([1, -1, 1])
    const target = new Int32Array(4)
    addMasks(target, masks.slice(1), 0)
    expect([...target]).toEqual([0, 0, 0, 0])
  })

  function advert(index: number) {
    return { index, body: advertisedBody({ ...body, index }), signature: new Uint8Array(64) }
  }
  function rosterEntry(index: number, name: string) {
    return { index, name, publicKey: labelledHash(name) }
  }
  function vector(name: string) {
    return { name, sha256: bytes32(1) }
  }
})
