/** What every phase from work on knows, who is left in it, and how many must be. */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { sitesOfSession } from '@consilium/protos/secagg/thresholds.ts'
import type { DropoutCause } from './events.ts'
import { isAmongPartners } from './partners.ts'
import type { AdvertisingSession, SharingSession } from './session.ts'
import type { RoundSetting } from './setting.ts'

export type Dropout = { readonly site: SiteName; readonly cause: DropoutCause; readonly reason: string }
/** As a round keeps it, with the phase in which the site was dropped. */
export type PastDropout = Dropout & { readonly phase: string }

/** Hash and size of what a site uploads. */
export type Update = { readonly sha256: Sha256; readonly bytes: number }

export type Planned = {
  readonly setting: RoundSetting
  readonly plan: RoundPlan
  readonly planHash: Sha256
  readonly cohort: readonly SiteName[]
  readonly dropouts: readonly PastDropout[]
}

/** What every phase from the collection of updates on knows besides. */
export type Collected = Planned & {
  readonly updates: ReadonlyMap<SiteName, Update>
  /** Sites whose late update was refused and recorded. */
  readonly lateSites: ReadonlySet<SiteName>
}

/** What one phase hands on to the next. */
export function plannedOf({ setting, plan, planHash, cohort, dropouts }: Planned): Planned {
  return { setting, plan, planHash, cohort, dropouts }
}

/** What one phase hands on to the next once updates are collected. */
export function collectedOf(round: Collected): Collected {
  const { updates, lateSites } = round
  return { ...plannedOf(round), updates, lateSites }
}

/** The sites of the cohort that were not dropped. */
export function membersOf({ cohort, dropouts }: Pick<Planned, 'cohort' | 'dropouts'>): SiteName[] {
  const dropped = new Set(dropouts.map(({ site }) => site))
  return cohort.filter((site) => !dropped.has(site))
}

/** Fewest sites with which the round may still succeed: the study's quorum, and in a secure round what hides a site. */
export function sitesNeeded({
  setting,
  plan,
  session,
}: Pick<Planned, 'setting' | 'plan'> & { readonly session?: AdvertisingSession | SharingSession }): number {
  if (isAmongPartners(setting)) return plan.cohort.length
  const { quorum } = setting.cohort
  if (session && 'thresholds' in session) return Math.max(quorum, session.thresholds.survivorsMin)
  return plan.secure ? Math.max(quorum, sitesOfSession(plan.secure)) : quorum
}

/** How many must be left before sites are dropped for being away: among partners one that is away ends the round at once. */
export function absentQuorum(round: Parameters<typeof sitesNeeded>[0]): number {
  return isAmongPartners(round.setting) ? 0 : sitesNeeded(round)
}
