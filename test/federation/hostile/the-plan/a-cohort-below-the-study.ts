import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('cohort-too-small', (plan) => ({ ...plan, cohort: ['basel', 'zurich'] }))
