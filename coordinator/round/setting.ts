/** What is settled before a round starts: by its study, and by where its run stands. */
import type { Column } from '@consilium/protos/plan/columns.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan, SecureRound, Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { SecureVector } from '@consilium/protos/secagg/vectors.ts'

export type RoundSetting = {
  readonly run: RunId
  readonly study: Sha256
  /** 1-based; statistics are round 0. A train round and the evaluation of its result carry the same number. */
  readonly round: number
  readonly purpose: Purpose
  /** The global parameters it starts from. */
  readonly model: Sha256
  /** Position in the run's log of the entry that made the model; absent for the initial parameters. */
  readonly modelEntry?: number
  readonly standardisation?: Standardisation
  /** Secure mode: who verified what made the model and the means. */
  readonly proven?: NonNullable<RoundPlan['proven']>
  /** X25519, base64; sealed mode puts it into the plan. */
  readonly runPublicKey: string
  readonly aggregation: Study['aggregation']
  /** Of statistics: columns of the study that have no mean. */
  readonly columns?: readonly Column[]
  /** What every site uploads under masks. */
  readonly vectors: readonly SecureVector[]
  readonly cohort: Study['cohort']
  /** Under masks, of training: among whom this run has trained from this model before. */
  readonly trainedAmong?: readonly (readonly SiteName[])[]
  /** Under masks, of statistics and evaluations: the one set of sites they are among. */
  readonly partners?: readonly SiteName[]
  /** Left out of them on purpose, while they are not settled. */
  readonly without?: readonly SiteName[]
  /** From the second attempt on. */
  readonly attempt?: AttemptSetting
  /** Nothing is trained after it, so it is worth waiting for. */
  readonly isLast?: boolean
  readonly deadlines: Study['deadlines']
  readonly startedAtMs: number
}

/** Which attempt of a round it is, what the one before was planned as, and when the first began. */
export type AttemptSetting = {
  readonly number: number
  readonly after: Sha256
  readonly before: RoundPlan
  readonly firstAtMs: number
}

/** c and m as the study fixes them; undefined in sealed mode. */
export function thresholdsOf(
  { aggregation, cohort }: Pick<RoundSetting, 'aggregation' | 'cohort'>,
  sites: number,
): Pick<SecureRound, 'colluders' | 'survivorsMin'> | undefined {
  return aggregation.mode === 'sealed' ? undefined : studyThresholds({ cohort, aggregation }, sites)
}
