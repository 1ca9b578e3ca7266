import type { Lie } from '../../../support/hostile/attacks.ts'
import { bentShares } from '../../../support/hostile/bent-shares.ts'

export const lie: Lie<'shares'> = bentShares((shares) => ({
  ...shares,
  sharers: [...shares.sharers, { ...shares.sharers[0]!, index: 5 }],
}))
