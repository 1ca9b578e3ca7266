/** A run as the fold of its events, and what it can be told. */
import type { SummedColumn } from '@consilium/protos/plan/columns.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan, Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { RoundCommand } from '../round/commands.ts'
import type { SiteResult } from '../round/events.ts'
import type { RoundOver } from '../round/over.ts'
import type { OpenRound } from '../round/round.ts'
import type { TakenColumns } from '../run-outlook.ts'

export type Run = {
  readonly id: RunId
  readonly study: Sha256
  readonly manifest: StudyManifest
  readonly publicKey: string
  /** Base64, by the key vault. */
  readonly sealedSecretKey: string
  readonly state: 'running' | 'finished' | 'failed' | 'cancelled'
  readonly reason: string
  readonly startedAtMs: number
  readonly endedAtMs?: number
  /** Every site that was expected or in a cohort so far. */
  readonly sites: readonly SiteName[]
  /** Entries of the run's log so far: the position of the next one. */
  readonly entries: number
  /** The present global parameters. */
  readonly parameters: Sha256
  /** Position of the entry that made them; absent for the study's initial parameters. */
  readonly modelEntry?: number
  /** Columns that have means: those that other runs' statistics summed, and those of its own. */
  readonly columns: readonly SummedColumn[]
  /** Once each column of the study has its mean. */
  readonly standardisation?: Standardisation
  /** Which columns' means came from which other runs. */
  readonly taken: readonly TakenColumns[]
  /** Who verified the sums that made the parameters and the means; absent in sealed mode and at the start. */
  readonly proven: NonNullable<RoundPlan['proven']>
  /** Position of the newest entry that committed a round. */
  readonly committedEntry?: number
  /** Under masks: the sites that statistics and evaluations of the study are among, once they are settled. */
  readonly partners: Partners
  /** Left out of both on purpose, until they are settled. */
  readonly without: readonly SiteName[]
  /** How often it went back to an earlier model. */
  readonly rollbacks: number
  /** The evaluation of the last model was given up on purpose. */
  readonly isEvaluationSkipped?: boolean
  readonly current?: OpenRound
  readonly past: readonly RoundOver[]
  /** Of the newest evaluation; sealed mode only. */
  readonly siteResults: readonly SiteResult[]
  readonly model?: Sha256
}

export type Partners = { readonly [purpose in 'statistics' | 'evaluate']?: readonly SiteName[] }

export type RunCommand =
  | RoundCommand
  | { readonly type: 'cancel'; readonly reason: string }
  | { readonly type: 'finish'; readonly model: Sha256 }
  /** The evaluation of the last model is not waited for any longer; `missing`: for whom it was. */
  | { readonly type: 'skip-evaluation'; readonly reason: string; readonly missing: readonly SiteName[] }
  /** Back to the model of a train round; signed over ("rollback", run, u32 round, `parametersOf` it), base64. */
  | { readonly type: 'roll-back'; readonly round: number; readonly reason: string; readonly signature: string }
  /** Whom its statistics and evaluations are among by the lead's changes that are in force. */
  | { readonly type: 'change-partners'; readonly partners: Partners }
  | { readonly type: 'fail'; readonly code: string; readonly reason: string }
