import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'quorum'> = {
  code: 'quorum-invalid',
  lie: (quorum) => [
    { ...quorum, confirmations: [...quorum.confirmations.slice(0, 2), { ...quorum.confirmations[2]!, index: 5 }] },
  ],
}
