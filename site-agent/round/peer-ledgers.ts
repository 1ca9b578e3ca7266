/**
 * The ledgers of the peers in a directory (fedsum, section E.6): a peer that goes back within a run, or stands on another
 * path than it was seen on, was restored from an old copy, and has forgotten what it may not do again. No session with it
 * begins; what it had signed before goes to the coordinator, which shows it to that peer.
 */
import type { SignedLedger } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Directory } from '@consilium/protos/secagg/messages.ts'
import { compareLedgers, type LedgerPosition, nextLedgerHead } from '@consilium/protos/secagg/session-ledger.ts'
import type { Advertisement } from '@consilium/protos/secagg/signed-messages.ts'
import type { SeenLedger } from '../store/session-ledger.ts'
import type { Assignment } from './assignment.ts'
import type { Site } from './site.ts'

/** Keeps where the peers stand; throws `peer-restored` where one cannot stand there, and keeps nothing then. */
export function checkPeerLedgers(
  sites: Directory['sites'],
  advertised: ReadonlyMap<number, Pick<Advertisement, 'ledger'>>,
  { planHash, plan, study }: Assignment,
  { name, store, link }: Pick<Site, 'name' | 'store' | 'link'>,
): void {
  const shown = sites.flatMap(({ index, body, signature }): SeenLedger[] => {
    const site = plan.cohort[index - 1]!
    return site === name ? [] : [{ site, planHash, body, signature, position: advertised.get(index)!.ledger }]
  })
  const restored = shown.flatMap((now) => {
    const seen = store.sessionLedger.seen(now.site, plan.run)
    return seen && !follows(now, seen) ? [{ now, seen }] : []
  })
  if (restored.length === 0) {
    store.sessionLedger.see(plan.run, shown)
    return
  }
  link.send({ type: 'known-ledgers', ledgers: restored.map(({ seen }) => signedLedger(seen)) }, study.hash)
  throw new FederationError(
    'peer-restored',
    `${restored.map(({ now, seen }) => went(now, seen)).join('; ')}: restored from an old copy, it does not know any more what it may not do twice. It finds out by itself; its people run site-agent recover there`,
  )
}

export function signedLedger({ site, planHash, body, signature }: SignedLedger): SignedLedger {
  return { site, planHash, body, signature }
}

/** Whether one ledger that only ever grows can have stood at both. */
function follows(now: SeenLedger, seen: SeenLedger): boolean {
  const order = compareLedgers(now.position, seen.position)
  if (order === 'same') return now.planHash === seen.planHash
  if (order !== 'ahead') return false
  return !isNext(now.position, seen.position) || isHeadAfter(now.position, seen.position, now.planHash)
}

function isNext(now: LedgerPosition, seen: LedgerPosition): boolean {
  return now.epoch === seen.epoch && now.number === seen.number + 1
}

function isHeadAfter(now: LedgerPosition, seen: LedgerPosition, planHash: Sha256): boolean {
  return Buffer.compare(now.head, nextLedgerHead(seen.head, now, Buffer.from(planHash, 'hex'))) === 0
}

function went({ site, position: now }: SeenLedger, { position: seen }: SeenLedger): string {
  const [at, was] = [now, seen].map(({ epoch, number }) => `entry ${number} of epoch ${epoch}`)
  return `${site} stands at ${at} of its sessions' ledger, and was at ${was} before in this run`
}
