import type { Lie } from '../../../support/hostile/attacks.ts'
import { bentShares } from '../../../support/hostile/bent-shares.ts'

export const lie: Lie<'shares'> = bentShares((shares) => ({ ...shares, received: shares.received.slice(1) }))
