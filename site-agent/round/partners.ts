/**
 * Which sums this site helps to (fedsum, section E.4). Statistics and evaluations of a study are among one set of sites, the
 * whole of it: sets of honest sites are equal, and no combination of such sums holds fewer. Training takes dropouts; of the
 * same function of the same parameters there are no two sums whose sites differ by a few.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { functionHash, isClose } from '@consilium/protos/plan/same-function.ts'
import { readSignedStudy, type StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Partners } from '../store/partners.ts'
import type { SessionRecord } from '../store/sessions.ts'
import type { Assignment } from './assignment.ts'
import type { Site } from './site.ts'

type PartnerSite = Pick<Site, 'store'> & { readonly readPolicy: () => Pick<ReturnType<Site['readPolicy']>, 'secure'> }

/** Throws `other-partners` where this site has settled on others, `exposures-exceeded` where these are too many sets. */
export function checkPartners(plan: RoundPlan, manifest: StudyManifest, site: PartnerSite): void {
  const { purpose, study, cohort, secure } = plan
  if (purpose === 'train' || !secure) return
  const known = site.store.partners.find(study, purpose)
  if (known && isSameSet(known, cohort)) return
  if (known)
    throw new FederationError(
      'other-partners',
      `sums of ${purpose} of this study are among ${known.join(', ')} here, this plan is for ${cohort.join(', ')}: the difference would tell of single sites`,
    )
  if (purpose === 'evaluate') checkExposures(cohort, manifest, secure.survivorsMin, site)
}

/**
 * Before this site masks for a plan: its cohort is the partners from now on. Not only once it confirms: whoever has uploaded
 * is in a sum that a quorum of the others opens, so of two sums among sets that overlap both could be opened.
 */
export function settlePartners(plan: RoundPlan, manifest: StudyManifest, site: PartnerSite): void {
  const { purpose, study, cohort, secure } = plan
  if (purpose === 'train' || !secure) return
  checkPartners(plan, manifest, site)
  site.store.partners.keep({ study, purpose, label: labelOf(manifest), sites: cohort })
}

/** Throws `survivors-invalid` for a part of the partners. */
export function checkWhole({ purpose, cohort }: RoundPlan, survivors: readonly SiteName[]): void {
  const missing = purpose === 'train' ? [] : cohort.filter((site) => !survivors.includes(site))
  if (missing.length > 0)
    throw new FederationError(
      'survivors-invalid',
      `${missing.join(', ')} is not among the survivors: a sum of ${purpose} is opened for the whole cohort or not at all`,
    )
}

/** Sums of updates from these parameters that this site helped to, as far as they were of the same function. */
export function sumsOfSameFunction(
  { planHash, plan, study }: Assignment,
  { store }: Pick<Site, 'store'>,
): SessionRecord[] {
  const own = functionHash(study.manifest)
  return store.sessions
    .confirmed(plan.model, 'train')
    .filter((sum) => sum.planHash !== planHash && (functionOf(sum.planHash, store) ?? own) === own)
}

/** Undefined where the study is not known here any more: then it may have been the same one. */
function functionOf(planHash: Sha256, store: Site['store']): Sha256 | undefined {
  const plan = store.journal.planOf(planHash)
  const known = plan && store.studies.find(plan.study)
  return known && functionHash(readSignedStudy(known.signed).manifest)
}

/** Throws `exposures-exceeded` where this site came and went too often in a run: each time tells a little of its update. */
export function checkComingsAndGoings({ run, purpose, secure }: RoundPlan, { store, readPolicy }: PartnerSite): void {
  if (purpose !== 'train' || !secure) return
  const [count, max] = [store.results.comingsAndGoings(run), readPolicy().secure.trainExposuresMax]
  if (count <= max) return
  throw new FederationError(
    'exposures-exceeded',
    `this site came and went ${count} times in the training of run ${run}, and each time tells a little of its updates. To take part all the same, raise secure.trainExposuresMax in policy.yaml above ${max}`,
  )
}

function checkExposures(
  cohort: readonly SiteName[],
  manifest: StudyManifest,
  survivorsMin: number,
  { store, readPolicy }: PartnerSite,
): void {
  const close = store.partners
    .evaluating(labelOf(manifest))
    .filter(({ sites }: Partners) => isClose(sites, cohort, survivorsMin))
  const max = readPolicy().secure.evaluateExposuresMax
  if (close.length < max) return
  throw new FederationError(
    'exposures-exceeded',
    `this site was in evaluations of ${close.length} studies with this label whose sites differ from these by a few: test rows and cases of those can be told. To take part all the same, raise secure.evaluateExposuresMax in policy.yaml above ${max}`,
  )
}

function isSameSet(one: readonly SiteName[], other: readonly SiteName[]): boolean {
  return one.length === other.length && one.every((site) => other.includes(site))
}

/** What an evaluation is by, in every study alike. */
export function labelOf({ study: { label } }: StudyManifest): string {
  return sha256Hex(canonicalJson(label))
}
