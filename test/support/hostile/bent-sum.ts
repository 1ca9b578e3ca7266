/** Committed sums that are not what the sites masked. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'

export type VerifySum = Extract<ToSite, { type: 'verify-sum' }>
export type SumLie = (sum: VerifySum) => VerifySum

export function flippedSum(flip: (words: Int32Array) => void): SumLie {
  return (sum) => {
    const words = new Int32Array(Uint8Array.from(sum.words!).buffer)
    flip(words)
    const bytes = new Uint8Array(words.buffer)
    return { ...sum, words: bytes, sums: sha256Hex(bytes) }
  }
}
