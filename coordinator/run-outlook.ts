/** What would become of a run of a study if it were started now, in the words of whoever would start it; nothing starts. */
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'

export type RunOutlook = {
  readonly studyHash: Sha256
  readonly studyName: string
  readonly aggregation: 'secure' | 'sealed'
  /** What `run start` refuses now; it starts a run where there is none. */
  readonly refusals: readonly StartRefusal[]
  readonly sites: readonly SiteOutlook[]
  /** Absent in sealed mode. */
  readonly thresholds?: ThresholdsOutlook
  /** Means that it would take from earlier runs. */
  readonly columnsTaken: readonly TakenColumns[]
  /** The first sum of each purpose that the run would ask for. */
  readonly sums: readonly SumOutlook[]
  /** Secure mode: how much of what sites put up with is used up, as far as the coordinator knows. */
  readonly limits: readonly LimitOutlook[]
}

/** Columns whose means and deviations came of the statistics of another run. */
export type TakenColumns = { readonly run: RunId; readonly columns: readonly string[] }

export type StartRefusal = {
  readonly code: Extract<ErrorCode, 'cohort-too-small' | 'cohort-differencing' | 'column-summed'>
  readonly reason: string
  readonly waysOut: readonly string[]
}

export type SiteOutlook = {
  readonly site: SiteName
  /** `none`: it has not decided, or has not told yet. */
  readonly decision: 'approve' | 'reject' | 'refused' | 'none'
  readonly attending: boolean
  /** ISO 8601; absent while it attends, and where it never did. */
  readonly awaySince?: string
}

/** Of the first training, if it began with the sites that are here now. */
export type ThresholdsOutlook = {
  /** 0: the study was signed before studies said so. */
  readonly planned: number
  /** How many sites there would be. */
  readonly sites: number
  /** c, m, t; `threshold` 0 where these sites cannot complete a round. */
  readonly colluders: number
  readonly survivorsMin: number
  readonly threshold: number
  /** Fewest sites that start a round. */
  readonly fewest: number
}

export type SumOutlook = {
  readonly purpose: Purpose
  /**
   * `made` as things stand; `taken` from other runs; `waits` without an end; `withheld`: left out, and the run goes on; `fails` after its deadline;
   * `refused` by the sites.
   */
  readonly outlook: 'made' | 'taken' | 'waits' | 'withheld' | 'fails' | 'refused'
  /** Who would be in it. */
  readonly sites: readonly SiteName[]
  /** Statistics and evaluations: these sites are its partners already, for good. */
  readonly settled: boolean
  readonly missing: readonly { readonly site: SiteName; readonly why: string }[]
  readonly reason: string
  readonly waysOut: readonly string[]
}

export type LimitOutlook = {
  /** As it stands in a site's policy.yaml. */
  readonly limit: 'approve.runsMax' | 'secure.evaluateExposuresMax' | 'secure.trainExposuresMax'
  /** At the site that has used most of it, before this run. */
  readonly used: number
  /** Where the site's policy does not say; the coordinator does not know what it says. */
  readonly max: number
  /** Where as much is used up. */
  readonly sites: readonly SiteName[]
  readonly text: string
}
