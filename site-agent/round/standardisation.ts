/** The standardisation of a study is the one that the sums of its columns made, and no other (fedsum, section E.3). */
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import type { SummedColumn } from '@consilium/protos/plan/columns.ts'
import type { Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { Feature } from '@consilium/protos/plan/study.ts'
import { standardisationFrom } from '@consilium/protos/strategy/standardisation.ts'

/** Throws `sum-not-verified` for another one than these columns give. */
export function checkStandardisation(
  told: Standardisation,
  features: readonly Feature[],
  columns: ReadonlyMap<string, SummedColumn>,
): void {
  const own = standardisationFrom(features, columns)
  if (own && canonicalJson(own).equals(canonicalJson(told))) return
  throw new FederationError(
    'sum-not-verified',
    'the plan standardises by other means and deviations than those that came of the sums of these columns',
  )
}
