/** Directories that are not what the sites advertised: check S2 ends them. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import { planHash } from '@consilium/protos/plan/round-plan.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { generateAgreementKeys } from '@consilium/protos/secagg/keys.ts'
import type { Advertised } from '@consilium/protos/secagg/messages.ts'
import {
  type Advertisement,
  advertisedBody,
  advertiseMessage,
  signMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import type { Scene } from './attacks.ts'

export type Directory = Extract<ToSite, { type: 'directory' }>

export function replace(directory: Directory, index: number, change: (entry: Advertised) => Advertised): Directory {
  return {
    ...directory,
    sites: directory.sites.map((entry) => (entry.index === index ? { ...change(entry), index } : entry)),
  }
}

export function changed(body: Uint8Array, changes: Partial<Advertisement>): Uint8Array {
  return advertisedBody({ ...readAdvertisement(body), ...changes })
}

/** The entry with another body, signed anew. */
export function signed(
  entry: Advertised,
  changes: Partial<Advertisement>,
  identity: Identity,
  { plan }: Scene,
): Advertised {
  const body = changed(entry.body, changes)
  const message = advertiseMessage(Buffer.from(planHash(plan), 'hex'), plan.cohort[entry.index - 1]!, body)
  return { ...entry, body, signature: signMessage(identity, message) }
}

export function ownKeys(): Pick<Advertisement, 'channelKey' | 'maskKey'> {
  return { channelKey: generateAgreementKeys().publicKey, maskKey: generateAgreementKeys().publicKey }
}
