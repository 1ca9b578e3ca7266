import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'survivors'> = {
  code: 'survivors-invalid',
  lie: (message) => [{ ...message, survivors: message.survivors.slice(2) }],
}
