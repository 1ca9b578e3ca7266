import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged, secure, withKeyOf } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('roster-mismatch', secure(withKeyOf(3)))
