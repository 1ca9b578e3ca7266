import type { Lie } from '../../../support/hostile/attacks.ts'
import { bentShares, change } from '../../../support/hostile/bent-shares.ts'

export const lie: Lie<'shares'> = bentShares((shares) => change(shares, 2, { signature: new Uint8Array(64) }))
