/**
 * Means that a run took from another one's statistics, as an auditor follows them (fedsum, section E.4): the plan by which
 * they were summed, the word of enough of its sites, which the roster names, and the sum itself where the bundle has it.
 */
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { Column, SummedColumn } from '@consilium/protos/plan/columns.ts'
import { planHash, type RoundPlan, type Summed } from '@consilium/protos/plan/round-plan.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { readStatistics } from '@consilium/protos/secagg/statistics.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { columnsHash, verifiersMin } from '@consilium/protos/strategy/made.ts'
import { splitSum } from '@consilium/protos/strategy/split-sum.ts'
import { pooledStatistics } from '@consilium/protos/strategy/standardisation.ts'
import type { FederationAudit } from './federation-audit.ts'
import { fromBase64, require, sameJson } from './refuse.ts'
import { signedBy } from './session-audit.ts'

/** How many sites vouch for these means. Throws `log-broken` where they are too few for `study`, or the means not of the sum. */
export function auditSummed(
  summed: Summed,
  plan: RoundPlan,
  { aggregation, cohort }: Pick<Study, 'aggregation' | 'cohort'>,
  federation: Pick<FederationAudit, 'identityOf'>,
  sum: Uint8Array | undefined,
): number {
  const { run, planHash: named, sums, columns, verified } = summed
  require(planHash(plan) === named, 'the plan it refers to has another hash than it says')
  require(plan.run === run && plan.purpose === 'statistics' && plan.secure !== undefined, 'it refers to no statistics')
  require(sameJson(plan.columns, columns.map(bare)), 'the plan it refers to sums other columns')
  require(aggregation.mode === 'secure', 'a study that seals its updates takes no means from other runs')
  const judged = { run, purpose: 'statistics', planHash: named, sums, made: columnsHash(columns) } as const
  const message = verdictMessage('verified', judged)
  for (const { site, signature } of verified) {
    require(plan.cohort.includes(site), `${site} was not in the statistics it refers to`)
    signedBy(site, federation.identityOf(site), fromBase64(signature), message, 'its word on the sum')
  }
  const vouchers = new Set(verified.map(({ site }) => site)).size
  const needed = verifiersMin(studyThresholds({ cohort, aggregation }, plan.cohort.length))
  require(vouchers >= needed, `${vouchers} sites vouch for the means it takes, ${needed} have to`)
  if (sum) remakeColumns(summed, plan, sum)
  return vouchers
}

/** A column as the plan of its statistics names it. */
export function bare({ means: _, standardDeviations: __, ...column }: SummedColumn): Column {
  return column
}

function remakeColumns({ sums, columns }: Summed, { cohort, secure, columns: asked = [] }: RoundPlan, sum: Uint8Array) {
  require(sha256Hex(sum) === sums, 'the sum before it is not the one that it refers to')
  const [, content] = splitSum(sum, secure!.vectors)
  // Statistics are of the whole cohort.
  const made = pooledStatistics(readStatistics(content), asked, cohort.length)
  require(sameJson(made?.columns, columns), 'its means are not what the sum it refers to comes to')
}
