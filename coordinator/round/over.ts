/** How a round ends: with a result, or failed with a reason. */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { PastDropout } from './dropouts.ts'
import type { EventOf } from './events.ts'
import type { RoundOver, RoundSetting, Update } from './round.ts'
import type { AdvertisingSession, ConfirmingSession, SharingSession } from './session.ts'

type Ending = {
  readonly setting: RoundSetting
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

/** `updates`: those that came in before the round failed. */
export function failedRound(
  round: Ending,
  event: EventOf<'round-failed'>,
  updates: ReadonlyMap<SiteName, Update> = new Map(),
): RoundOver {
  return endedRound(round, event.at, [], updates, { type: 'failed', code: event.code, reason: event.reason })
}

function endedRound(
  round: Ending,
  at: string,
  survivors: readonly SiteName[],
  updates: ReadonlyMap<SiteName, Update>,
  outcome: RoundOver['outcome'],
): RoundOver {
  const { setting, planHash, cohort = [], dropouts = [], session } = round
  return {
    phase: 'over',
    setting,
    ...(planHash && { planHash }),
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
  const confirmed = 'confirmed' in session ? session.survivors.filter((site) => session.confirmed.has(site)) : []
  return { thresholds: session.thresholds, confirmed }
}
