import type { Lie } from '../../../support/hostile/attacks.ts'
import { withRoot } from '../../../support/hostile/bent-survivors.ts'

export const lie: Lie<'survivors'> = {
  code: 'survivors-conflict',
  lie: (message, at) => [message, withRoot(message, 2, at)],
}
