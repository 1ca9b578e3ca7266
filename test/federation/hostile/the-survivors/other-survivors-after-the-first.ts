import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'survivors'> = {
  code: 'survivors-conflict',
  lie: (message) => [message, { ...message, survivors: message.survivors.slice(1) }],
}
