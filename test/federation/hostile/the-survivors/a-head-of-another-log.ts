import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'survivors'> = {
  code: 'log-forked',
  lie: (message) => [{ ...message, logHead: { ...message.logHead, root: 'c'.repeat(64) } }],
}
