/** A coordinator that goes on from an old copy of its log: what its operator is shown before, and the events of it. Pure. */
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint, type Identity } from '@consilium/protos/identity.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { signRecovery } from '@consilium/protos/recovery.ts'
import type { RecoveryView } from '../services.ts'
import type { FederationEvent, FederationEventOf, Loss } from './events.ts'
import type { Federation } from './federation.ts'
import { describeLoss, isProvenRevoked, revokeProven } from './losses.ts'

/** Throws `not-restored` where nothing is proven to be missing, `coordinator-key-changed` where the signing key is. */
export function checkRecoverable(federation: Federation): void {
  const { losses, recoveries, coordinatorPublicKey } = federation
  const last = recoveries.at(-1)
  if (losses.length === 0)
    throw new FederationError(
      'not-restored',
      `no site proves that anything is missing from this coordinator's log${last ? ` (it was recovered on ${last.at}, as epoch ${last.epoch})` : ''}. Nothing is changed. If an old copy was put back just now, wait until a site attends that was there since: consilium status then says so`,
    )
  const key = lossesOf(federation, 'key')[0]
  if (key)
    throw new FederationError(
      'coordinator-key-changed',
      `the signing key was handed on to ${fingerprint(Buffer.from(key.publicKey, 'base64'))}, and this home has the one before, ${fingerprint(Buffer.from(coordinatorPublicKey, 'base64'))}: sites that followed take nothing from it. Put a copy of the home folder back that was made after the rotation; without one, every site has to join a new federation`,
    )
}

/**
 * The signed end of what was lost: the next epoch of the log, every proven revocation taken over, and the certificates of
 * `readmitted` sites good again. `head`: of the federation's stream as it is. Throws as {@link checkRecoverable}, and
 * `invalid-argument` for a site that cannot be let in again so.
 */
export function recover(
  federation: Federation,
  head: LogHead,
  coordinator: Identity,
  readmitted: readonly SiteName[],
  now: Date,
): FederationEvent[] {
  checkRecoverable(federation)
  const at = now.toISOString()
  const epochs = federation.losses.flatMap(({ lost }) => ('epoch' in lost ? [lost.epoch] : []))
  const epoch = Math.max(federation.epoch, ...epochs) + 1
  const { signature } = signRecovery(coordinator, { epoch, ...head, at })
  return [
    ...readmitted.map((site) => readmission(federation, site, at)),
    ...lossesOf(federation, 'revocation').flatMap((lost) => revokeProven(federation, lost, at)),
    { type: 'coordinator-recovered', at, epoch, ...head, signature: Buffer.from(signature).toString('base64') },
  ]
}

export function recoveryView(federation: Federation, openRuns: readonly string[]): RecoveryView {
  const { name, epoch, losses, recoveries, lostRuns, sites } = federation
  const revoked = lossesOf(federation, 'revocation').filter(({ site }) => isProvenRevoked(federation, site))
  return {
    federation: name,
    epoch,
    losses: losses.map((loss) => ({ at: loss.at, by: loss.by, what: loss.lost.what, text: describeLoss(loss) })),
    recoveries: recoveries.map(({ at, epoch: begun, size }) => ({ at, epoch: begun, size })),
    openRuns: losses.length > 0 ? openRuns : [],
    lostRuns: [...lostRuns],
    revoked: [...new Set(revoked.map(({ site }) => site))],
    unknownCertificates: lossesOf(federation, 'certificate').map(({ site }) => site),
    invited:
      losses.length > 0 ? [...sites.values()].flatMap((site) => (site.state === 'invited' ? [site.name] : [])) : [],
  }
}

/** The certificate that a site showed, good again: its operator says so by name, for nobody else can know. */
function readmission(federation: Federation, name: SiteName, at: string): FederationEvent {
  const shown = lossesOf(federation, 'certificate').find(({ site }) => site === name)
  const refuse = (why: string) => new FederationError('invalid-argument', `${name} cannot be readmitted: ${why}`)
  if (!shown) throw refuse('it showed no certificate that this log does not know')
  if (federation.sites.get(name)?.state !== 'enrolled')
    throw refuse('this log does not know that it joined: invite it with consilium site add, and it joins anew')
  if (isProvenRevoked(federation, name)) throw refuse('it is proven to have been revoked')
  const { serial, expiresAt } = shown
  return {
    type: 'certificate-renewed',
    at,
    site: name,
    serial,
    expiresAt,
  } satisfies FederationEventOf<'certificate-renewed'>
}

function lossesOf<What extends Loss['what']>({ losses }: Federation, what: What) {
  return losses.flatMap(({ lost }) => (lost.what === what ? [lost as Extract<Loss, { what: What }>] : []))
}
