import type { Lie } from '../../../support/hostile/attacks.ts'
import { bentShares, only } from '../../../support/hostile/bent-shares.ts'

export const lie: Lie<'shares'> = bentShares((shares) => only(shares, [1, 2, 3]))
