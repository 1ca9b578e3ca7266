import type { Lie } from '../../../support/hostile/attacks.ts'
import { forgedAfter } from '../../../support/hostile/bent-log.ts'

export const lie: Lie<'assignment'> = forgedAfter('log-forked', (plan) => ({
  ...plan,
  logHead: { ...plan.logHead, root: 'c'.repeat(64) },
}))
