/**
 * How far the ledgers of the sites' sessions were ever seen (fedsum, section E.6), from what sites advertise and from what
 * their peers tell of them when they attend. A site is shown its own, so that one that was restored from an old copy finds
 * it out before it does anything twice. Nothing here is kept over a restart: the sites tell it again.
 */
import type { SignedLedger } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { compareLedgers, type LedgerPosition } from '@consilium/protos/secagg/session-ledger.ts'
import { advertiseMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'

export type SessionLedgers = {
  /**
   * Keeps what is further than what was seen before, each under the signature of the site it is about; returns those sites.
   * Throws `signature-invalid` for the first that its site did not sign.
   */
  tell(by: SiteName, ledgers: readonly SignedLedger[]): readonly SiteName[]
  /** A new agent attends for the site: what it told of itself on an earlier stream it may know no more. */
  attends(site: SiteName): void
  /** What the agent of the site that attends must see; undefined while it said it all itself. */
  due(site: SiteName): SignedLedger | undefined
}

type Seen = { readonly ledger: SignedLedger; readonly position: LedgerPosition; readonly isOwn: boolean }

/** `identityOf`: the Ed25519 key of an enrolled site, 32 bytes. */
export function openSessionLedgers(identityOf: (site: SiteName) => Uint8Array | undefined): SessionLedgers {
  const furthest = new Map<SiteName, Seen>()
  return {
    tell: (by, ledgers) =>
      ledgers.flatMap((ledger) => {
        const { site } = ledger
        const publicKey = identityOf(site)
        if (!publicKey) return []
        const position = readAdvertisement(ledger.body).ledger
        const seen = furthest.get(site)
        if (seen && compareLedgers(position, seen.position) !== 'ahead') return []
        checkSigned(ledger, publicKey)
        furthest.set(site, { ledger, position, isOwn: by === site })
        return [site]
      }),
    attends(site) {
      const seen = furthest.get(site)
      if (seen) furthest.set(site, { ...seen, isOwn: false })
    },
    due(site) {
      const seen = furthest.get(site)
      return seen && !seen.isOwn ? seen.ledger : undefined
    },
  }
}

function checkSigned({ site, planHash, body, signature }: SignedLedger, publicKey: Uint8Array): void {
  if (!verifyMessage(publicKey, signature, advertiseMessage(Buffer.from(planHash, 'hex'), site, body)))
    throw new FederationError('signature-invalid', `what is told of the ledger of ${site} is not signed by it`)
}
