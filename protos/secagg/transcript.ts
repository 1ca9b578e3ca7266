/**
 * Hashes that bind a session's masks and signatures to everything the sites saw (fedsum, sections A.3 and A.6): roster,
 * session, sharers (U2), upload, survivors (U3), commitments. Lists stand in ascending order of the sites' indices, each
 * site once; both ends refuse any other.
 */
import { FederationError } from '../errors.ts'
import { labelledHash } from '../hash.ts'
import { cohortMax } from '../limits.ts'

/** One site of the roster; `index` counts from 1 in the order of the names, and is the site's Shamir index. */
export type RosterEntry = { readonly index: number; readonly name: string; readonly publicKey: Uint8Array }

/** H("roster", (u16(index) || name || Ed25519 public key)*). */
export function rosterHash(roster: readonly RosterEntry[]): Uint8Array {
  assertAscending(roster)
  if (roster.some(({ name }, i) => i > 0 && name <= roster[i - 1]!.name))
    throw new FederationError('message-invalid', 'a roster stands in the order of the names, each once')
  return labelledHash(
    'roster',
    ...roster.map(({ index, name, publicKey }) =>
      Buffer.concat([siteIndexBytes(index), Buffer.from(name), exactly(32, publicKey, 'an Ed25519 public key')]),
    ),
  )
}

/** sid = H("session", planHash, rosterHash, (advertised body || signature)*): every site that saw the same has the same. */
export function sessionId(
  planHash: Uint8Array,
  roster: Uint8Array,
  advertisements: readonly { readonly index: number; readonly body: Uint8Array; readonly signature: Uint8Array }[],
): Uint8Array {
  assertAscending(advertisements)
  return labelledHash(
    'session',
    exactly(32, planHash, 'a plan hash'),
    exactly(32, roster, 'a roster hash'),
    ...advertisements.map(({ body, signature }) => Buffer.concat([body, exactly(64, signature, 'a signature')])),
  )
}

/** U2hash = H("u2", sid, (u16(index) || hash of its ShareKeys)*). */
export function sharersHash(
  sid: Uint8Array,
  sharers: readonly { readonly index: number; readonly shareKeysHash: Uint8Array }[],
): Uint8Array {
  return listHash(
    'u2',
    [sid],
    sharers.map(({ index, shareKeysHash }) => ({ index, hash: shareKeysHash })),
  )
}

/** U3hash = H("u3", sid, U2hash, (u16(index) || upload root)*). */
export function survivorsHash(
  sid: Uint8Array,
  u2Hash: Uint8Array,
  survivors: readonly { readonly index: number; readonly root: Uint8Array }[],
): Uint8Array {
  return listHash(
    'u3',
    [sid, u2Hash],
    survivors.map(({ index, root }) => ({ index, hash: root })),
  )
}

/** root = H("upload", sid, u16(index), (name || 0x00 || SHA-256 of the masked vector's bytes)*), in the plan's order. */
export function uploadRoot(
  sid: Uint8Array,
  index: number,
  vectors: readonly { readonly name: string; readonly sha256: Uint8Array }[],
): Uint8Array {
  if (vectors.length === 0 || new Set(vectors.map(({ name }) => name)).size !== vectors.length)
    throw new FederationError('message-invalid', 'an upload names each of its vectors once')
  return labelledHash(
    'upload',
    exactly(32, sid, 'a session'),
    siteIndexBytes(index),
    ...vectors.map(({ name, sha256 }) => Buffer.concat([Buffer.from(`${name}\0`), exactly(32, sha256, 'a SHA-256')])),
  )
}

/** H("self-commit", sid, u16(index), b): what a rebuilt self-mask seed must equal. */
export function selfCommitment(sid: Uint8Array, index: number, selfSeed: Uint8Array): Uint8Array {
  return labelledHash(
    'self-commit',
    exactly(32, sid, 'a session'),
    siteIndexBytes(index),
    exactly(32, selfSeed, 'a self-mask seed'),
  )
}

/** H("group-commit", sid, u16(index), g): what the part of the group secret that a site sealed to each peer must equal. */
export function groupCommitment(sid: Uint8Array, index: number, part: Uint8Array): Uint8Array {
  return labelledHash(
    'group-commit',
    exactly(32, sid, 'a session'),
    siteIndexBytes(index),
    exactly(32, part, 'a part of the group secret'),
  )
}

/** H("com-s" or "com-b", sid, u16(from), u16(to), share): what a share of the mask key or self-mask seed must equal. */
export function shareCommitment(
  kind: ShareKind,
  sid: Uint8Array,
  from: number,
  to: number,
  share: Uint8Array,
): Uint8Array {
  return labelledHash(
    `com-${kind}`,
    exactly(32, sid, 'a session'),
    siteIndexBytes(from),
    siteIndexBytes(to),
    exactly(32, share, 'a share'),
  )
}

/** `s`: the secret half of a site's mask key; `b`: its self-mask seed. The coordinator gets at most one of a site. */
export type ShareKind = 's' | 'b'

/** u16, big-endian; throws `message-invalid` for what is no index. */
export function siteIndexBytes(index: number): Buffer {
  if (!Number.isInteger(index) || index < 1 || index > cohortMax)
    throw new FederationError('message-invalid', `a site's index is 1 to ${cohortMax}, not ${index}`)
  return Buffer.from([0, index])
}

/** Refuses a list of sites that is empty, out of order or names a site twice. */
export function assertAscending(sites: readonly { readonly index: number }[]): void {
  if (sites.length === 0) throw new FederationError('message-invalid', 'a list of sites is empty')
  sites.forEach(({ index }, i) => {
    siteIndexBytes(index)
    if (i > 0 && index <= sites[i - 1]!.index)
      throw new FederationError('message-invalid', `site ${index} is out of order or named twice`)
  })
}

/** The bytes, where they have the length they must have; else `message-invalid`. */
export function exactly(length: number, bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length !== length)
    throw new FederationError('message-invalid', `${what} has ${length} bytes, not ${bytes.length}`)
  return bytes
}

function listHash(
  label: string,
  bound: readonly Uint8Array[],
  sites: readonly { readonly index: number; readonly hash: Uint8Array }[],
): Uint8Array {
  assertAscending(sites)
  return labelledHash(
    label,
    ...bound.map((hash) => exactly(32, hash, 'a hash')),
    ...sites.map(({ index, hash }) => Buffer.concat([siteIndexBytes(index), exactly(32, hash, 'a hash')])),
  )
}
