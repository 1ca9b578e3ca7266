import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('study-unapproved', (plan) => ({ ...plan, study: 'b'.repeat(64) }))
