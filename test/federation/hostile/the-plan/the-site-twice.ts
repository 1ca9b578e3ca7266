import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('message-invalid', (plan) => ({
  ...plan,
  cohort: [...plan.cohort, 'zurich'],
  secure: { ...plan.secure!, roster: [...plan.secure!.roster, plan.secure!.roster[3]!] },
}))
