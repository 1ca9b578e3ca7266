/**
 * Which masks a site lays over its vectors (fedsum, section A.6, after Bonawitz et al. 2017): its own self mask, and one
 * with every other sharer, added by the lower index and subtracted by the higher, so that pairs cancel in the sum.
 */
import { FederationError } from '../errors.ts'
import { maskKey } from './keys.ts'
import type { Mask } from './mask-stream.ts'

export type SiteSeeds = {
  readonly index: number
  /** b: seed of the self mask. */
  readonly self: Uint8Array
  /** Seed shared with every other sharer (U2), by its index. */
  readonly pairs: ReadonlyMap<number, Uint8Array>
}

/**
 * The masks of one vector, to be added with `addMasks` chunk by chunk to the quantised words:
 * y_i = q_i + self(b_i) + sum of pair_ij over j > i - sum of pair_ij over j < i, modulo 2^32.
 */
export function siteMasks({ index, self, pairs }: SiteSeeds, vector: string, u2Hash: Uint8Array): Mask[] {
  if (pairs.size === 0) throw new FederationError('cohort-too-small', 'a site alone has nobody to hide among')
  return [
    { key: maskKey(self, 'self', vector, u2Hash), sign: 1 },
    ...[...pairs].map(([peer, seed]) => ({
      key: maskKey(seed, 'pair', vector, u2Hash),
      sign: pairSign(index, peer),
    })),
  ]
}

/** The sign of the mask that `index` shares with `peer`, in the vector of `index`. */
export function pairSign(index: number, peer: number): 1 | -1 {
  if (index === peer) throw new FederationError('invalid-argument', `site ${index} shares no mask with itself`)
  return index < peer ? 1 : -1
}
