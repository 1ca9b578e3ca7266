/**
 * Whether this coordinator runs from an old copy of its log (fedsum, section E.6). Only its own signature proves that: on a
 * head that this log does not have, on a revocation or a rotation of its key that no entry tells of, on a certificate of its
 * own authority. A bare claim proves nothing. Pure.
 */
import type { KeyRotation, KnownHeads } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { assertRotation } from '@consilium/protos/key-rotation.ts'
import { isFurther, type SignedHead, verifyHead } from '@consilium/protos/log/signed-head.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { type Revocation, verifyRevocation } from '@consilium/protos/revocation.ts'
import type { Caller } from '../services.ts'
import type { FederationEvent, Loss } from './events.ts'
import { type Federation, lossKey } from './federation.ts'

/** How many durable entries a stream has here, and the root of the first `size` of them. 0, and undefined, where it is not here. */
export type OwnLog = {
  length(stream: string): number
  rootAt(stream: string, size: number): string | undefined
}

const shownMax = 5

/**
 * The events that follow from what a site tells: what it proves to be missing here, and, where that was lost before a
 * recovery that is done, the revocations that still hold. Throws `signature-invalid` for the first thing that no key of this
 * coordinator signed; nothing of the message counts then.
 */
export function judgeKnown(
  federation: Federation,
  own: OwnLog,
  by: SiteName,
  told: KnownHeads,
  now: Date,
): FederationEvent[] {
  const at = now.toISOString()
  const rotations = rotationsSince(federation, told.rotations)
  const keys = [...ownKeys(federation), ...rotations.map(({ newPublicKey }) => newPublicKey)]
  checkSigned(told, keys)
  const missing: Loss[] = [
    ...rotations.slice(-1).map(({ newPublicKey }): Loss => ({ what: 'key', publicKey: base64(newPublicKey) })),
    ...furthest(told.heads).flatMap((head) => missingEntries(federation, own, head)),
    ...told.revocations.flatMap((revocation) => missingRevocation(federation, revocation)),
  ]
  return [
    ...missing.map((lost): FederationEvent => ({ type: 'loss-proven', at, by, lost })),
    ...lateRevocations(federation, told.revocations, at),
  ]
}

/**
 * What follows where a site shows a certificate that this authority issued and this log does not know: whether that is a
 * proof of an old copy. Undefined for one that was issued before the last recovery.
 */
export function unknownCertificate(federation: Federation, caller: Caller, now: Date): FederationEvent | undefined {
  const { site, serial, expiresAt, issuedAt } = caller
  const recoveredAt = federation.recoveries.at(-1)?.at
  if (recoveredAt !== undefined && (issuedAt ?? now) <= new Date(recoveredAt)) return undefined
  const lost: Loss = { what: 'certificate', site, serial, expiresAt: expiresAt.toISOString() }
  if (isKnownLoss(federation, lost)) return undefined
  return { type: 'loss-proven', at: now.toISOString(), by: site, lost }
}

/** Why nothing goes on: this log was proven to be an old copy, and nobody has recovered it since. Else undefined. */
export function restoredError({ losses }: Federation): FederationError | undefined {
  if (losses.length === 0) return undefined
  const missing = losses.map(describeLoss).slice(0, shownMax).join('; ')
  const more = losses.length > shownMax ? `; and ${losses.length - shownMax} more` : ''
  return new FederationError(
    'coordinator-restored',
    `this coordinator runs from an old copy of its home folder, and runs nothing: ${missing}${more}. Put a newer copy back, or go on from this one: consilium recover says what that costs (coordinator/RECOVER.md)`,
  )
}

/** Throws `coordinator-restored` for what has to wait until the operator has decided. */
export function checkWhole(federation: Federation): void {
  const why = restoredError(federation)
  if (why) throw why
}

/** One of {@link Federation.losses} as its operator reads it. */
export function describeLoss({ by, lost }: Federation['losses'][number]): string {
  switch (lost.what) {
    case 'entries':
      return lost.size > lost.length
        ? `${lost.stream} has ${lost.length} entries here, ${by} holds this coordinator's signature on ${lost.size} (${lost.provenAt})`
        : `the first ${lost.size} entries of ${lost.stream} are others here than this coordinator signed (${lost.provenAt}, held by ${by})`
    case 'revocation':
      return `${lost.site} was revoked on ${lost.revokedAt}, as ${by} proves: it stays out`
    case 'key':
      return `the signing key was handed on to ${fingerprint(Buffer.from(lost.publicKey, 'base64'))}, as ${by} proves`
    case 'certificate':
      return `${lost.site} has a certificate of this authority (until ${lost.expiresAt}) that this log does not know`
  }
}

/** Whether the present identity of a site is proven to have been revoked. */
export function isProvenRevoked({ sites, losses }: Federation, name: SiteName): boolean {
  const key = sites.get(name)?.identityPublicKey
  return losses.some(({ lost }) => lost.what === 'revocation' && lost.site === name && lost.publicKey === key)
}

function missingEntries(federation: Federation, own: OwnLog, head: SignedHead): Loss[] {
  const { stream, epoch, size, root, at: provenAt } = head
  const length = own.length(stream)
  if (size <= length && own.rootAt(stream, size) === root) return []
  const lost: Loss = { what: 'entries', stream, epoch, size, root, length, provenAt }
  return isKnownLoss(federation, lost) ? [] : [lost]
}

function missingRevocation(federation: Federation, { site, publicKey, epoch, at }: Revocation): Loss[] {
  const lost: Loss = { what: 'revocation', site, publicKey: base64(publicKey), epoch, revokedAt: at }
  if (epoch < federation.epoch || isRecorded(federation, lost) || isKnownLoss(federation, lost)) return []
  return [lost]
}

/** Of before a recovery that is done: whoever joined before it, too, is out. */
function lateRevocations(federation: Federation, revocations: readonly Revocation[], at: string): FederationEvent[] {
  return revocations.flatMap((told) => {
    const { site, epoch } = told
    if (epoch >= federation.epoch) return []
    return revokeProven(federation, { site, publicKey: base64(told.publicKey), epoch, revokedAt: told.at }, at)
  })
}

/** The revocation of a site that still has the identity which is proven to have been revoked. */
export function revokeProven(
  federation: Federation,
  proven: Omit<Extract<Loss, { what: 'revocation' }>, 'what'>,
  at: string,
): FederationEvent[] {
  const { site: name, publicKey, epoch, revokedAt } = proven
  const site = federation.sites.get(name)
  const isIn = site?.state === 'enrolled' && site.identityPublicKey === publicKey && site.joinedEpoch <= epoch
  if (!isIn || isRecorded(federation, { what: 'revocation', ...proven })) return []
  const reason = `it was revoked on ${revokedAt}, before this coordinator was restored from an old copy`
  return [{ type: 'site-revoked', at, site: name, reason, proven: { epoch, at: revokedAt } }]
}

function isRecorded({ revocations }: Federation, lost: Extract<Loss, { what: 'revocation' }>): boolean {
  return revocations.some(
    ({ site, publicKey, at }) => site === lost.site && publicKey === lost.publicKey && at === lost.revokedAt,
  )
}

/** Whether what is proven already says as much. Of a run lost before a recovery, its name is all that counts. */
function isKnownLoss({ losses, lostRuns, runs, epoch }: Federation, lost: Loss): boolean {
  if (lost.what === 'entries' && lost.epoch < epoch) {
    const run = /^run\/(.*)$/.exec(lost.stream)?.[1]
    return run === undefined || lostRuns.has(run) || runs.has(run)
  }
  return losses.some(({ lost: known }) => {
    if (lossKey(known) !== lossKey(lost)) return false
    if (known.what === 'entries' && lost.what === 'entries')
      return known.epoch > lost.epoch || (known.epoch === lost.epoch && known.size >= lost.size)
    return known.what !== 'certificate' || (lost.what === 'certificate' && known.serial === lost.serial)
  })
}

function furthest(heads: readonly SignedHead[]): SignedHead[] {
  const byStream = new Map<string, SignedHead>()
  for (const head of heads) {
    const known = byStream.get(head.stream)
    if (!known || isFurther(head, known)) byStream.set(head.stream, head)
  }
  return [...byStream.values()]
}

/** Rotations of the present key, and on from there, that no entry tells of. */
function rotationsSince(federation: Federation, told: readonly KeyRotation[]): KeyRotation[] {
  const chain: KeyRotation[] = []
  let key: Uint8Array = Buffer.from(federation.coordinatorPublicKey, 'base64')
  for (const rotation of told) {
    if (Buffer.compare(rotation.oldPublicKey, key) !== 0) continue
    assertRotation(key, rotation)
    chain.push(rotation)
    key = rotation.newPublicKey
  }
  return chain
}

function checkSigned({ heads, revocations }: KnownHeads, keys: readonly Uint8Array[]): void {
  const signed =
    heads.every((head) => keys.some((key) => verifyHead(key, head))) &&
    revocations.every((revocation) => keys.some((key) => verifyRevocation(key, revocation)))
  if (!signed)
    throw new FederationError('signature-invalid', 'what is told of the log of this coordinator is not signed by it')
}

/** The newest first. */
function ownKeys({ coordinatorPublicKey, rotations }: Federation): Uint8Array[] {
  const keys = [coordinatorPublicKey, ...rotations.map(({ oldPublicKey }) => oldPublicKey).reverse()]
  return keys.map((key) => Buffer.from(key, 'base64'))
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
