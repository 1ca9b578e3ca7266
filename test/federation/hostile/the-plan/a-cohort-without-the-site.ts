import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('not-in-cohort', (plan) => ({
  ...plan,
  cohort: ['basel', 'cleveland', 'hungary'],
}))
