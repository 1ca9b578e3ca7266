import type { Lie } from '../../../support/hostile/attacks.ts'
import { bentShares } from '../../../support/hostile/bent-shares.ts'

export const lie: Lie<'shares'> = bentShares(({ received, ...shares }) => ({
  ...shares,
  received: received.map((row, i) => (i === 0 ? { ...row, sealed: new Uint8Array(136) } : row)),
}))
