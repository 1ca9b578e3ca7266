/**
 * Partners (fedsum, section E.4): statistics and evaluations are among one set of sites, the whole of it or nobody, in all
 * runs of a study: sums over sets that differ by a few sites would tell of those few. Such a round that lacks one is
 * withheld, which is no failure of the run; one that loses a partner after its plan is attempted again with all of them, who
 * mask the very same content. Training takes dropouts; sealed mode has no sums to compare.
 */
import { attemptsMax } from '@consilium/protos/limits.ts'
import type { Purpose, SiteName } from '@consilium/protos/plan/names.ts'
import { refusalText } from '@consilium/protos/refusal-codes.ts'
import { type DropoutCause, type EventOf, shortReason } from './events.ts'
import { type Attendance, exclusion, exclusionReasons, standsOutOf } from './presence.ts'
import type { RoundSetting } from './setting.ts'

type Among = Pick<RoundSetting, 'aggregation' | 'purpose'>

export function isAmongPartners({ aggregation, purpose }: Among): boolean {
  return aggregation.mode === 'secure' && purpose !== 'train'
}

/** The event of a round that is not made, because of these sites. */
export function withheld(
  { round, purpose }: Pick<RoundSetting, 'round' | 'purpose'>,
  missing: readonly { readonly site: SiteName; readonly why: string }[],
  now: Date,
): EventOf<'round-failed'> {
  const sites = missing.map(({ site, why }) => `${site} is missing: ${why}`).join('; ')
  return { type: 'round-failed', at: now.toISOString(), round, purpose, code: 'withheld', reason: shortReason(sites) }
}

/** The event of a round that was planned and cannot end with all partners: interrupted where they may all come back. */
export function broken(
  setting: Pick<RoundSetting, 'round' | 'purpose' | 'attempt'>,
  missing: readonly { readonly site: SiteName; readonly why: string }[],
  causes: readonly DropoutCause[],
  now: Date,
): EventOf<'round-failed'> {
  const event = withheld(setting, missing, now)
  return mayBeAttemptedAgain(setting, causes) ? { ...event, code: 'interrupted' } : event
}

/** Not where a site refused or lied, or may take no further part. */
function mayBeAttemptedAgain({ attempt }: Pick<RoundSetting, 'attempt'>, causes: readonly DropoutCause[]): boolean {
  return (attempt?.number ?? 1) < attemptsMax && causes.every((cause) => cause === 'absent' || cause === 'deadline')
}

/** Why a partner cannot be in a round now. */
export function whyMissing(site: SiteName, attendance: Attendance, purpose: Purpose): string {
  const excluded = exclusion(attendance, site)
  if (excluded) return exclusionReasons[excluded]
  const { absentSinceMs, pins } = attendance.get(site)!
  if (absentSinceMs !== undefined) return `not connected since ${new Date(absentSinceMs).toISOString()}`
  const code = standsOutOf(attendance.get(site), purpose)
  if (code) return `it takes no part: ${refusalText(code)}`
  if (!pins) return 'it has not told yet whose identities it approved'
  return 'it and the others have not approved the identities of one another'
}
