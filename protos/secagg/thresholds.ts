/**
 * How many sites a secure round needs (fedsum, sections A.1 and E.4): colluders c and fewest survivors m are fixed by the
 * signed study, from the number of sites it is planned for, so that no choice of a round's cohort lowers them; the threshold
 * t follows from the sites that really advertised. 2t > n + c, so two different sets of survivors can never both gather t
 * releases.
 */
import { FederationError } from '../errors.ts'
import { cohortMax } from '../limits.ts'

/** Fewer than three sites cannot hide one another: the sum minus one's own input is the other's. */
export const cohortMin = 3
/** Fewest sites in a sum that do not collude. */
const honestMin = 2

export type Thresholds = {
  /** n: the sites that advertised keys. */
  readonly sites: number
  /** c: sites that may collude with the coordinator. */
  readonly colluders: number
  /** t: shares that rebuild a secret, signatures that make a quorum. */
  readonly threshold: number
  /** max(t, m): fewest sites whose updates make a sum. */
  readonly survivorsMin: number
}

/** c = ceil(cohort / 3) - 1. A site's policy may ask for more, never for less. */
export function defaultColluders(cohort: number): number {
  assertCohort(cohort)
  return Math.ceil(cohort / 3) - 1
}

/** m = max(3, min(5, cohort - 1)), so that four sites can lose one late and three none. */
export function defaultSurvivorsMin(cohort: number): number {
  assertCohort(cohort)
  return Math.max(cohortMin, Math.min(5, cohort - 1))
}

/** Fewest sites of a round where a study planned for so many does not say: all but one up to 7 sites, else three in four. */
export function defaultCohortMin(planned: number): number {
  if (planned > 7) return Math.ceil((3 * planned) / 4)
  return Math.max(cohortMin, planned < cohortMin ? 0 : defaultColluders(planned) + honestMin, planned - 1)
}

/** What of a study fixes c and m. */
export type StudyCohort = {
  readonly cohort: { readonly planned?: number | undefined; readonly min: number }
  readonly aggregation: { readonly colluders?: number | undefined; readonly survivorsMin?: number | undefined }
}

/**
 * c and m of every secure round of a study: c = ceil(planned / 3) - 1, m = max(3, c + 2, min(5, min - 1)); what the study
 * says besides can only raise them. A study signed before studies said what they are planned for has the defaults of the
 * round's cohort.
 */
export function studyThresholds(
  { cohort, aggregation }: StudyCohort,
  cohortSize: number,
): { readonly colluders: number; readonly survivorsMin: number } {
  if (cohort.planned === undefined)
    return {
      colluders: aggregation.colluders ?? defaultColluders(cohortSize),
      survivorsMin: aggregation.survivorsMin ?? defaultSurvivorsMin(cohortSize),
    }
  const colluders = Math.max(defaultColluders(cohort.planned), aggregation.colluders ?? 0)
  const least = Math.max(cohortMin, colluders + honestMin, Math.min(5, cohort.min - 1))
  return { colluders, survivorsMin: Math.max(least, aggregation.survivorsMin ?? 0) }
}

/**
 * Fewest sites that can begin a session with these colluders and survivors, and fewest that have to contribute to a training
 * sum: two of them do not collude (A.1, E.1).
 */
export function sitesOfSession(plan: { readonly colluders: number; readonly survivorsMin: number }): number {
  return Math.max(plan.survivorsMin, plan.colluders + honestMin)
}

/** Fewest sites that the partners of a study may be, where they would be so many: what it asks for, and what a session takes. */
export function fewestPartners(study: StudyCohort, sites: number): number {
  return Math.max(study.cohort.min, sitesOfSession(studyThresholds(study, Math.max(cohortMin, sites))))
}

/**
 * The thresholds of a session of `sites` that advertised, with c and m as the plan fixed them. Throws `cohort-too-small`
 * where these sites cannot complete a round, `invalid-argument` where c or m is not allowed.
 */
export function sessionThresholds(sites: number, plan: { colluders: number; survivorsMin: number }): Thresholds {
  assertCohort(sites)
  const { colluders } = plan
  if (!Number.isInteger(colluders) || colluders < 0)
    throw new FederationError('invalid-argument', `the number of colluders is a whole number, not ${colluders}`)
  if (!Number.isInteger(plan.survivorsMin) || plan.survivorsMin < cohortMin)
    throw new FederationError(
      'invalid-argument',
      `a secure round needs at least ${cohortMin} survivors, the plan says ${plan.survivorsMin}`,
    )
  const threshold = signersMin(sites, colluders)
  const survivorsMin = Math.max(threshold, plan.survivorsMin)
  // One honest site among colluders has nothing to hide in, however many they are: a coordinator may shrink the cohort.
  if (survivorsMin > sites || sites - colluders < honestMin)
    throw new FederationError(
      'cohort-too-small',
      `${sites} sites advertised keys; with ${colluders} possible colluders this round needs ${Math.max(survivorsMin, colluders + honestMin)}`,
    )
  return { sites, colluders, threshold, survivorsMin }
}

/** t = floor((n + c) / 2) + 1 of n sites that advertised: fewest with 2t > n + c. */
export function signersMin(sites: number, colluders: number): number {
  return Math.floor((sites + colluders) / 2) + 1
}

/** Sites of a failed session that must attest they released nothing before it may be tried again: n - t + c + 1 (A.9). */
export function attestationsForRetry({ sites, threshold, colluders }: Thresholds): number {
  return sites - threshold + colluders + 1
}

function assertCohort(sites: number): void {
  if (!Number.isInteger(sites) || sites < cohortMin)
    throw new FederationError('cohort-too-small', `secure aggregation needs at least ${cohortMin} sites, not ${sites}`)
  if (sites > cohortMax)
    throw new FederationError('limit-exceeded', `a cohort has at most ${cohortMax} sites, not ${sites}`)
}
