/** How many sites hide one in the rounds of a study: c and m are the study's, whatever cohort a plan is for (fedsum, A.1 and E.4). */
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { RoundPlan, SecureRound } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { sessionThresholds, studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { Site } from './site.ts'

/** Throws `thresholds-refused` for a plan with weaker ones than study and policy ask for. */
export function checkThresholds(
  { cohort }: RoundPlan,
  { colluders, survivorsMin }: SecureRound,
  { study }: StudyManifest,
  policy: ReturnType<Site['readPolicy']>['secure'],
): void {
  const { aggregation: asked } = study
  if (asked.mode !== 'secure') return
  const due = studyThresholds({ cohort: study.cohort, aggregation: asked }, cohort.length)
  const colludersDue = Math.max(due.colluders, policy.colluders ?? 0)
  if (colluders < colludersDue)
    throw refused(`it allows for ${colluders} colluding sites, study and policy.yaml here ask for ${colludersDue}`)
  const survivorsDue = Math.max(due.survivorsMin, policy.survivorsMin ?? 0)
  if (survivorsMin < survivorsDue)
    throw refused(`it adds ${survivorsMin} sites at least, study and policy.yaml here ask for ${survivorsDue}`)
  try {
    sessionThresholds(cohort.length, { colluders, survivorsMin })
  } catch (error) {
    throw refused(errorMessage(error))
  }
}

function refused(why: string): FederationError {
  return new FederationError('thresholds-refused', `the plan of this round is too weak: ${why}`)
}
