/**
 * Whether this site works for its coordinator as the log of that now stands (fedsum, section E.6): not while it shows an
 * older one than it signed before, and after it was recovered from an old copy only once the policy or a person here goes
 * along. What this site did and saw before stays as it was, whatever the coordinator forgot.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { KnownRecovery } from '../store/coordinator-log.ts'
import type { Site } from './site.ts'

type Judging = Pick<Site, 'store' | 'readPolicy'>

/** Throws `log-forked` or `recovery-refused`. */
export function checkCoordinatorLog(site: Judging): void {
  const back = site.store.coordinatorLog.wentBack()
  if (back)
    throw new FederationError(
      'log-forked',
      `the coordinator's log went back: it shows ${back.shownSize} entries of the federation, and had signed ${back.knownSize}. It runs from an old copy, or lies; this site works again once it shows them, or its operator has run consilium recover`,
    )
  const waiting = openRecoveries(site)
  if (waiting.length > 0) throw recoveryRefused(waiting, site)
}

/**
 * Recoveries that nobody here went along with. The policy's word is taken as it is now, but for a coordinator that forgot a
 * revocation which this site proves: that is for a person.
 */
export function openRecoveries(site: Judging): readonly KnownRecovery[] {
  const { coordinatorLog } = site.store
  const waiting = () => coordinatorLog.recoveries().filter(({ accepted }) => !accepted)
  if (waiting().length > 0 && letInAgain(site).length === 0 && site.readPolicy().recovery.accept)
    coordinatorLog.accept('policy', '')
  return waiting()
}

/** Sites that the coordinator offers now although it revoked them, and nobody here pinned them again. */
export function letInAgain({ store: { roster } }: Pick<Judging, 'store'>): readonly SiteName[] {
  return roster.offers().flatMap(({ site, publicKey }) => (roster.revokedAt(publicKey) ? [site] : []))
}

export function recoveryRefused(waiting: readonly KnownRecovery[], site: Pick<Judging, 'store'>): FederationError {
  const { at, knownSize, size } = waiting.at(-1)!
  const again = letInAgain(site).join(', ')
  const forgotten =
    again && `; and it offers ${again} again, whom it had revoked: recovery.accept does not hold for that`
  return new FederationError(
    'recovery-refused',
    `the coordinator was restored from an old copy and recovered on ${at}: of the ${knownSize} entries of its log that this site knew it went on with at most ${size}${forgotten}. Ask its operator what happened; then site-agent coordinator accept, or recovery.accept in policy.yaml`,
  )
}
