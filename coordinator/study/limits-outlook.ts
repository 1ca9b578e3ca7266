/**
 * How much of what a site puts up with is used up (fedsum, section E.4), as far as the coordinator knows: the runs that it
 * planned with the site, the sums that it committed. What a site's policy says it does not know: the defaults are told.
 */
import { canonicalJson } from '@consilium/protos/hash.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { isClose } from '@consilium/protos/plan/same-function.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { evaluateExposuresMaxDefault, runsMaxDefault, trainExposuresMaxDefault } from '@consilium/protos/site-limits.ts'
import type { Run } from '../run/state.ts'
import type { LimitOutlook } from '../run-outlook.ts'
import type { Situation } from './situation.ts'

/** `evaluating`: the sites that would evaluate. */
export function limitsOutlook(situation: Situation, evaluating: readonly SiteName[]): LimitOutlook[] {
  return [runsUsed(situation), evaluationsUsed(situation, evaluating), comingsAndGoingsUsed(situation)]
}

/** Evaluations of other studies by the same label whose sites differ from these by a few; `tired`: who had too many. */
export function closeEvaluations(
  { hash, manifest, runs }: Situation,
  sites: readonly SiteName[],
): { readonly counts: ReadonlyMap<SiteName, number>; readonly tired: readonly SiteName[] } {
  const { cohort, aggregation, label } = manifest.study
  if (aggregation.mode !== 'secure') return { counts: new Map(), tired: [] }
  const { survivorsMin } = studyThresholds({ cohort, aggregation }, Math.max(sites.length, cohort.min))
  const own = canonicalJson(label)
  const others = new Map<Sha256, readonly SiteName[]>()
  for (const { study, partners, manifest: other } of runs)
    if (study !== hash && partners.evaluate && canonicalJson(other.study.label).equals(own))
      others.set(study, partners.evaluate)
  const close = [...others.values()].filter((set) => isClose(set, sites, survivorsMin))
  const counts = new Map(sites.map((site) => [site, close.filter((set) => set.includes(site)).length]))
  return { counts, tired: sites.filter((site) => counts.get(site)! >= evaluateExposuresMaxDefault) }
}

function runsUsed({ hash, runs }: Situation): LimitOutlook {
  const ofStudy = runs.filter(({ study }) => study === hash)
  const counts = new Map<SiteName, number>()
  for (const run of ofStudy)
    for (const site of plannedWith(run)) counts.set(site, (counts.get(site) ?? 0) + 1 + run.rollbacks)
  const limit = { limit: 'approve.runsMax', ...most(counts, runsMaxDefault) } as const
  const says = limit.sites.length > 0 ? `${limit.sites.join(', ')} would refuse one more` : 'one more is within it'
  return { ...limit, text: `runs of this study, and roll-backs in them: ${says}` }
}

function evaluationsUsed(situation: Situation, evaluating: readonly SiteName[]): LimitOutlook {
  const limit = {
    limit: 'secure.evaluateExposuresMax',
    ...most(closeEvaluations(situation, evaluating).counts, evaluateExposuresMaxDefault),
  } as const
  return { ...limit, text: 'evaluations by this label, in other studies, among sites that differ from these by a few' }
}

function comingsAndGoingsUsed({ hash, runs }: Situation): LimitOutlook {
  const ofStudy = runs.filter(({ study }) => study === hash)
  const before = ofStudy.map((run) => ({ run: run.id, ...most(comingsAndGoings(run), trainExposuresMaxDefault) }))
  const worst = before.reduce<(typeof before)[number] | undefined>(
    (worst, each) => (each.used > (worst?.used ?? 0) ? each : worst),
    undefined,
  )
  const earlier = worst ? `; in run ${worst.run} there were ${worst.used} at one site` : ''
  return {
    limit: 'secure.trainExposuresMax',
    used: 0,
    max: trainExposuresMaxDefault,
    sites: [],
    text: `comings and goings in the training of one run, counted anew in each${earlier}`,
  }
}

/** Sites that a plan of the run went to. */
function plannedWith({ past, current }: Run): Set<SiteName> {
  const now = current && current.phase !== 'recruit' ? current.cohort : []
  return new Set([...past.flatMap(({ cohort }) => cohort), ...now])
}

/** How often each site changed between being in the training sums of a run and not. */
export function comingsAndGoings({ past, sites }: Pick<Run, 'past' | 'sites'>): Map<SiteName, number> {
  const sums = past.filter(({ setting, outcome }) => setting.purpose === 'train' && outcome.type === 'committed')
  const changes = (site: SiteName) =>
    sums.filter(({ survivors }, i) => i > 0 && survivors.includes(site) !== sums[i - 1]!.survivors.includes(site))
      .length
  return new Map(sites.map((site) => [site, changes(site)]))
}

function most(counts: ReadonlyMap<SiteName, number>, max: number): Pick<LimitOutlook, 'used' | 'max' | 'sites'> {
  const sites = [...counts].flatMap(([site, count]) => (count >= max ? [site] : [])).sort()
  return { used: Math.max(0, ...counts.values()), max, sites }
}
