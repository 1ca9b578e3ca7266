import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'survivors'> = {
  code: 'survivors-conflict',
  lie: (message) => [message, { ...message, logHead: { ...message.logHead, root: 'c'.repeat(64) } }],
}
