/**
 * What the plan of a secure round must satisfy at a site before it works for it (fedsum, section A.4: S1): the mode the study
 * was approved with, the cohort as this site's pinned roster knows it, thresholds no weaker than study and site ask for,
 * and the vectors of its purpose, no others.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan, type SecureRound } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { secureVectors, statisticsVectors } from '@consilium/protos/secagg/vectors.ts'
import { checkColumnsOfStudy } from './columns.ts'
import { checkComingsAndGoings, checkPartners } from './partners.ts'
import { checkThresholds } from './plan-thresholds.ts'
import type { Site } from './site.ts'
import { checkColumns } from './summed-once.ts'

/** Throws `message-invalid`, `roster-mismatch`, `thresholds-refused` or `column-summed` for the first check the plan fails. */
export function checkSecureRound(
  plan: RoundPlan,
  manifest: StudyManifest,
  site: Pick<Site, 'name' | 'identity' | 'store' | 'readPolicy'>,
): void {
  const { secure } = plan
  checkMode(plan, manifest)
  checkColumnsOfStudy(plan, manifest)
  if (!secure) return
  checkOrder(plan, secure)
  checkRoster(plan, secure, site)
  checkThresholds(plan, secure, manifest, site.readPolicy().secure)
  checkVectors(plan, secure, manifest)
  checkColumns({ planHash: planHash(plan), plan }, site.store)
  checkPartners(plan, manifest, site)
  checkComingsAndGoings(plan, site)
}

/** A study approved as secure never runs sealed, nor the other way round. */
function checkMode({ secure, runPublicKey }: RoundPlan, { study }: StudyManifest): void {
  const { mode } = study.aggregation
  if (mode === 'secure' ? !secure || runPublicKey : secure || !runPublicKey)
    throw invalid(
      `the approved study adds its updates ${mode === 'secure' ? 'under masks' : 'sealed'}, and this plan does not`,
    )
}

function checkOrder({ cohort }: RoundPlan, { roster }: SecureRound): void {
  if (cohort.some((name, i) => i > 0 && name <= cohort[i - 1]!))
    throw invalid('the cohort does not stand in the order of the names, each once')
  if (roster.length !== cohort.length)
    throw invalid(`the plan names ${cohort.length} sites and ${roster.length} identities`)
}

function checkRoster(
  { cohort }: RoundPlan,
  { roster }: SecureRound,
  { name, identity, store }: Pick<Site, 'name' | 'identity' | 'store'>,
): void {
  cohort.forEach((site, i) => {
    const named = Buffer.from(roster[i]!, 'base64')
    const pinned = site === name ? identity.publicKey : store.roster.pinned(site)
    if (pinned && Buffer.compare(pinned, named) === 0) {
      if (site !== name) checkNotRevoked(site, pinned, store)
      return
    }
    if (site === name) throw mismatch('the plan names another identity for this site than its own')
    throw mismatch(
      pinned
        ? `the plan names ${fingerprint(named)} as identity of ${site}, this site has pinned ${fingerprint(pinned)}`
        : `the identity of ${site}, ${fingerprint(named)}, is not approved here`,
      ` Compare it with what ${site} reads out; if it is right: site-agent roster approve ${site} ${fingerprint(named)}`,
    )
  })
}

/** Whom the coordinator sent away comes back by a person here alone, whatever the coordinator remembers (fedsum, E.6). */
function checkNotRevoked(site: SiteName, publicKey: Uint8Array, { roster }: Pick<Site['store'], 'roster'>): void {
  const at = roster.revokedAt(publicKey)
  if (at)
    throw mismatch(
      `${site} was revoked on ${at}, as the coordinator signed, and this plan names it again`,
      ` Ask the operator; if ${site} is to be back: site-agent roster approve ${site} ${fingerprint(publicKey)}`,
    )
}

/** Another vector would carry something nobody approved; another length, rows of one site alone. */
function checkVectors({ purpose, columns }: RoundPlan, { vectors }: SecureRound, manifest: StudyManifest): void {
  const due = columns ? statisticsVectors(columns) : secureVectors(purpose, vectorSizes(manifest))
  const isDue = due.every(({ name, words }, i) => vectors[i]?.name === name && vectors[i]?.words === words)
  if (vectors.length !== due.length || !isDue)
    throw invalid(
      `a ${purpose} round of this study takes ${due.map(({ name, words }) => `${name} of ${words} words`).join(' and ')}, the plan asks for others`,
    )
}

function invalid(why: string): FederationError {
  return new FederationError('message-invalid', why)
}

function mismatch(why: string, whatToDo = ''): FederationError {
  return new FederationError('roster-mismatch', `${why}.${whatToDo}`)
}
