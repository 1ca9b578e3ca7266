import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged, secure } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('thresholds-refused', secure({ colluders: 0 }))
