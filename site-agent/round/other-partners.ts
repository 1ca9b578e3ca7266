/** Statistics and evaluations of a study are among the partners, for the whole of it or not at all (fedsum, section E.4). */
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { isSameSet } from '@consilium/protos/plan/partner-change.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'

/** Throws `other-partners` where sets are settled here and the plan is for none of them. */
export function checkAmongPartners(
  { purpose, cohort }: Pick<RoundPlan, 'purpose' | 'cohort'>,
  settled: readonly { readonly sites: readonly SiteName[] }[],
): void {
  const [first] = settled
  if (!first || settled.some(({ sites }) => isSameSet(sites, cohort))) return
  throw new FederationError(
    'other-partners',
    `sums of ${purpose} of this study are among ${first.sites.join(', ')} here, this plan is for ${cohort.join(', ')}: the difference would tell of single sites`,
  )
}
