import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'survivors'> = {
  code: 'log-forked',
  lie: (message, { plan }) => [{ ...message, logHead: { ...plan.logHead, size: plan.logHead.size - 1 } }],
}
