/**
 * Sum tags (fedsum, sections A.12 and E.3): four linear checks of a sum over a secret that only the sites of the session
 * share, so that each of them can tell whether the sum it is shown is the sum of what was masked. A forged sum passes with
 * probability 2^-48 a try. T_k = <r_k, v> mod p_k; v is the header's words 4 to 11 and then the content, in the plan's order.
 */
import { createHmac, createSecretKey } from 'node:crypto'
import { FederationError } from '../errors.ts'
import { labelledHash } from '../hash.ts'
import { headerTaggedFrom, headerTagsAt, headerWords, tagCount } from './header.ts'
import { freeWords, keystream, streamChunkBytes } from './mask-stream.ts'
import { assertAscending, exactly } from './transcript.ts'

/** How words are read as numbers: two's complement for updates, losses and statistics; counts have no sign. */
export type Lift = 'centred' | 'unsigned'

/** p_k = 2^24 - excess; prime. */
const excesses = [3, 3, 17, 17] as const
const two24 = 2 ** 24
export const tagPrimes: readonly number[] = excesses.map((excess) => two24 - excess)

/** G = H("group", g_i*), over U2 in ascending order of the sites: 32 bytes that the coordinator never has. */
export function groupSecret(parts: readonly { readonly index: number; readonly part: Uint8Array }[]): Uint8Array {
  assertAscending(parts)
  return labelledHash('group', ...parts.map(({ part }) => exactly(32, part, 'a part of the group secret')))
}

export type SumTagger = {
  /** The next words of v. */
  readonly add: (words: Int32Array, lift: Lift) => void
  /** T_1 to T_4 of all words so far. */
  readonly tags: () => number[]
}

/** Tags a vector from its start, in pieces of any size. `group` is G, `sid` the session; 32 bytes each. */
export function sumTagger(group: Uint8Array, sid: Uint8Array): SumTagger {
  const draw = keystream(tagKey(group, sid), 0)
  const totals = new Float64Array(tagCount)
  return {
    add(words, lift) {
      for (let from = 0; from < words.length; from += chunkWords) {
        const chunk = words.subarray(from, from + chunkWords)
        const draws = draw(tagCount * chunk.length)
        addProducts(totals, chunk, draws, lift === 'centred')
        freeWords(draws)
      }
    },
    tags: () => Array.from(totals, (total, k) => modulo(total, tagPrimes[k]!)),
  }
}

/** Adds the tagged words of a header to v: weight, unclipped and clamped as counts, the loss, the contributor. */
export function addHeader({ add }: SumTagger, header: Int32Array): void {
  if (header.length !== headerWords) throw new FederationError('update-invalid', `a header has ${headerWords} words`)
  let from = headerTaggedFrom
  for (const { lift, words } of headerLifts) {
    add(header.subarray(from, from + words), lift)
    from += words
  }
}

/** The header with these tags in its last words. */
export function withTags(header: Int32Array, tags: readonly number[]): Int32Array {
  const tagged = header.slice()
  tagged.set(tags, headerTagsAt)
  return tagged
}

/** Whether the tags in the sum of the headers are those of the sum itself. */
export function areTagsRight(headerSum: Int32Array, tags: readonly number[]): boolean {
  return (
    tags.length === tagCount && tags.every((tag, k) => (headerSum[headerTagsAt + k]! >>> 0) % tagPrimes[k]! === tag)
  )
}

const headerLifts: readonly { readonly lift: Lift; readonly words: number }[] = [
  { lift: 'unsigned', words: 3 },
  { lift: 'centred', words: 4 },
  { lift: 'unsigned', words: 1 },
]

const chunkWords = streamChunkBytes / 4 / tagCount

/** HMAC-SHA256(G, "fedsum/v1/tag" 0x00 sid). */
function tagKey(group: Uint8Array, sid: Uint8Array): Uint8Array {
  const key = createSecretKey(exactly(32, group, 'a group secret'))
  return createHmac('sha256', key)
    .update('fedsum/v1/tag\0')
    .update(exactly(32, sid, 'a session'))
    .digest()
}

/**
 * Words and draws are taken modulo p lazily, x = low 24 bits + excess * the bits above: products stay below 2^48 + 2^38,
 * so that sixteen of them and what was there before add up exactly in float64.
 */
function addProducts(totals: Float64Array, words: Int32Array, draws: Int32Array, isCentred: boolean): void {
  // One variable each: taking them from arrays here makes the loop more than twice as slow.
  let a = totals[0]!
  let b = totals[1]!
  let c = totals[2]!
  let d = totals[3]!
  for (let i = 0; i < words.length; ) {
    for (const end = Math.min(words.length, i + 16); i < end; i++) {
      const word = words[i]!
      const high = isCentred ? word >> 24 : word >>> 24
      const low = word & 0xffffff
      const x = low + 3 * high
      const y = low + 17 * high
      const at = tagCount * i
      const r = draws[at]!
      const s = draws[at + 1]!
      const t = draws[at + 2]!
      const u = draws[at + 3]!
      a += ((r & 0xffffff) + 3 * (r >>> 24)) * x
      b += ((s & 0xffffff) + 3 * (s >>> 24)) * x
      c += ((t & 0xffffff) + 17 * (t >>> 24)) * y
      d += ((u & 0xffffff) + 17 * (u >>> 24)) * y
    }
    a = folded(a, 3)
    b = folded(b, 3)
    c = folded(c, 17)
    d = folded(d, 17)
  }
  totals.set([a, b, c, d])
}

/** The same number modulo 2^24 - excess, below 2^34 in size. */
function folded(value: number, excess: number): number {
  const high = Math.floor(value / two24)
  return value - high * two24 + excess * high
}

function modulo(value: number, prime: number): number {
  const rest = value % prime
  return rest < 0 ? rest + prime : rest
}
