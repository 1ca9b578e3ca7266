import type { Lie } from '../../../support/hostile/attacks.ts'
import { bentShares } from '../../../support/hostile/bent-shares.ts'

export const lie: Lie<'shares'> = bentShares(({ received, ...shares }) => ({
  ...shares,
  received: received.map((row, i) => ({ ...received[[1, 0, 2][i]!]!, index: row.index })),
}))
