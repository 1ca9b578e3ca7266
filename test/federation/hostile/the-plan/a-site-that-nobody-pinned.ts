import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged, newKey } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('roster-mismatch', (plan) => ({
  ...plan,
  cohort: [...plan.cohort.slice(0, 3), 'sybil', 'zurich'],
  secure: { ...plan.secure!, roster: [...plan.secure!.roster.slice(0, 3), newKey(), plan.secure!.roster[3]!] },
}))
