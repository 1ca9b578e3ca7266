/** How a round ends: with a result, or failed with a reason. */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { Proven, RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { EventOf, RoundResult } from './events.ts'
import type { PastDropout, Update } from './planned.ts'
import type { AdvertisingSession, ConfirmingSession, SharingSession } from './session.ts'
import type { RoundSetting } from './setting.ts'

export type RoundOver = {
  readonly phase: 'over'
  readonly setting: RoundSetting
  /** Absent where no cohort was found. */
  readonly planHash?: Sha256
  /** Of an interrupted round: what the next attempt repeats. */
  readonly plan?: RoundPlan
  readonly cohort: readonly SiteName[]
  readonly survivors: readonly SiteName[]
  /** A site dropped while survivors confirmed or the sum was unmasked is a survivor nevertheless: its update is in it. */
  readonly dropouts: readonly PastDropout[]
  /** Hash and size of the updates that came in; the shell drops their bytes once the round is over. */
  readonly updates: ReadonlyMap<SiteName, Update>
  /** The session of a secure round, as far as it came about. */
  readonly secure?: {
    readonly thresholds: Thresholds
    readonly confirmed: readonly SiteName[]
    /** Those that were asked to confirm one another, whatever became of it. */
    readonly asked?: readonly SiteName[]
  }
  /** Of a committed round whose sum sites verified. */
  readonly proven?: Proven
  /** Set once sites were asked for masked updates: each has masked its own by then, or may have. */
  readonly isMasked?: true
  /** Of statistics: their plan, which later runs that take their means refer to. */
  readonly statistics?: RoundPlan
  readonly endedAtMs: number
  readonly outcome:
    | { readonly type: 'committed'; readonly result: RoundResult }
    | { readonly type: 'failed'; readonly code: EventOf<'round-failed'>['code']; readonly reason: string }
}

type Ending = {
  readonly setting: RoundSetting
  readonly plan?: RoundPlan
  readonly planHash?: Sha256
  readonly cohort?: readonly SiteName[]
  readonly dropouts?: readonly PastDropout[]
  readonly session?: AdvertisingSession | SharingSession | ConfirmingSession
}

export function committedRound(
  round: Ending,
  event: EventOf<'round-committed'>,
  survivors: readonly SiteName[],
  updates: ReadonlyMap<SiteName, Update>,
): RoundOver {
  return endedRound(round, event.at, survivors, updates, { type: 'committed', result: event.result })
}

/** `updates`: those that came in before the round failed, where it had come so far. */
export function failedRound(
  round: Ending,
  event: EventOf<'round-failed'>,
  updates?: ReadonlyMap<SiteName, Update>,
): RoundOver {
  const outcome = { type: 'failed', code: event.code, reason: event.reason } as const
  return { ...endedRound(round, event.at, [], updates ?? new Map(), outcome), ...(updates && { isMasked: true }) }
}

function endedRound(
  round: Ending,
  at: string,
  survivors: readonly SiteName[],
  updates: ReadonlyMap<SiteName, Update>,
  outcome: RoundOver['outcome'],
): RoundOver {
  const { setting, plan, planHash, cohort = [], dropouts = [], session } = round
  const isInterrupted = outcome.type === 'failed' && outcome.code === 'interrupted'
  return {
    phase: 'over',
    setting,
    ...(planHash && { planHash }),
    ...(plan && setting.purpose === 'statistics' && { statistics: plan }),
    ...(isInterrupted && plan && { plan }),
    cohort,
    survivors,
    dropouts,
    updates,
    ...(session && 'thresholds' in session && { secure: secureEnd(session) }),
    endedAtMs: Date.parse(at),
    outcome,
  }
}

function secureEnd(session: SharingSession | ConfirmingSession): NonNullable<RoundOver['secure']> {
  const { thresholds } = session
  if (!('confirmed' in session)) return { thresholds, confirmed: [] }
  const { survivors: asked, confirmed } = session
  return { thresholds, confirmed: asked.filter((site) => confirmed.has(site)), asked }
}
