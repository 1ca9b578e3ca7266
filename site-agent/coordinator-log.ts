/**
 * What the coordinator signs about its own log, kept and given back (fedsum, section E.6): heads, revocations, rotations of
 * its key. A coordinator that was restored from an old copy finds itself out by them, and this site finds out one that shows
 * an older log than before.
 */
import type { KeyRotation, ShownHead } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { assertRotation } from '@consilium/protos/key-rotation.ts'
import { knownHeadsMax, revocationsMax } from '@consilium/protos/limits.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import { verifyConsistency } from '@consilium/protos/log/merkle.ts'
import { federationStream, isFurther, type SignedHead, verifyHead } from '@consilium/protos/log/signed-head.ts'
import { type Recovery, verifyRecovery } from '@consilium/protos/recovery.ts'
import { type Revocation, verifyRevocation } from '@consilium/protos/revocation.ts'
import { openRecoveries, recoveryRefused } from './round/coordinator-log.ts'
import type { Site } from './round/site.ts'

/** Said first on every stream, also by a site that holds nothing yet: then the coordinator shows where its log stands. */
export function tellKnownHeads({ store: { coordinatorLog }, link }: Pick<Site, 'store' | 'link'>): void {
  const heads = coordinatorLog.newestHeads(knownHeadsMax)
  const revocations = coordinatorLog.revocations(revocationsMax)
  link.send({ type: 'known-heads', heads, revocations, rotations: coordinatorLog.rotations() }, '')
}

type Taking = Pick<Site, 'coordinatorPublicKey' | 'store' | 'readPolicy' | 'emit'>

/** Keeps a head that follows the one kept so far. Throws `signature-invalid` for what the coordinator did not sign. */
export function takeShownHead({ head, consistency, recoveries }: ShownHead, site: Taking): void {
  if (!verifyHead(site.coordinatorPublicKey, head)) throw notSigned('a head of its log')
  const { coordinatorLog } = site.store
  const kept = coordinatorLog.head(head.stream)
  // That a run's log only grows is checked with each of its plans.
  if (head.stream !== federationStream) {
    if (!kept || isFurther(head, kept)) coordinatorLog.keepHead(head)
    return
  }
  takeFederationHead({ head, consistency, recoveries }, kept, site)
}

function takeFederationHead(shown: ShownHead, kept: SignedHead | undefined, site: Taking): void {
  const { head } = shown
  const { coordinatorLog } = site.store
  const follows = !kept || isSame(kept, head) || extendsIt(kept, shown)
  const isLater = kept !== undefined && head.epoch > kept.epoch
  if (!follows && !isLater) {
    goneBack(kept!, head, site)
    return
  }
  const known = coordinatorLog.recoveries().length
  if (isLater) takeRecoveries(shown, kept, follows, site)
  coordinatorLog.setWentBack(undefined)
  coordinatorLog.keepHead(head)
  const waiting = openRecoveries(site)
  if (waiting.length > 0 && coordinatorLog.recoveries().length > known)
    site.emit({ type: 'coordinator-recovered', reason: recoveryRefused(waiting, site).message })
}

/** Keeps what the coordinator signed; throws `signature-invalid`, and keeps nothing, where one of them is not. */
export function takeRevoked(revocations: readonly Revocation[], site: Omit<Taking, 'readPolicy'>): void {
  if (!revocations.every((revocation) => verifyRevocation(site.coordinatorPublicKey, revocation)))
    throw notSigned('a revocation')
  for (const { site: revoked, publicKey, at } of site.store.coordinatorLog.keepRevocations(revocations))
    site.emit({ type: 'site-revoked', site: revoked, fingerprint: fingerprint(publicKey), at })
}

/** Keeps rotations that were followed, so that a coordinator which lost them learns of its own later key. */
export function keepRotations(rotations: readonly KeyRotation[], { store }: Pick<Taking, 'store'>): void {
  for (const rotation of rotations) assertRotation(rotation.oldPublicKey, rotation)
  store.coordinatorLog.keepRotations(rotations)
}

/** Throws `signature-invalid` or `log-forked`, and takes it for a log that went back, where these are no recoveries of this log. */
function takeRecoveries(shown: ShownHead, kept: SignedHead, extended: boolean, site: Taking): void {
  const since = shown.recoveries.filter(({ epoch }) => epoch > kept.epoch)
  const why = whyNone(since, shown, kept, extended, site)
  if (why) {
    goneBack(kept, shown.head, site)
    throw why
  }
  site.store.coordinatorLog.found(since, kept.size, extended)
}

function whyNone(
  since: readonly Recovery[],
  shown: ShownHead,
  kept: SignedHead,
  extended: boolean,
  { coordinatorPublicKey }: Taking,
): FederationError | undefined {
  if (!since.every((recovery) => verifyRecovery(coordinatorPublicKey, recovery)))
    return notSigned('the recovery of its log')
  if (areOf(shown, since) && (extended ? isBefore(kept, since) : standsIn(shown, since))) return undefined
  return new FederationError(
    'log-forked',
    `the coordinator shows epoch ${shown.head.epoch} of its log, and no recovery that this log goes on from`,
  )
}

/** One after the other, the last of them that which began the epoch that is shown. One between may be lost as well. */
function areOf({ head }: ShownHead, since: readonly Recovery[]): boolean {
  const grow = since.every(
    ({ epoch, size }, i) => i === 0 || (epoch > since[i - 1]!.epoch && size > since[i - 1]!.size),
  )
  return grow && since.at(-1)?.epoch === head.epoch && since.at(-1)!.size < head.size
}

/** What was signed in an epoch is no longer than the log was when that epoch ended. */
function isBefore(kept: SignedHead, since: readonly Recovery[]): boolean {
  return kept.size <= since[0]!.size
}

/** The log that is shown goes on from where the recovery says. */
function standsIn({ head, consistency }: ShownHead, since: readonly Recovery[]): boolean {
  return verifyConsistency(inBytes(since.at(-1)!), inBytes(head), consistency)
}

function goneBack(kept: SignedHead, head: SignedHead, { store: { coordinatorLog }, emit }: Taking): void {
  const isNew = coordinatorLog.wentBack() === undefined
  coordinatorLog.setWentBack({ shownSize: head.size, knownSize: kept.size })
  if (isNew)
    emit({
      type: 'coordinator-went-back',
      reason: `it shows ${head.size} entries of the federation's log that are not those it signed before (${kept.size} of them, on ${kept.at}): it runs from an old copy, or lies. This site works for it again once that is mended there`,
    })
}

function extendsIt(kept: SignedHead, { head, consistency }: ShownHead): boolean {
  if (head.epoch < kept.epoch || head.size <= kept.size) return false
  return verifyConsistency(inBytes(kept), inBytes(head), consistency)
}

function isSame(kept: SignedHead, head: SignedHead): boolean {
  return kept.epoch === head.epoch && kept.size === head.size && kept.root === head.root
}

function inBytes({ size, root }: LogHead): { readonly size: number; readonly root: Uint8Array } {
  return { size, root: Buffer.from(root, 'hex') }
}

function notSigned(what: string): FederationError {
  return new FederationError('signature-invalid', `${what} is not signed by the coordinator this site pinned`)
}
