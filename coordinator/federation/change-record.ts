/** One change of the partners of a study as the federation's stream has it: the lead's word, its hash and its signature. */
import { canonicalJson } from '@consilium/protos/hash.ts'
import {
  parsePartnerChange,
  type ReadPartnerChange,
  type SignedPartnerChange,
} from '@consilium/protos/plan/partner-change.ts'
import type { FederationEventOf } from './events.ts'

export type ChangeRecord = {
  readonly change: ReadPartnerChange
  /** Base64. */
  readonly signature: string
  readonly at: string
}

export function changeRecord({ change, signature, at }: FederationEventOf<'partners-changed'>): ChangeRecord {
  return { change: parsePartnerChange(canonicalJson(change)), signature, at }
}

/** As the lead signed it. */
export function signedOf({ change: { hash: _, ...change }, signature }: ChangeRecord): SignedPartnerChange {
  return { bytes: canonicalJson(change), signature: Buffer.from(signature, 'base64') }
}
