/** What an auditor knows of a run by the entries of its stream that it has taken. */
import type { MerkleTree } from '@consilium/protos/log/merkle.ts'
import type { SummedColumn } from '@consilium/protos/plan/columns.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { PartnerPurpose } from '@consilium/protos/plan/partner-change.ts'
import type { Proven, RoundPlan, Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { ReadStudy } from '@consilium/protos/plan/signed-study.ts'
import type { FederationAudit } from './federation-audit.ts'
import type { SecureCounts, SecureRoundAudit } from './secure-round.ts'
import type { SumVerification } from './verify-audit.ts'

export type RoundReport = {
  readonly round: number
  readonly purpose: Purpose
  readonly mode: 'secure' | 'sealed'
  readonly outcome: 'committed' | 'failed' | 'open'
  readonly cohort: readonly SiteName[]
  /** Of secure rounds. */
  readonly counts?: SecureCounts
  /** Whether its result was made again from the sum in the bundle. */
  readonly remade?: boolean
}

/** Columns whose means came from another run, on the word of how many sites, and whether its sum is in the bundle too. */
export type TakenReport = {
  readonly run: RunId
  readonly columns: readonly string[]
  readonly vouchers: number
  readonly remade: boolean
}

export type AuditedRun = {
  readonly id: RunId
  readonly federation: FederationAudit
  readonly tree: Pick<MerkleTree, 'root'>
  /** Parameters that each training round made. */
  readonly made: Map<number, Sha256>
  /** Who verified them, in secure mode. */
  readonly provenOf: Map<number, Proven>
  /** Those that were made again, of the last rounds: a run may go back to one. */
  readonly remade: Map<number, Float32Array>
  readonly reports: RoundReport[]
  study?: ReadStudy
  publicKey?: string
  model?: { readonly parameters: Sha256; readonly entry?: number }
  /** The parameters themselves, as long as they could be made again. */
  parameters?: Float32Array | undefined
  /** Whom committed sums of each purpose are among. */
  readonly among: Map<PartnerPurpose, readonly SiteName[]>
  /** Those that have a mean, by name. */
  readonly columns: Map<string, SummedColumn>
  readonly taken: TakenReport[]
  standardisation?: Standardisation
  /** Who verified the sums of both. */
  proven: NonNullable<RoundPlan['proven']>
  next?: { readonly round: number; readonly purpose: Purpose; readonly attempt: number }
  /** The plan of an attempt that was interrupted: the next one repeats it. */
  interrupted?: { readonly plan: RoundPlan; readonly hash: Sha256 }
  open?: OpenRound
  ended?: 'finished' | 'failed' | 'cancelled'
}

/** Once its first entry was taken. */
export type StartedRun = AuditedRun & Required<Pick<AuditedRun, 'study' | 'publicKey' | 'model'>>

export type OpenRound = {
  readonly plan: RoundPlan
  readonly hash: Sha256
  readonly secure?: SecureRoundAudit
  /** Committed, and not gone on from yet: too few sites have verified the sum. */
  verifying?: SumVerification
  remade?: boolean
}

/** Before its first entry. */
export function unstartedRun({ id, federation, tree }: Pick<AuditedRun, 'id' | 'federation' | 'tree'>): AuditedRun {
  return {
    id,
    federation,
    tree,
    among: new Map(),
    made: new Map(),
    provenOf: new Map(),
    remade: new Map(),
    proven: {},
    columns: new Map(),
    taken: [],
    reports: [],
  }
}

/** The round that is open, or about to be, is over. */
export function closeRound(run: AuditedRun, outcome: 'committed' | 'failed'): void {
  if (run.open) run.reports.push(reportOf(run.open, outcome))
  delete run.open
  delete run.interrupted
  delete run.next
}

export function reportOf({ plan, secure, remade }: OpenRound, outcome: RoundReport['outcome']): RoundReport {
  const { round, purpose, cohort } = plan
  const common = { round, purpose, outcome, cohort }
  return secure
    ? { ...common, mode: 'secure', counts: secure.counts(), remade: remade === true }
    : { ...common, mode: 'sealed' }
}
