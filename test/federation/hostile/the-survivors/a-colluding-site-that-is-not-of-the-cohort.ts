import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'survivors'> = {
  code: 'survivors-invalid',
  lie: (message) => [{ ...message, survivors: [...message.survivors, { ...message.survivors[0]!, index: 5 }] }],
}
