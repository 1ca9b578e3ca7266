/**
 * Unmasking (fedsum, sections A.4 S6, A.7 and A.8): a survivor reveals one share for each sharer; from a threshold of them
 * come the self-mask seeds of survivors and the mask keys of dropouts, each checked against what its site had advertised;
 * these give the masks left in the sum. Whoever dealt or revealed a wrong share is named.
 */
import { FederationError } from '../errors.ts'
import { agree, agreementPublicKey, maskKey, pairSeed } from './keys.ts'
import { pairSign } from './mask.ts'
import type { Mask } from './mask-stream.ts'
import { type HeldShare, shareCommitted } from './sealed-share.ts'
import { rebuildSecret } from './shamir.ts'
import type { Revealed } from './signed-messages.ts'
import { exactly, type ShareKind, selfCommitment } from './transcript.ts'

/**
 * What a survivor reveals: for every sharer exactly one share, of `b` where it survived and of `s` where it dropped out,
 * from the two sets alone. `held` has the shares by dealer, the site's own included.
 */
export function sharesToReveal(
  sharers: readonly number[],
  survivors: readonly number[],
  held: ReadonlyMap<number, HeldShare>,
): Revealed[] {
  const alive = new Set(survivors)
  const stranger = survivors.find((index) => !sharers.includes(index))
  if (stranger !== undefined || alive.size !== survivors.length)
    throw new FederationError('message-invalid', 'the survivors are not a subset of the sites that shared their keys')
  return sharers.map((index) => {
    const share = held.get(index)
    if (!share) throw new FederationError('invalid-argument', `this site holds no share of site ${index}`)
    const kind: ShareKind = alive.has(index) ? 'b' : 's'
    return { index, kind, share: share[kind] }
  })
}

/** One site's secret to rebuild, and what its site said of it beforehand. */
export type Wanted = {
  readonly sid: Uint8Array
  /** The site whose secret it is: the dealer. */
  readonly index: number
  readonly threshold: number
  /** The dealer's commitments to the shares it dealt, by the index of who got them. */
  readonly commitments: ReadonlyMap<number, Uint8Array>
} & (
  | { readonly kind: 's' /** The mask key it advertised. */; readonly maskKey: Uint8Array }
  | { readonly kind: 'b' /** Its commitment to its self-mask seed. */; readonly selfCommitment: Uint8Array }
)

export type Culprit = {
  readonly index: number
  /** The first: of who revealed it. The second: of the dealer, whose committed shares do not rebuild its secret. */
  readonly reason: 'share-differs-from-commitment' | 'shares-rebuild-another-secret'
}

export type Rebuilt = {
  /** 32 bytes; undefined where fewer right shares than the threshold came, or the dealer had dealt wrong ones. */
  readonly secret: Uint8Array | undefined
  readonly culprits: readonly Culprit[]
}

/** Rebuilds a secret from revealed shares of its kind. Wrong shares name their site and are left out. */
export function rebuildChecked(
  wanted: Wanted,
  revealed: readonly { readonly from: number; readonly share: Uint8Array }[],
): Rebuilt {
  const { sid, index, kind, threshold, commitments } = wanted
  if (new Set(revealed.map(({ from }) => from)).size !== revealed.length)
    throw new FederationError('message-invalid', `a site revealed two shares of site ${index}`)
  const isRight = ({ from, share }: { from: number; share: Uint8Array }) => {
    const commitment = commitments.get(from)
    return commitment !== undefined && shareCommitted(kind, sid, index, from, share, commitment)
  }
  const right = revealed.filter(isRight)
  const culprits: Culprit[] = revealed
    .filter((one) => !isRight(one))
    .map(({ from }) => ({ index: from, reason: 'share-differs-from-commitment' }))
  if (right.length < threshold) return { secret: undefined, culprits }
  const shares = right.slice(0, threshold).map(({ from, share }) => ({ index: from, bytes: share }))
  const secret = rebuildSecret(shares)
  if (matches(wanted, secret)) return { secret, culprits }
  return { secret: undefined, culprits: [...culprits, { index, reason: 'shares-rebuild-another-secret' }] }
}

export type Removal = {
  readonly sid: Uint8Array
  /** U3, with the mask keys they advertised and the self-mask seeds rebuilt for them. */
  readonly survivors: readonly {
    readonly index: number
    readonly maskKey: Uint8Array
    readonly selfSeed: Uint8Array
  }[]
  /** U2 without U3, with the secret halves of their mask keys rebuilt. */
  readonly dropouts: readonly { readonly index: number; readonly maskSecretKey: Uint8Array }[]
}

/** Seeds of the masks left in the sum of the survivors' vectors, with the sign that removes each. */
export type RemovalSeed = { readonly seed: Uint8Array; readonly kind: 'pair' | 'self'; readonly sign: 1 | -1 }

/** One seed for each survivor, and one for each pair of a survivor and a dropout; all vectors of the round use them. */
export function removalSeeds({ sid, survivors, dropouts }: Removal): RemovalSeed[] {
  const selves = survivors.map(({ selfSeed }) => ({ seed: selfSeed, kind: 'self' as const, sign: -1 as const }))
  const pairs = dropouts.flatMap((dropout) =>
    survivors.map((survivor) => ({
      seed: pairSeed(agree(dropout.maskSecretKey, survivor.maskKey), sid, dropout.index, survivor.index),
      kind: 'pair' as const,
      // The survivor's vector holds the mask with its own sign; the dropout's has the opposite one.
      sign: pairSign(dropout.index, survivor.index),
    })),
  )
  return [...selves, ...pairs]
}

/** The masks of one vector, to be added with `addMasks` chunk by chunk to the sum of the survivors' masked vectors. */
export function removalMasks(seeds: readonly RemovalSeed[], vector: string, u2Hash: Uint8Array): Mask[] {
  return seeds.map(({ seed, kind, sign }) => ({ key: maskKey(seed, kind, vector, u2Hash), sign }))
}

function matches(wanted: Wanted, secret: Uint8Array): boolean {
  const [derived, said] =
    wanted.kind === 's'
      ? [agreementPublicKey(secret), exactly(32, wanted.maskKey, 'a mask key')]
      : [selfCommitment(wanted.sid, wanted.index, secret), exactly(32, wanted.selfCommitment, 'a commitment')]
  return Buffer.compare(derived, said) === 0
}
