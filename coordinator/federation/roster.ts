/**
 * The roster as the coordinator offers it: every enrolled site and its identity. What it offers counts for nothing at a
 * site until somebody there approves it.
 */
import type { RosterSite } from '@consilium/protos/control-messages.ts'
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import type { Federation } from './federation.ts'

/** By name. */
export function offeredRoster({ sites }: Federation): RosterSite[] {
  return [...sites.values()]
    .flatMap(({ name, state, identityPublicKey }) =>
      state === 'enrolled' && identityPublicKey !== undefined
        ? [{ site: name, publicKey: Buffer.from(identityPublicKey, 'base64') }]
        : [],
    )
    .sort((a, b) => (a.site < b.site ? -1 : 1))
}

/** Hexadecimal; another one for every other roster. */
export function rosterKey(roster: readonly RosterSite[]): string {
  return sha256Hex(canonicalJson(roster.map(({ site, publicKey }) => [site, Buffer.from(publicKey).toString('hex')])))
}
