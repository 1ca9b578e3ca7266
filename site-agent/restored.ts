/**
 * Whether this site itself was restored from an old copy (fedsum, section E.6). What it once advertised is kept, signed, by
 * its peers; the coordinator shows it the furthest of these when it attends. Where its own ledger is behind that, it ends
 * what is open and takes part in no round until a person here runs `site-agent recover`.
 */
import type { SignedLedger } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { knownLedgersMax } from '@consilium/protos/limits.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { compareLedgers, type LedgerPosition } from '@consilium/protos/secagg/session-ledger.ts'
import { advertiseMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { signedLedger } from './round/peer-ledgers.ts'
import type { Site } from './round/site.ts'
import type { SessionLedger } from './store/session-ledger.ts'

/** Tells how far this site saw its peers' ledgers: so a restored one is found in another run, too. */
export function tellKnownLedgers({ store, link }: Pick<Site, 'store' | 'link'>): void {
  const ledgers = store.sessionLedger.furthest(knownLedgersMax).map(signedLedger)
  if (ledgers.length > 0) link.send({ type: 'known-ledgers', ledgers }, '')
}

/**
 * Takes what this site is said to have advertised; only its own signature counts. Returns whether it shows, for the first
 * time, that this site was restored.
 */
export function findRestored(
  { site, planHash, body, signature }: SignedLedger,
  { name, identity, store: { sessionLedger } }: Pick<Site, 'name' | 'identity' | 'store'>,
): boolean {
  const message = advertiseMessage(Buffer.from(planHash, 'hex'), name, body)
  if (site !== name || !verifyMessage(identity.publicKey, signature, message))
    throw new FederationError('signature-invalid', 'the ledger that is said to be of this site is not signed by it')
  const { ledger: seen } = readAdvertisement(body)
  if (sessionLedger.restore() || isKnown(seen, sessionLedger)) return false
  sessionLedger.restored(seen)
  return true
}

/** Whether this site's own ledger holds what it once stood at; epochs before a recovery count for nothing. */
function isKnown(seen: LedgerPosition, ledger: SessionLedger): boolean {
  const own = ledger.position()
  if (seen.epoch < own.epoch) return true
  const then = ledger.at(seen.number)
  return then !== undefined && compareLedgers(then, seen) === 'same'
}
