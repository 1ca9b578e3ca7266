/**
 * What a verified sum made, as sites sign it (fedsum, section E.3): the next global parameters of a train round, means and
 * deviations of the columns that a statistics round summed. Fewest signatures by which one that was not in the round takes it over.
 */
import { canonicalJson, sha256Hex } from '../hash.ts'
import type { SummedColumn } from '../plan/columns.ts'
import type { Sha256 } from '../plan/names.ts'

/** A round's result as far as sites go on with it. */
export type Made =
  | { readonly purpose: 'train'; readonly parameters: Sha256 }
  | { readonly purpose: 'statistics'; readonly columns: readonly SummedColumn[] }

/** SHA-256 of the parameters, or of the canonical JSON of the columns with their means and deviations. */
export function madeHash(made: Made): Sha256 {
  return made.purpose === 'train' ? made.parameters : columnsHash(made.columns)
}

export function columnsHash(columns: readonly SummedColumn[]): Sha256 {
  return sha256Hex(canonicalJson(columns))
}

/** max(2, c + 1): one of them at least is neither the asker's nor a colluder's. */
export function verifiersMin({ colluders }: { readonly colluders: number }): number {
  return Math.max(2, colluders + 1)
}
