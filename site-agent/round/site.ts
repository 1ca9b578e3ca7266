/** What every phase of a round is given at a site: its name, the pinned coordinator, store, link, trainers, clock, listener. */
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import { reasonCharactersMax } from '@consilium/protos/limits.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { refusalCodeOf } from '@consilium/protos/refusal-codes.ts'
import type { MaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import { faultOf } from '../fault.ts'
import type { Link } from '../link/link.ts'
import type { Policy } from '../policy.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { DataSummary } from '../train/trainer.ts'
import type { FetchObject } from './fetch-object.ts'
import type { Trainers } from './trainers.ts'

export type Site = {
  readonly name: SiteName
  /** Signs every message of a secure round; what is kept of one is sealed with keys that follow from its seed. */
  readonly identity: Identity
  /** What split, order and rounding are drawn from; 32 bytes that stay here. */
  readonly secret: Uint8Array
  /** Ed25519 key pinned when the site joined, or handed on since by its holder; 32 bytes. Read anew for every plan. */
  readonly coordinatorPublicKey: Uint8Array
  readonly store: SiteStore
  readonly link: Link
  readonly fetchObject: FetchObject
  readonly trainers: Trainers
  readonly maskThreads: MaskThreads
  /** As it stands in `policy.yaml` now. */
  readonly readPolicy: () => Pick<Policy, 'secure' | 'rollback'>
  readonly now: () => Date
  readonly emit: (event: AgentEvent) => void
}

/** A study by its hash, as approved at this site. */
export type NamedStudy = { readonly hash: Sha256; readonly manifest: StudyManifest }

/** A plan that passed every check of the recruit phase. */
export type Assignment = { readonly planHash: Sha256; readonly plan: RoundPlan; readonly study: NamedStudy }

type InRound = { readonly run: RunId; readonly round: number; readonly purpose: Purpose; readonly planHash: Sha256 }

/** What the agent tells its log, its terminal and whoever runs it; never a tensor, a secret or a patient's value. */
export type AgentEvent =
  | { readonly type: 'link-up' }
  | { readonly type: 'link-down'; readonly reason: string }
  /** Another agent attends with this site's identity; this one tries again, slowly. */
  | { readonly type: 'already-attending'; readonly reason: string }
  | { readonly type: 'study-offered'; readonly study: Sha256; readonly name: string; readonly lead: string }
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
  /** Training gave nothing: this site sends zeros, and only here is it known why. */
  | ({ readonly type: 'nothing-to-give'; readonly code: ErrorCode; readonly reason: string } & InRound)
  | ({ readonly type: 'work-done'; readonly bytes: number } & InRound)
  /** Steps of a secure round: keys advertised, keys shared, survivors confirmed, shares revealed. */
  | ({ readonly type: 'keys-advertised' } & InRound)
  | ({ readonly type: 'keys-shared'; readonly sites: number } & InRound)
  | ({ readonly type: 'survivors-confirmed'; readonly survivors: number } & InRound)
  | ({ readonly type: 'unmasked' } & InRound)
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
  | { readonly type: 'coordinator-key-rotated'; readonly previous: string; readonly fingerprint: string }
  | { readonly type: 'run-over'; readonly run: RunId; readonly outcome: string; readonly reason: string }
  | { readonly type: 'trouble'; readonly code: ErrorCode; readonly reason: string }

/** The part of an event that says which round it is about. */
export function inRound(planHash: Sha256, plan: Pick<RoundPlan, 'run' | 'round' | 'purpose'>): InRound {
  return { planHash, run: plan.run, round: plan.round, purpose: plan.purpose }
}

/** Code and reason of an error as people here read them. */
export function refusalOf(error: unknown): { readonly code: ErrorCode; readonly reason: string } {
  const { code, message } = faultOf(error)
  return { code, reason: message.slice(0, reasonCharactersMax).toWellFormed() }
}

/** What the others wait for does not hang on whether this site can write it down. */
export function orTell(site: Pick<Site, 'emit'>, body: () => void): void {
  try {
    body()
  } catch (error) {
    site.emit({ type: 'trouble', ...refusalOf(error) })
  }
}

/**
 * Keeps the refusal whole and tells the listener; while the link is up the coordinator is told a code, and no more. What is
 * refused is a round where `planHash` is given, else the study; a message that names neither cannot be answered.
 */
export function refuse(
  site: Pick<Site, 'store' | 'link' | 'emit'>,
  about: { readonly planHash?: Sha256; readonly study?: Sha256 },
  error: unknown,
): void {
  const { code, reason } = refusalOf(error)
  const { planHash, study } = about
  orTell(site, () => site.store.records.refused({ planHash: planHash ?? '', study: study ?? '', code, reason }))
  site.emit({ type: 'refused', code, reason, ...(planHash && { planHash }), ...(study && { study }) })
  const refused = planHash ? { planHash } : { studyHash: study ?? '' }
  if (planHash || study) site.link.send({ type: 'refusal', code: refusalCodeOf(code), ...refused }, study ?? '')
}
