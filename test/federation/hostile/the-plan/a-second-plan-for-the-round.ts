import type { Lie } from '../../../support/hostile/attacks.ts'
import { secure } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = {
  code: 'stale-round',
  lie: (message, { federation, site }) => [
    message,
    federation.forgeBeside(site, message.plan, secure({ colluders: 2 })),
  ],
}
