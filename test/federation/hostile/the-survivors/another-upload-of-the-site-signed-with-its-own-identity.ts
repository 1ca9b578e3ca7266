import type { Lie } from '../../../support/hostile/attacks.ts'
import { withRoot } from '../../../support/hostile/bent-survivors.ts'

export const lie: Lie<'survivors'> = { code: 'survivors-invalid', lie: (message, at) => [withRoot(message, 4, at)] }
