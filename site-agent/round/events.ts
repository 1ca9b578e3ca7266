/** What the agent tells its log, its terminal and whoever runs it; never a tensor, a secret or a patient's value. */
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { DataSummary } from '../train/trainer.ts'

type InRound = { readonly run: RunId; readonly round: number; readonly purpose: Purpose; readonly planHash: Sha256 }

export type AgentEvent =
  | { readonly type: 'link-up' }
  | { readonly type: 'link-down'; readonly reason: string }
  /** Another agent attends with this site's identity; this one tries again, slowly. */
  | { readonly type: 'already-attending'; readonly reason: string }
  /** It waits for a person: also one of a lead that the policy names, where it breaks the policy's rules. */
  | {
      readonly type: 'study-offered'
      readonly study: Sha256
      readonly name: string
      readonly lead: string
      readonly breaks?: string
    }
  | {
      readonly type: 'study-decided'
      readonly study: Sha256
      readonly name: string
      readonly decision: 'approved' | 'rejected'
      readonly by: 'person' | 'policy'
    }
  | ({ readonly type: 'data-checked'; readonly study: Sha256; readonly name: string } & DataSummary)
  | { readonly type: 'trainer-restarted'; readonly study: Sha256; readonly reason: string }
  | ({ readonly type: 'work-started' } & InRound)
  /** What was computed for the attempt before is masked once more. */
  | ({ readonly type: 'attempted-again' } & InRound)
  /** Goes on where an agent that ended stood, so many steps in. */
  | ({ readonly type: 'work-resumed'; readonly steps: number } & InRound)
  | ({ readonly type: 'checkpoint-failed'; readonly reason: string } & InRound)
  | ({ readonly type: 'progress'; readonly done: number; readonly total: number } & InRound)
  /** The global model on this site's own test rows; told to nobody else. */
  | ({
      readonly type: 'evaluated'
      readonly examples: number
      readonly loss?: number
      readonly accuracy?: number
    } & InRound)
  /** Training went on to numbers that are not finite, after so many steps; told to nobody else. */
  | ({ readonly type: 'diverged'; readonly steps: number } & InRound)
  /** Training gave nothing: this site sends zeros, and only here is it known why. */
  | ({ readonly type: 'nothing-to-give'; readonly code: ErrorCode; readonly reason: string } & InRound)
  | ({ readonly type: 'work-done'; readonly bytes: number } & InRound)
  /** Steps of a secure round: keys advertised, keys shared, survivors confirmed, shares revealed. */
  | ({ readonly type: 'keys-advertised' } & InRound)
  | ({ readonly type: 'keys-shared'; readonly sites: number } & InRound)
  | ({ readonly type: 'survivors-confirmed'; readonly survivors: number } & InRound)
  | ({ readonly type: 'unmasked' } & InRound)
  /** The sum is that of what was masked, and makes what the coordinator says. */
  | ({ readonly type: 'sum-verified' } & InRound)
  | ({ readonly type: 'uploading'; readonly sentBytes: number; readonly totalBytes: number } & InRound)
  | ({ readonly type: 'uploaded'; readonly bytes: number } & InRound)
  | {
      readonly type: 'refused'
      readonly code: ErrorCode
      readonly reason: string
      readonly planHash?: Sha256
      readonly study?: Sha256
    }
  | ({ readonly type: 'round-over'; readonly outcome: string; readonly reason: string } & InRound)
  | {
      /** The coordinator offers keys that it did not offer before; those that are `changed` contradict a pinned one. */
      readonly type: 'roster-changed'
      readonly sites: readonly {
        readonly site: SiteName
        readonly fingerprint: string
        readonly state: 'pinned' | 'offered' | 'changed'
      }[]
    }
  /** The lead of a study changes its partners, and a person here has to decide. */
  | {
      readonly type: 'partners-asked'
      readonly study: Sha256
      readonly name: string
      readonly number: number
      readonly reason: string
    }
  /** This site goes along with such a change by itself. */
  | {
      readonly type: 'partners-agreed'
      readonly study: Sha256
      readonly name: string
      readonly number: number
      readonly text: string
    }
  | { readonly type: 'coordinator-key-rotated'; readonly previous: string; readonly fingerprint: string }
  | { readonly type: 'run-over'; readonly run: RunId; readonly outcome: string; readonly reason: string }
  /** Its peers saw this site's ledger further on than it is: it was restored from an old copy. */
  | { readonly type: 'restored'; readonly reason: string }
  /** The coordinator revoked another site; its word on that is kept here. */
  | { readonly type: 'site-revoked'; readonly site: SiteName; readonly fingerprint: string; readonly at: string }
  /** The coordinator shows an older log than it signed before, and says nothing of it. */
  | { readonly type: 'coordinator-went-back'; readonly reason: string }
  /** It was recovered from an old copy, and nobody here has said that this site goes along. */
  | { readonly type: 'coordinator-recovered'; readonly reason: string }
  | { readonly type: 'trouble'; readonly code: ErrorCode; readonly reason: string }

/** The part of an event that says which round it is about. */
export function inRound(planHash: Sha256, plan: Pick<RoundPlan, 'run' | 'round' | 'purpose'>): InRound {
  return { planHash, run: plan.run, round: plan.round, purpose: plan.purpose }
}
