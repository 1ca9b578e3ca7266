/** Who is left out of a round for want of pins, as its watchers are told. */
import { type LeftOut, leftOutOf, mutuallyPinned, toldSites } from './pins.ts'
import type { Attendance } from './presence.ts'
import { requiredNow } from './required.ts'
import type { OpenRound } from './round.ts'

/** Who attends and is not in the round because somebody has not pinned somebody; none in sealed mode. */
export function leftOut(round: OpenRound, attendance: Attendance): LeftOut[] {
  if (round.setting.aggregation.mode === 'sealed') return []
  const told = toldSites(attendance)
  const cohort =
    round.phase === 'recruit'
      ? mutuallyPinned(told, attendance, [...requiredNow(round.setting, attendance), ...round.expected])
      : round.cohort
  return leftOutOf(cohort, round.phase === 'recruit' ? told : cohort, attendance)
}
