/**
 * Which sums this site helps to (fedsum, section E.4). Statistics and evaluations of a study are among one set of sites, the
 * whole of it: sets of honest sites are equal, and no combination of such sums holds fewer. Training takes dropouts; of the
 * same function of the same parameters there are no two sums whose sites differ by a few.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { isSameSet } from '@consilium/protos/plan/partner-change.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { functionHash, isClose } from '@consilium/protos/plan/same-function.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Partners } from '../store/partners.ts'
import type { SessionRecord } from '../store/sessions.ts'
import type { Assignment } from './assignment.ts'
import { checkAmongPartners } from './other-partners.ts'
import type { Site } from './site.ts'

type PartnerSite = Pick<Site, 'store'> & { readonly readPolicy: () => Pick<ReturnType<Site['readPolicy']>, 'secure'> }

/** A set that sums may be among here, and the change by which it came to be; 0 for the one that was settled on first. */
export type ReachableSet = { readonly sites: readonly SiteName[]; readonly change: number }

/** Throws `other-partners` where this site has settled on others, `exposures-exceeded` where these are too many sets. */
export function checkPartners(plan: RoundPlan, manifest: StudyManifest, site: PartnerSite): void {
  const { purpose, study, cohort, secure } = plan
  if (!secure) return
  if (purpose === 'train') {
    checkStrict(plan, site)
    return
  }
  const known = reachableSets({ study, purpose }, site)
  checkAmongPartners(plan, known)
  if (purpose !== 'evaluate') return
  checkModelIsNew(plan, site)
  const of = { study, cohort, label: labelOf(manifest), survivorsMin: secure.survivorsMin }
  const found = known.length === 0 ? exposures(of, site) : undefined
  if (found) throw new FederationError('exposures-exceeded', found)
}

/** A site whose policy holds training to partners too trains among all of them; before any are settled, with whom it is asked to. */
function checkStrict({ study, cohort }: RoundPlan, site: PartnerSite): void {
  if (!isStrict(site)) return
  const of = (purpose: Partners['purpose']) => reachableSets({ study, purpose }, site)
  const known = [...of('evaluate'), ...of('statistics')]
  if (known.length > 0 && !known.some(({ sites }) => isSameSet(sites, cohort)))
    throw new FederationError(
      'other-partners',
      `policy.yaml says secure.partners: strict, so this site trains with all of ${known[0]!.sites.join(', ')} or not at all; this plan is for ${cohort.join(', ')}`,
    )
}

function isStrict({ readPolicy }: Pick<PartnerSite, 'readPolicy'>): boolean {
  return readPolicy().secure.partners === 'strict'
}

/**
 * The set that is settled, first, and those that changes lead to with which this site goes along: it is in one of them at a
 * time, and never goes back but by a change. Empty where nothing is settled.
 */
export function reachableSets(
  { study, purpose }: Pick<Partners, 'study' | 'purpose'>,
  { store }: Pick<PartnerSite, 'store'>,
): readonly ReachableSet[] {
  const agreed = store.partnerChanges.list(study).flatMap(({ change: { number, sets, restored }, agreed: went }) => {
    const set = sets.find((each) => each.purpose === purpose)
    return went && set && !restored ? [{ ...set, number }] : []
  })
  const settled = store.partners.find(study, purpose)
  const first = settled ?? (agreed[0] && { sites: agreed[0].before, change: 0 })
  const sets: ReachableSet[] = first ? [{ sites: first.sites, change: first.change }] : []
  for (const { before, after, number } of agreed)
    if (number > (first?.change ?? 0) && sets.some(({ sites }) => isSameSet(sites, before)))
      sets.push({ sites: after, change: number })
  return sets
}

/** Of one model there are no evaluations among two sets: their difference would be exactly that of single sites. */
function checkModelIsNew({ study, purpose, model, cohort }: RoundPlan, { store }: PartnerSite): void {
  if (store.partnerChanges.list(study).length === 0) return
  for (const { planHash } of store.sessions.masked(model, purpose)) {
    const before = store.journal.planOf(planHash)?.cohort
    if (before && isSameSet(before, cohort)) continue
    throw new FederationError(
      'other-partners',
      `this site was in an evaluation of this very model among ${before?.join(', ') ?? 'others'}: the difference would be exactly what single sites added`,
    )
  }
}

/**
 * Before this site masks for a plan: its cohort is the partners from now on. Not only once it confirms: whoever has uploaded
 * is in a sum that a quorum of the others opens, so of two sums among sets that overlap both could be opened.
 */
export function settlePartners(plan: RoundPlan, manifest: StudyManifest, site: PartnerSite): void {
  const { purpose, study, cohort, secure } = plan
  if (purpose === 'train' || !secure) return
  checkPartners(plan, manifest, site)
  const settled = site.store.partners.find(study, purpose)
  const change = reachableSets({ study, purpose }, site).find(({ sites }) => isSameSet(sites, cohort))?.change ?? 0
  const partners = { study, purpose, label: labelOf(manifest), sites: cohort, change }
  if (!settled) site.store.partners.keep(partners)
  else if (change > settled.change) site.store.partners.change(partners)
}

/** Throws `survivors-invalid` for a part of the partners. */
export function checkWhole(
  { purpose, cohort }: RoundPlan,
  survivors: readonly SiteName[],
  site: Pick<PartnerSite, 'readPolicy'>,
): void {
  const isFree = purpose === 'train' && !isStrict(site)
  const missing = isFree ? [] : cohort.filter((name) => !survivors.includes(name))
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
  return known && functionHash(store.studies.read(known).manifest)
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

/** `cohort`: undefined while whom it is among is not settled. */
export type Evaluation = Pick<Partners, 'study' | 'label'> & {
  readonly cohort: readonly SiteName[] | undefined
  readonly survivorsMin: number
}

/** Other studies by the same label in whose evaluations this site was, among sites that differ by a few, or may turn out to. */
export function closeEvaluations(
  { study, label, cohort, survivorsMin }: Evaluation,
  { store }: Pick<PartnerSite, 'store'>,
): readonly Partners[] {
  const others = store.partners.evaluating(label).filter((other) => other.study !== study)
  return cohort ? others.filter(({ sites }) => isClose(sites, cohort, survivorsMin)) : others
}

/** Why evaluating among these tells too much together with other studies; undefined where it does not. */
export function exposures(of: Evaluation, { store, readPolicy }: PartnerSite): string | undefined {
  const close = closeEvaluations(of, { store })
  const max = readPolicy().secure.evaluateExposuresMax
  if (close.length < max) return undefined
  return `this site was in evaluations of ${close.length} studies with this label whose sites differ from these by a few: test rows and cases of those can be told. To take part all the same, raise secure.evaluateExposuresMax in policy.yaml above ${max}`
}

/** What an evaluation is by, in every study alike. */
export function labelOf({ study: { label } }: StudyManifest): string {
  return sha256Hex(canonicalJson(label))
}
