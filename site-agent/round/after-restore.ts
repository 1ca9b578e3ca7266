/**
 * What a restored site keeps out of (fedsum, section E.6): of every round, until a person recovers it; and after that of the
 * sums that are compared, statistics and evaluations, of each study that it may have taken part in before.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { type PartnerPurpose, partnerPurposes } from '@consilium/protos/plan/partner-change.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Site } from './site.ts'

type Store = Pick<Site, 'store'>
type NamedStore = Pick<Site, 'store' | 'name'>

/** Throws `site-restored` where this site was found to be restored and not recovered since. */
export function checkNotRestored(site: Store): void {
  const why = restoredError(site)
  if (why) throw why
}

/** Undefined for a site that may take part in rounds. */
export function restoredError({ store }: Store): FederationError | undefined {
  const found = store.sessionLedger.restore()
  return (
    found &&
    new FederationError(
      'site-restored',
      `the state of this site was restored from an old copy: it once stood at session ${found.seen.number} (epoch ${found.seen.epoch}) of its ledger, which now ends at ${store.sessionLedger.position().number}. It takes part in no round until a person here runs site-agent recover`,
    )
  )
}

/** Throws `site-restored` for a sum that this site may have taken part in, and forgotten. */
export function checkStandsIn({ purpose, study }: Pick<RoundPlan, 'purpose' | 'study'>, site: NamedStore): void {
  if (purpose === 'train' || !standsOutOf(study, site).includes(purpose)) return
  throw new FederationError(
    'site-restored',
    `this site was recovered, and does not know which ${purpose === 'evaluate' ? 'evaluations' : 'statistics'} of this study it took part in before: it stands out of them, and trains only, until the lead of the study signs whom it was among (consilium study partners --restored). See site-agent status`,
  )
}

/** What this site stands out of in a study of before its recovery: all but what its lead told it since, for this epoch, whom it was among. */
export function standsOutOf(study: Sha256, { name, store }: NamedStore): readonly PartnerPurpose[] {
  if (!isOfBefore(study, { store })) return []
  const { epoch } = store.sessionLedger.position()
  const told = store.partnerChanges
    .list(study)
    .flatMap(({ change: { restored, sets }, agreed }) =>
      agreed && restored?.site === name && restored.epoch === epoch ? sets.map(({ purpose }) => purpose) : [],
    )
  return partnerPurposes.filter((purpose) => !told.includes(purpose))
}

/**
 * Whether a study may be one of before the recovery: all are that this site knew then, and those it was offered since for as
 * long as no person approved them here, who knows which are new.
 */
function isOfBefore(study: Sha256, { store }: Store): boolean {
  const recovery = store.sessionLedger.recovery()
  if (!recovery) return false
  const known = store.studies.find(study)
  if (!known || known.seenAt <= recovery.recoveredAt) return true
  const decision = store.studies.decisionOn(study)
  return decision?.decision !== 'approved' || decision.by !== 'person'
}
