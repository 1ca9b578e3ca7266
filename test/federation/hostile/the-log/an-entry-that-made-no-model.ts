import type { Lie } from '../../../support/hostile/attacks.ts'
import { forgedAfter } from '../../../support/hostile/bent-log.ts'

export const lie: Lie<'assignment'> = forgedAfter('model-not-in-log', (plan) => ({
  ...plan,
  modelEntry: plan.logHead.size - 1,
}))
