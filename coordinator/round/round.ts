/**
 * One round: a value that is in one of its phases, or over. `decide` says which events a command leads to, `evolve` what
 * the round is after an event; both are pure, and each phase has them in a file of its own. The phases of a secure round
 * are Bonawitz et al. 2017 with the consistency round (fedsum, section A.3); in sealed mode four of them are left.
 */
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { Proven, RoundPlan, Standardisation } from '@consilium/protos/plan/round-plan.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import type { MaskedInput, ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import type { ComplaintReason } from '@consilium/protos/secagg/signed-messages.ts'
import type { Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { SecureVector } from '@consilium/protos/secagg/vectors.ts'
import * as advertiseKeys from './advertise-keys.ts'
import * as collectUpdates from './collect-updates.ts'
import * as commit from './commit.ts'
import * as confirmSurvivors from './confirm-survivors.ts'
import type { Attendance, PastDropout } from './dropouts.ts'
import type { EventOf, RoundEvent, RoundResult } from './events.ts'
import * as recruit from './recruit.ts'
import * as shareKeys from './share-keys.ts'
import * as unmask from './unmask.ts'
import * as verify from './verify.ts'
import * as work from './work.ts'

/** What is settled before a round starts. */
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
  /** Secure mode: who verified what made the model and the standardisation. */
  readonly proven?: NonNullable<RoundPlan['proven']>
  /** X25519, base64; sealed mode puts it into the plan. */
  readonly runPublicKey: string
  readonly aggregation: Study['aggregation']
  /** What every site uploads under masks. */
  readonly vectors: readonly SecureVector[]
  readonly cohort: Study['cohort']
  readonly deadlines: Study['deadlines']
  readonly startedAtMs: number
}

export type OpenRound =
  | recruit.Recruiting
  | work.Working
  | advertiseKeys.AdvertisingKeys
  | shareKeys.SharingKeys
  | collectUpdates.CollectingUpdates
  | confirmSurvivors.ConfirmingSurvivors
  | unmask.Unmasking
  | commit.Committing
  | verify.Verifying
export type Round = OpenRound | RoundOver

export type RoundOver = {
  readonly phase: 'over'
  readonly setting: RoundSetting
  /** Absent where no cohort was found. */
  readonly planHash?: Sha256
  readonly cohort: readonly SiteName[]
  readonly survivors: readonly SiteName[]
  /** A site dropped while survivors confirmed or the sum was unmasked is a survivor nevertheless: its update is in it. */
  readonly dropouts: readonly PastDropout[]
  /** Hash and size of the updates that came in; the shell drops their bytes once the round is over. */
  readonly updates: ReadonlyMap<SiteName, Update>
  /** The session of a secure round, as far as it came about. */
  readonly secure?: { readonly thresholds: Thresholds; readonly confirmed: readonly SiteName[] }
  /** Of a committed round whose sum sites verified. */
  readonly proven?: Proven
  readonly endedAtMs: number
  readonly outcome:
    | { readonly type: 'committed'; readonly result: RoundResult }
    | { readonly type: 'failed'; readonly code: EventOf<'round-failed'>['code']; readonly reason: string }
}

export type Update = { readonly sha256: Sha256; readonly bytes: number }

/**
 * `look` is what the shell says whenever somebody came or went, made progress, or a deadline passed; `logHead` is the head
 * of the run's log then. What a site says is verified by `decide` (signatures, indices, thresholds); only the shares of
 * `share-keys` and `reveal-shares` were compared with stored commitments by the shell before.
 */
export type RoundCommand =
  | { readonly type: 'look'; readonly attendance: Attendance; readonly logHead: LogHead }
  | (OfSite<'advertise-keys'> & { readonly body: Uint8Array; readonly signature: Uint8Array })
  /** `object` holds the message whole. */
  | (OfSite<'share-keys'> & { readonly message: ShareKeysMessage; readonly object: Sha256 })
  | (OfSite<'complain'> & {
      readonly against: number
      readonly reason: ComplaintReason
      readonly signature: Uint8Array
    })
  | (OfSite<'confirm-survivors'> & { readonly signature: Uint8Array })
  | (OfSite<'reveal-shares'> & { readonly message: Unmask; readonly object: Sha256 })
  /** The site sent what no honest agent sends: it takes no further part. */
  | (OfSite<'misbehave'> & { readonly reason: string })
  | { readonly type: 'finish-work'; readonly planHash: Sha256; readonly site: SiteName }
  | { readonly type: 'refuse-work'; readonly planHash: Sha256; readonly site: SiteName; readonly reason: string }
  | (OfSite<'announce-update'> & Update & { readonly masked?: MaskedInput })
  | ({ readonly type: 'receive-update'; readonly planHash: Sha256; readonly site: SiteName } & Update)
  | { readonly type: 'refuse-late-update'; readonly planHash: Sha256; readonly site: SiteName }
  | {
      readonly type: 'refuse-contribution'
      readonly planHash: Sha256
      readonly site: SiteName
      readonly reason: string
    }
  | { readonly type: 'commit'; readonly planHash: Sha256; readonly result: RoundResult; readonly sums?: Sha256 }
  | (OfSite<'judge-sum'> & {
      readonly verdict: 'verified' | 'sum-not-verified'
      readonly sums: Sha256
      readonly made: Sha256
      readonly signature: Uint8Array
    })
  | {
      readonly type: 'give-up'
      readonly planHash: Sha256
      readonly code: 'update-invalid' | 'shares-invalid'
      readonly reason: string
    }

type OfSite<Type extends string> = { readonly type: Type; readonly planHash: Sha256; readonly site: SiteName }

export function decideRound(round: OpenRound, command: RoundCommand, now: Date): RoundEvent[] {
  if (command.type !== 'look' && (round.phase === 'recruit' || round.planHash !== command.planHash)) return []
  switch (round.phase) {
    case 'recruit':
      return recruit.decide(round, command, now)
    case 'work':
      return work.decide(round, command, now)
    case 'advertise-keys':
      return advertiseKeys.decide(round, command, now)
    case 'share-keys':
      return shareKeys.decide(round, command, now)
    case 'collect-updates':
      return collectUpdates.decide(round, command, now)
    case 'confirm-survivors':
      return confirmSurvivors.decide(round, command, now)
    case 'unmask':
      return unmask.decide(round, command, now)
    case 'commit':
      return commit.decide(round, command, now)
    case 'verify':
      return verify.decide(round, command, now)
  }
}

export function evolveRound(round: OpenRound, event: RoundEvent): Round {
  switch (round.phase) {
    case 'recruit':
      return recruit.evolve(round, event)
    case 'work':
      return work.evolve(round, event)
    case 'advertise-keys':
      return advertiseKeys.evolve(round, event)
    case 'share-keys':
      return shareKeys.evolve(round, event)
    case 'collect-updates':
      return collectUpdates.evolve(round, event)
    case 'confirm-survivors':
      return confirmSurvivors.evolve(round, event)
    case 'unmask':
      return unmask.evolve(round, event)
    case 'commit':
      return commit.evolve(round, event)
    case 'verify':
      return verify.evolve(round, event)
  }
}

/**
 * When to look again if nothing happens before, epoch milliseconds; undefined where the coordinator's own work is due, and
 * while releases are awaited: they have no deadline.
 */
export function nextDeadline(round: OpenRound, attendance: Attendance): number | undefined {
  switch (round.phase) {
    case 'recruit':
      return recruit.deadline(round, attendance)
    case 'work':
      return work.deadline(round, attendance)
    case 'advertise-keys':
      return advertiseKeys.deadline(round, attendance)
    case 'share-keys':
      return shareKeys.deadline(round, attendance)
    case 'collect-updates':
      return collectUpdates.deadline(round, attendance)
    case 'confirm-survivors':
      return confirmSurvivors.deadline(round)
    case 'unmask':
    case 'commit':
    case 'verify':
      return undefined
  }
}

/** The round after a restart of the coordinator: its phase gets its whole time again. */
export function resumeRound(round: OpenRound, atMs: number): OpenRound {
  return round.phase === 'commit' || round.phase === 'verify' ? round : { ...round, sinceMs: atMs }
}
